"""Every warehouse can be selected: the wiring creates it."""

from pathlib import Path

import pytest

import service.warehouses

FOLDER = Path(service.warehouses.__file__).parent
WAREHOUSES = sorted(file.stem for file in FOLDER.glob("[!_]*.py") if "order: Order, seconds: float" in file.read_text())
"""The modules with an implementation of the port ``Fulfiller``."""
WIRING = (Path(service.__file__).parent / "wiring.py").read_text()


def test_there_is_a_simulated_warehouse_and_one_over_http():
    assert {"http", "simulated"} <= set(WAREHOUSES)


@pytest.mark.parametrize("module", WAREHOUSES)
def test_the_wiring_imports_every_warehouse(module: str):
    assert f"from service.warehouses.{module} import" in WIRING, "create it in service/wiring.py"
