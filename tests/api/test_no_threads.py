"""How a request runs calls that block on AWS: inline on Lambda, in a worker thread on a server."""

import threading

import anyio.to_thread
import pytest
import starlette.concurrency

from service.api.dependencies import run_in_thread, run_inline
from tests.api.client import LENIENT, Api
from tests.polling import PATIENCE
from tests.steps.doubles import PatchedStore
from tests.support import valid_order

REQUESTS = [
    ("POST", "/order", {"json": valid_order()}),
    ("POST", "/orders", {"json": valid_order(), "headers": {"Idempotency-Key": "x" * 16}}),
    ("POST", "/order", {"json": {}, "headers": LENIENT}),
    ("POST", "/order", {"json": {}}),
    ("GET", "/orders/ord_1", {}),
    ("GET", "/orders/ord_2", {}),
    ("GET", "/orders?status=RECEIVED", {}),
    ("GET", "/orders?customer_id=c", {}),
    ("POST", "/orders/ord_1/cancel", {}),
    ("GET", "/health", {}),
    ("GET", "/ready", {}),
    ("GET", "/docs", {}),
    ("GET", "/docs/swagger-ui.css", {}),
    ("GET", "/openapi.json", {}),
    ("GET", "/nowhere", {}),
]


@pytest.fixture
def hops(monkeypatch):
    """Record each thread that the test's thread starts or uses."""
    seen, mine = [], threading.current_thread()

    def noting(name, real):
        def noted(*args, **kwargs):
            if threading.current_thread() is mine:
                seen.append(name)
            return real(*args, **kwargs)

        return noted

    monkeypatch.setattr(threading.Thread, "start", noting("start", threading.Thread.start))
    monkeypatch.setattr(anyio.to_thread, "run_sync", noting("hop", anyio.to_thread.run_sync))
    monkeypatch.setattr(
        starlette.concurrency, "run_in_threadpool", noting("pool", starlette.concurrency.run_in_threadpool)
    )
    return seen


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda each: f"{each[0]} {each[1]}")
def test_inline_requests_use_no_other_thread(request_, hops):
    api = Api(offload=run_inline)
    api.system.receive()
    method, path, given = request_
    api.request(method, path, **given)
    assert hops == []


def test_inline_work_runs_in_the_calling_thread():
    api = Api(offload=run_inline)
    workers = []
    api.system.workflow.start = lambda *_: workers.append(threading.current_thread())
    api.post("/order", json=valid_order())
    assert workers == [threading.current_thread()]


def test_a_submission_to_a_server_uses_one_worker_thread(hops):
    Api(offload=run_in_thread).post("/order", json=valid_order())
    assert hops.count("hop") == 1


def test_blocking_work_on_a_server_runs_in_another_thread():
    api = Api(offload=run_in_thread)
    workers = []
    api.system.workflow.start = lambda *_: workers.append(threading.current_thread())
    assert api.post("/order", json=valid_order()).status_code == 202
    assert threading.current_thread() not in workers


@pytest.mark.parametrize(
    ("method", "requests"),
    [
        ("get", [("GET", "/orders/ord_1", {})] * 2),
        ("create", [("POST", "/order", {"json": valid_order()})] * 2),
        ("list_orders", [("GET", "/orders?status=RECEIVED", {})] * 2),
        ("apply", [("POST", "/orders/ord_1/cancel", {}), ("POST", "/orders/ord_2/cancel", {})]),
    ],
)
def test_a_slow_table_does_not_block_other_requests_of_a_server(method, requests):
    """Each request completes only when both are inside the store."""
    api = Api(offload=run_in_thread)
    for order_id in ("ord_1", "ord_2"):
        api.system.receive(order_id)
    meeting = threading.Barrier(2)

    def waiting(store, *args):
        meeting.wait(PATIENCE)
        return getattr(store, method)(*args)

    api.system.store = PatchedStore(api.system.store, **{method: waiting})
    assert {response.status_code for response in api.together(*requests)} <= {200, 202}


def test_readiness_checks_run_concurrently_on_a_server():
    api = Api(offload=run_in_thread)
    meeting = threading.Barrier(3)

    def ready():
        meeting.wait(PATIENCE)

    for port in (api.system.store, api.system.queue, api.system.workflow):
        port.ready = ready
    assert api.get("/ready").status_code == 200


def test_an_error_in_a_worker_thread_is_the_same_problem():
    api = Api(offload=run_in_thread)
    assert api.get("/orders/ord_1").json()["type"] == "urn:dofs:problem:order-not-found"
    assert api.post("/order", json={}).json()["type"] == "urn:dofs:problem:order-invalid"
