"""Every warehouse can be selected: the wiring creates it."""

from pathlib import Path

import pytest

import service.fulfillers

WAREHOUSES = sorted(file.stem for file in Path(service.fulfillers.__file__).parent.glob("[!_]*.py"))
WIRING = (Path(service.__file__).parent / "wiring.py").read_text()


@pytest.mark.parametrize("module", WAREHOUSES)
def test_the_wiring_imports_every_warehouse(module: str):
    assert f"from service.fulfillers.{module} import" in WIRING, "create it in service/wiring.py"
