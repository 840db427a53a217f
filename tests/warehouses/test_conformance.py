"""The conformance checks: the simulated warehouse passes them, and each of its planted defects fails the right ones."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from service.orders.warehouse import Answer, State
from service.warehouses.conformance import LEAST_ORDERS, orders, receiver, run, under_test
from service.warehouses.conformance.event_checks import CHECKS as EVENT_CHECKS
from service.warehouses.conformance.kit import CHECKS, Kit
from service.warehouses.conformance.orders import ADDRESS, PREFIX, Orders
from service.warehouses.conformance.receiver import Receiver
from service.warehouses.conformance.replies import Reply
from service.warehouses.conformance.results import Result, Verdict
from service.warehouses.conformance.run import AT_ONCE
from service.warehouses.picking import Picking
from service.warehouses.server import Faults, Ledger, WarehouseServer
from service.warehouses.signatures import new_secret, read_secret
from tests.polling import PATIENCE
from tests.warehouses.defects import DEFECTS, Defect, add_parcel
from tests.warehouses.endpoint import Endpoint, Request, free_port, hang, respond
from tests.warehouses.warehouse_client import WarehouseClient

KEYS = [read_secret(new_secret()) for _ in range(2)]
WAITS_FOR_EVENTS = {"event-repeated", "event-parcels"}
"""The checks that wait for events until the time is over, if the events never come."""


@pytest.fixture(autouse=True)
def no_pauses_and_the_same_keys_in_each_run(monkeypatch):
    monkeypatch.setattr(orders.secrets, "token_hex", lambda _: "test")
    monkeypatch.setattr(under_test, "FIRST_PAUSE", 0)
    monkeypatch.setattr(receiver, "RETRY_AFTER", "0")
    monkeypatch.setattr("service.warehouses.server.callbacks.FIRST_PAUSE", 0.01)


@contextmanager
def running(
    *,
    success_rate: float = 1,
    picking: Any = None,
    faults: Any = None,
    events: bool = False,
    most: int = LEAST_ORDERS,
    keys: Any = KEYS,
) -> Iterator[tuple[Kit, Ledger]]:
    """A kit for a simulated warehouse that runs."""
    port = free_port()
    ledger = Ledger("seed", success_rate, picking=Picking(**(picking or {})))
    callbacks = {"callback_url": f"http://127.0.0.1:{port}/warehouse/events"} if events else {}
    with WarehouseServer(ledger, KEYS, Faults(**(faults or {})), **callbacks) as server:
        yield Kit(server.url, keys, "prod_1", most, PATIENCE, ("127.0.0.1", port) if events else None), ledger


def ids(results: list[Result], verdict: Verdict) -> set[str]:
    return {result.id for result in results if result.verdict is verdict}


def details(results: list[Result]) -> str:
    return "\n".join(f"{result.id}: {result.verdict}: {result.detail}" for result in results)


def test_the_simulated_warehouse_passes():
    with running(success_rate=0.5, most=24) as (kit, _):
        results = [*kit.run()]
    assert ids(results, Verdict.WRONG) == ids(results, Verdict.WARNING) == set(), details(results)
    assert ids(results, Verdict.NOT_SEEN) == {"cancel-accepted", "not-taken", "events"}, details(results)


def test_a_warehouse_that_works_later_and_sends_events_passes():
    picking = {"accepted": 1, "parcels": 3, "seconds": 0.05, "due_seconds": 60}
    faults = {"refused": 0.3, "closed": 0.3, "cancel_asked": 1, "callback_doubled": 0.5}
    with running(success_rate=0.7, picking=picking, faults=faults, events=True, most=24) as (kit, _):
        results = [*kit.run()]
    assert ids(results, Verdict.NOT_SEEN) == {"not-taken"}, details(results)
    assert ids(results, Verdict.RIGHT) == {result.id for result in results} - {"not-taken"}, details(results)


def test_a_warehouse_whose_answers_are_lost_and_that_takes_nothing_at_times_passes():
    faults = {"lost": 0.1, "too_many": 0.1, "error": 0.05, "retry_after": 0}
    with running(faults=faults) as (kit, _):
        results = [*kit.run()]
    assert ids(results, Verdict.WRONG) == set(), details(results)
    assert "not-taken" in ids(results, Verdict.RIGHT), details(results)
    assert kit.warehouse.unanswered > 0


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_a_planted_defect_fails_the_checks_of_its_promise(defect: Defect, monkeypatch):
    defect.plant(monkeypatch)
    if WAITS_FOR_EVENTS & (defect.wrong | defect.warnings):
        monkeypatch.setattr(run, "SHARE_OF_EVENTS", 1 / PATIENCE)
    with running(**defect.warehouse, events=defect.events) as (kit, _):
        results = [*kit.run()]
    assert ids(results, Verdict.WRONG) == defect.wrong, details(results)
    assert ids(results, Verdict.WARNING) == defect.warnings, details(results)


def test_each_check_is_failed_by_a_defect():
    failed = {name for defect in DEFECTS for name in defect.wrong | defect.warnings}
    assert failed | {"signed"} == {check.id for check in (*CHECKS, *EVENT_CHECKS)}


@pytest.mark.parametrize(
    "state",
    [
        {"status": []},
        {"status": {}, "shipments": {}},
        {"status": "declined", "shipments": 5},
        {"status": "shipped", "shipments": [[]]},
        {"status": "accepted", "due_at": [], "reason": {}},
        [],
        "\x1b[31m",
        None,
    ],
)
def test_an_answer_of_any_form_is_a_result_and_no_crash(state):
    def answer(request: Request) -> bytes:
        key = request.headers.get("idempotency-key", request.line.split("/")[2].split()[0]).strip('"')
        return respond(200, {"order_id": key, **state} if isinstance(state, dict) else state)

    with Endpoint(b"") as endpoint:
        endpoint.answer = answer
        results = [*Kit(endpoint.url, KEYS, "prod_1", LEAST_ORDERS, PATIENCE).run()]
    assert {"state", "nothing-shipped"} & ids(results, Verdict.WRONG), details(results)


def test_requests_at_the_same_moment_that_ship_twice_fail_the_check(monkeypatch):
    barrier, original = threading.Barrier(AT_ONCE), Ledger.ask

    def ask(ledger: Ledger, key: str, *more: Any, **faults: Any) -> Any:
        barrier.wait(PATIENCE)  # all of them find that the key is new
        delivery = original(ledger, key, *more, **faults)
        return add_parcel(ledger, delivery, {"check-a": 1})

    monkeypatch.setattr(Ledger, "ask", ask)
    with running() as (kit, _):
        result = next(check for check in CHECKS if check.id == "at-once").run(kit._run)
        kit.warehouse.close()
    assert (result.verdict, "more than was asked for" in result.detail) == (Verdict.WRONG, True), result.detail


def test_another_secret_than_that_of_the_warehouse_fails_the_first_check_and_no_other_runs():
    with running(keys=[read_secret(new_secret())]) as (kit, ledger):
        results = [*kit.run()]
    assert [(result.id, result.verdict) for result in results] == [("signed", Verdict.WRONG)]
    assert not ledger.read(1).deliveries


def test_a_run_asks_for_no_more_deliveries_than_it_may_all_of_them_marked_and_to_a_fictitious_address():
    with running(most=LEAST_ORDERS + 3) as (kit, ledger):
        results = [*kit.run()]
    deliveries = ledger.read(1000).deliveries
    asked_for = [delivery for delivery in deliveries if delivery.items]
    assert 4 < len(deliveries) <= LEAST_ORDERS + 3
    assert all(delivery.key.startswith(PREFIX) for delivery in deliveries)
    assert {delivery.details["ship_to"]["name"] for delivery in asked_for} == {ADDRESS["name"]}
    assert "it needs more than" not in details(results)


def test_a_warehouse_that_does_not_answer_is_wrong_when_the_time_is_over():
    with Endpoint(hang()) as endpoint:
        results = [*Kit(endpoint.url, KEYS, "prod_1", LEAST_ORDERS, 0.2).run()]
    assert (results[0].verdict, results[0].id) == (Verdict.WRONG, "signed")
    assert "no complete answer" in results[0].detail
    assert len(endpoint.requests) == 1


def test_of_a_warehouse_that_is_not_reached_nothing_is_seen():
    results = [*Kit(f"http://127.0.0.1:{free_port()}", KEYS, "prod_1", LEAST_ORDERS, PATIENCE).run()]
    assert [(result.id, result.verdict) for result in results] == [("signed", Verdict.NOT_SEEN)]
    assert results[0].detail == "no connection: the connection was refused"


def test_answers_that_overlap_are_not_compared_and_a_later_one_is():
    def replies(started: float) -> list[Reply]:
        answers = Answer(State.SHIPPED), Answer(State.DECLINED)
        times = (1.0, 2.0), (started, 3.0)
        return [
            Reply("GET", "ord_1-d1", 200, {}, b"", *time, answer=answer)
            for answer, time in zip(answers, times, strict=True)
        ]

    check = next(check for check in CHECKS if check.id == "remembered")
    for started, verdict in ((1.5, Verdict.RIGHT), (2.5, Verdict.WRONG)):
        given = SimpleNamespace(settle=lambda: None, warehouse=SimpleNamespace(replies=replies(started)))
        assert check.run(given).verdict is verdict


def test_events_of_others_are_answered_and_forgotten():
    made = Orders("prod_1", 1)
    key = made.new_order().delivery_key
    with (
        Receiver("127.0.0.1", 0, KEYS, made) as one,
        WarehouseClient(one.url, KEYS[0]) as client,
    ):
        event = {"id": "evt_1", "type": "accepted", "order_id": "ord_1-d1"}
        assert client.send("POST", "/warehouse/events", event).status_code == 404
        assert client.http.post("/", json={"order_id": "ord_1-d1"}).status_code == 401
        assert not one.arrivals
        statuses = [
            client.send("POST", "/any", {**event, "id": name, "order_id": key}).status_code for name in "aabbcc"
        ]
    assert statuses == [503, 200, 409, 200, 200, 200]
    assert [arrival.problem for arrival in one.arrivals] == [""] * 6
