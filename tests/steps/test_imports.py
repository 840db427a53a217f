"""Each event loads only the modules that it needs, and the domain imports nothing outside itself."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import service.orders
from tests import events
from tests.benchmarks.endpoint import endpoint, settings_on
from tests.benchmarks.starts import COUNT, MOST_MODULES
from tests.polling import PATIENCE
from tests.support import SETTINGS

ROOT = Path(service.orders.__file__).parents[2]
WEB = ("fastapi", "starlette", "mangum", "uvicorn", "moto", "httpx", "fastapi_swagger")
DOMAIN = sorted(Path(service.orders.__file__).parent.glob("*.py"))

DISPATCH = """
import sys
from datetime import UTC, datetime, timedelta
from itertools import count
from types import SimpleNamespace

from service.warehouses.simulated import SimulatedWarehouse
from service.handler import dispatch
from service.orders.lifecycle import Status
from tests.memory.brake import InMemoryBrake
from tests.memory.store import InMemoryOrderStore
from service.orders.model import Order
from service.settings import Settings

at = datetime(2026, 1, 31, tzinfo=UTC)
ids = count(1)
DOCUMENT = '{"items":[{"quantity":1}]}'
system = SimpleNamespace(
    policy=Settings.load().policy,
    store=InMemoryOrderStore(),
    fulfiller=SimulatedWarehouse(1.0, "test"),
    brake=InMemoryBrake(),
    queue=SimpleNamespace(send=print),
    dead_letters=SimpleNamespace(peek=tuple),
    metrics=SimpleNamespace(record=lambda *_, **__: None, flush=lambda: None),
    workflow=SimpleNamespace(start=print),
    now=lambda: at + timedelta(hours=1),
    new_id=lambda: str(next(ids)),
)
system.store.create(
    Order(order_id="ord_1", owner="o", submission=DOCUMENT, fingerprint="f", customer_id=None, created_at=at,
          updated_at=at, write_id="w", status=Status(sys.argv[1]))
)
record = {"messageId": "m1", "eventSource": "aws:sqs", "body": '{"order_id": "ord_1"}'}
event = {
    "validate": {"dofs": {"task": "validate", "execution": "e", "input": {"order_id": "ord_1"}}},
    "store": {"dofs": {"task": "store", "order_id": "ord_1"}},
    "reject": {"dofs": {"task": "reject", "execution": "e", "input": {"order_id": "ord_1"}}},
    "reconcile": {"dofs": {"task": "reconcile"}},
    "sqs": {"Records": [record]},
}[sys.argv[2]]
context = SimpleNamespace(get_remaining_time_in_millis=lambda: 30_000)
try:
    dispatch(event, context, system)
except Exception as error:
    assert type(error).__name__ == "OrderInvalid", error
assert system.store.get("ord_1").status == sys.argv[3], system.store.get("ord_1")
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def loaded_by(*command):
    """The modules that a new process prints as loaded."""
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=SETTINGS.environment_variables(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    ("event", "before", "after", "banned"),
    [
        ("validate", "RECEIVED", "RECEIVED", WEB),
        ("reject", "RECEIVED", "REJECTED", WEB),
        ("reconcile", "PENDING", "PENDING", WEB),
        # Store validates nothing, and every order waits for it.
        ("store", "RECEIVED", "PENDING", (*WEB, "pydantic", "pydantic_core")),
        ("sqs", "PENDING", "FULFILLED", (*WEB, "pydantic")),
    ],
)
def test_an_event_loads_only_what_it_needs(event, before, after, banned):
    assert loaded_by("-c", DISPATCH, before, event, after).isdisjoint(banned)


UNUSED = ("boto3", "s3transfer", "botocore.docs.service", "html.parser", "importlib.metadata", "pydantic")
HTTP_WAREHOUSE = (
    *(
        f"service.warehouses.{name}"
        for name in ("http", "signatures", "signer", "sockets", "transport", "urls", "wire")
    ),
    "service.aws.secret",
)
"""What only a function with ``DOFS_WAREHOUSE_URL`` loads. urllib3 is there in any case, with botocore."""


@pytest.mark.parametrize("event", ["sqs_batch", "task_store"])
def test_the_function_loads_only_the_modules_of_its_first_event(event):
    with endpoint() as url:
        environment = {**settings_on(url), "AWS_REGION": SETTINGS.region, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", f"{COUNT}\nprint(*loaded)", "service.function.handler"],
            cwd=ROOT,
            env=environment,
            input=json.dumps(events.load(event)),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    *_, counted, loaded = done.stdout.splitlines()
    assert json.loads(counted)["ours"] <= MOST_MODULES
    assert json.loads(counted)["web"] == 0
    assert {*loaded.split()}.isdisjoint({*WEB, *UNUSED, *HTTP_WAREHOUSE})
    assert "service.aws.store" in loaded.split()


def test_a_warehouse_over_http_loads_its_client_when_it_is_first_asked():
    """It shows that the names in the test above are those of the modules that a warehouse over HTTP loads."""
    program = """
import sys
from dataclasses import replace
from service.settings import Settings
from service.wiring import LiveSystem
from tests.support import SETTINGS

arn = "arn:aws:secretsmanager:ap-south-1:123456789012:secret:dofs"
system = LiveSystem(replace(SETTINGS, warehouse_url="https://127.0.0.1:1", warehouse_secret=arn))
system.fulfiller
print(*sys.modules)
"""
    loaded = loaded_by("-c", program)
    assert {*HTTP_WAREHOUSE} - loaded == {"service.aws.secret"}
    assert "service.aws.clients" not in loaded, "the secret is read when a request is signed"


OTHER_PARTS = ("console", "docs", "failed_orders", "health", "stats", "warehouse_events")


def test_a_request_about_orders_loads_no_other_part_of_the_api():
    program = """
import sys
from tests.api.proxy import Gateway
from tests.support import valid_order

gateway = Gateway(cloud="embedded")
assert gateway.post("/order", valid_order())["statusCode"] == 202
assert gateway.post("/orders/ord_1/nonsense")["statusCode"] == 404
print(*sys.modules)
"""
    loaded = loaded_by("-c", program)
    assert "service.api.orders" in loaded
    assert loaded.isdisjoint(f"service.api.{name}" for name in OTHER_PARTS)


@pytest.mark.parametrize(
    ("modules", "banned"),
    [
        ("service.handler, service.wiring, service.settings", (*WEB, "pydantic", "boto3", "botocore")),
        ("service.handler, service.wiring, service.aws.store, service.aws.queue", (*WEB, "pydantic")),
        ("service.aws.workflow, service.warehouses.simulated", (*WEB, "pydantic")),
        ("service.api.gateway", ("uvicorn", "moto", "boto3", "botocore")),
    ],
)
def test_the_entry_point_and_the_adapters_load_only_what_they_need(modules, banned):
    assert loaded_by("-c", f"import sys, {modules}; print(*sys.modules)").isdisjoint(banned)


def test_the_domain_loads_no_cloud_and_no_web_framework():
    modules = ", ".join(f"service.orders.{file.stem}" for file in DOMAIN if file.stem != "__init__")
    loaded = loaded_by("-c", f"import sys, {modules}; print(*sorted({{n for n in sys.modules}}))")
    assert loaded.isdisjoint({*WEB, "boto3", "botocore", "service.api", "service.aws", "service.steps"})
    assert {name for name in loaded if name.startswith("service.")} == {
        "service.orders",
        *(f"service.orders.{file.stem}" for file in DOMAIN if file.stem != "__init__"),
    }


@pytest.mark.parametrize("file", DOMAIN, ids=lambda file: file.stem)
def test_no_module_of_the_domain_imports_randomness_clocks_or_io(file):
    imported = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module or "")
    outside = {name for name in imported if name.startswith("service.") and not name.startswith("service.orders")}
    assert not outside
    banned = {"random", "secrets", "uuid", "time", "os", "boto3", "botocore", "requests", "socket", *WEB}
    assert {name.partition(".")[0] for name in imported}.isdisjoint(banned)


@pytest.mark.parametrize("file", DOMAIN, ids=lambda file: file.stem)
def test_no_module_of_the_domain_reads_a_clock(file):
    called = {
        ast.unparse(node.func).rpartition(".")[2]
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and not ast.unparse(node.func).startswith(("system.", "self."))
    }
    assert called.isdisjoint({"now", "utcnow", "today", "time", "monotonic", "perf_counter", "time_ns", "sleep"})
