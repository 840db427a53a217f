"""LocalStack's second start script: its replacements behave as the originals."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "localstack" / "start.d" / "speedups.py"


class Database:
    DB_NAME = "metrics.db"
    CLOUDWATCH_DATA_ROOT = "/tmp/localstack/state/cloudwatch"  # noqa: S108 (LocalStack's own)
    METRICS_DB = f"{CLOUDWATCH_DATA_ROOT}/metrics.db"
    METRICS_DB_READ_ONLY = f"file:{METRICS_DB}?mode=ro"


@pytest.fixture
def localstack(monkeypatch) -> dict[str, Any]:
    """The parts of LocalStack that the script uses, after the script has run."""
    asl, parsed = "localstack.services.stepfunctions.asl", []

    def parse(path: str) -> object:
        parsed.append(path)
        return object()

    paths = {name: ModuleType(name) for name in ("json_path", "result_path")}
    for module in paths.values():
        module.parse = parse
    database = type("CloudwatchDatabase", (Database,), {})
    modules = {
        "localstack.services.cloudwatch.cloudwatch_database_helper": {"CloudwatchDatabase": database},
        f"{asl}.component.common.path": {"result_path": paths["result_path"]},
        f"{asl}.utils": {"json_path": paths["json_path"]},
    }
    for name, members in modules.items():
        module = ModuleType(name)
        vars(module).update(members)
        monkeypatch.setitem(sys.modules, name, module)
    spec = importlib.util.spec_from_file_location("speedups", SCRIPT)
    assert spec and spec.loader
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    return {**paths, "parsed": parsed, "database": database}


@pytest.mark.parametrize("module", ["json_path", "result_path"])
def test_each_path_is_parsed_once(localstack, module):
    parse = localstack[module].parse
    assert parse("$.order") is parse("$.order") is not parse("$.order_id")
    assert localstack["parsed"] == ["$.order", "$.order_id"]


def test_metrics_are_stored_in_memory(localstack):
    database = localstack["database"]
    (memory,) = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["localstack"]["tmpfs"]
    assert f"{memory}/cloudwatch" == database.CLOUDWATCH_DATA_ROOT
    assert f"{memory}/cloudwatch/metrics.db" == database.METRICS_DB
    assert f"file:{memory}/cloudwatch/metrics.db?mode=ro" == database.METRICS_DB_READ_ONLY
