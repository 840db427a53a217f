"""The reject step stores an invalid order as REJECTED, and returns the cause of the failed execution."""

import json

import pytest

from service.handler import dispatch
from service.orders.deliveries import Deliveries
from service.orders.errors import OrderInvalid, OrderUnknown
from service.orders.identity import derive_id
from service.orders.lifecycle import Status
from service.orders.model import FieldError, TimelineEntry
from service.orders.ports import TransitionRefused
from service.orders.validation import MAX_ERRORS
from service.steps import store, validate
from service.steps.events import BadTask
from service.steps.reject import CAUSE_LIMIT, cause, run
from tests import events
from tests.steps.doubles import PatchedStore, break_store, invalid
from tests.support import Context, MemorySystem, valid_order

ERROR = {"Error": "OrderInvalid", "Cause": "{}"}
ERRORS = (
    FieldError("/customer_id", "is required"),
    FieldError("/items", "is required"),
    FieldError("/total_amount", "is required"),
)
BY_HAND = derive_id("execution", "by-hand")


@pytest.fixture
def system():
    return MemorySystem()


def by_id(order_id="ord_1"):
    return {"task": "reject", "execution": order_id, "input": {"order_id": order_id, "error": ERROR}}


def by_hand(order):
    return {"task": "reject", "execution": "by-hand", "input": {"order": order, "error": ERROR}}


def test_an_invalid_order_is_rejected_with_its_errors(system):
    invalid(system)
    system.now.forward(1)
    answer = run(by_id(), system)
    order = system.store.get("ord_1")
    assert (order.status, order.version, order.errors) == (Status.REJECTED, 2, ERRORS)
    reason = order.timeline[-1].reason
    assert order.timeline[-1] == TimelineEntry(system.now(), Status.RECEIVED, Status.REJECTED, "workflow", reason)
    assert reason
    assert answer.keys() == {"order_id", "cause"}
    assert json.loads(answer["cause"]) == {
        "order_id": "ord_1",
        "errors": [{"pointer": error.pointer, "detail": error.detail} for error in ERRORS],
        "more": 0,
    }


def test_the_event_of_the_workflow_runs_the_step(system):
    event = events.load("task_reject")
    order_id = event["dofs"]["input"]["order_id"]
    invalid(system, order_id)
    assert dispatch(event, Context(), system)["order_id"] == order_id
    assert system.store.get(order_id).status is Status.REJECTED


def test_a_replay_returns_the_same_result_and_writes_nothing(system):
    invalid(system)
    first = run(by_id(), system)
    rejected = system.store.get("ord_1")
    system.now.forward(5)
    assert run(by_id(), system) == first
    assert system.store.get("ord_1") == rejected


def test_a_cancelled_order_stays_cancelled(system):
    invalid(system)
    Deliveries(system).cancel("ord_1", "api", "cancelled by the customer")
    assert run(by_id(), system)["order_id"] == "ord_1"
    assert system.store.get("ord_1").status is Status.CANCELLED


def test_an_order_cancelled_between_read_and_write_stays_cancelled(system):
    invalid(system)

    def cancel_first(store, write):
        if store.get("ord_1").status is Status.RECEIVED:
            real, system.store = system.store, store
            Deliveries(system).cancel("ord_1", "api", "cancelled by the customer")
            system.store = real
        return store.apply(write)

    system.store = PatchedStore(system.store, apply=cancel_first)
    assert run(by_id(), system)["order_id"] == "ord_1"
    assert system.store.get("ord_1").status is Status.CANCELLED


@pytest.mark.parametrize(
    "moves", [[store.run], [store.run, lambda task, system: Deliveries(system).claim(task["order_id"])]]
)
def test_an_order_past_received_is_not_rejected(moves, system):
    invalid(system)
    for move in moves:
        move({"order_id": "ord_1"}, system)
    before = system.store.get("ord_1")
    with pytest.raises(TransitionRefused):
        run(by_id(), system)
    assert system.store.get("ord_1") == before


def test_an_order_without_a_row_is_an_error(system):
    with pytest.raises(OrderUnknown, match="ord_1"):
        run(by_id(), system)
    assert system.store.orders == {}


def test_a_valid_order_is_never_rejected(system):
    before = system.receive()
    assert json.loads(run(by_id(), system)["cause"])["errors"] == []
    assert system.store.get("ord_1") == before


@pytest.mark.parametrize("order", [{}, [], None, "x", valid_order(total_amount=1), valid_order(coupon="x")])
def test_an_invalid_raw_order_is_rejected(order, system):
    with pytest.raises(OrderInvalid) as refused:
        validate.run(by_hand(order) | {"task": "validate"}, system)
    answer = run(by_hand(order), system)
    rejected = system.store.get(BY_HAND)
    assert (rejected.status, rejected.version) == (Status.REJECTED, 2)
    assert rejected.errors == refused.value.errors
    assert answer["order_id"] == BY_HAND


def test_a_raw_order_without_a_row_is_received_and_rejected(system):
    assert run(by_hand({}), system)["order_id"] == BY_HAND
    rejected = system.store.get(BY_HAND)
    assert [entry.target for entry in rejected.timeline] == [Status.RECEIVED, Status.REJECTED]


def test_a_replay_of_a_raw_order_returns_the_same_result(system):
    assert run(by_hand({}), system) == run(by_hand({}), system)
    assert system.store.get(BY_HAND).version == 2


def test_an_error_of_the_table_is_raised_for_the_workflow_to_retry(system):
    invalid(system)
    break_store(system, "apply", "ord_1")
    with pytest.raises(ConnectionError):
        run(by_id(), system)


@pytest.mark.parametrize("given", [None, {}, {"order_id": 5}, {"error": ERROR}])
def test_a_task_without_an_order_is_refused(given, system):
    with pytest.raises(BadTask):
        run({"task": "reject", "execution": "by-hand", "input": given}, system)


@pytest.mark.parametrize(("errors", "length"), [(0, 0), (1, 10), (100, 64), (100, 10_000), (1, 60_000), (3, 20_000)])
def test_a_cause_fits_the_limit_and_counts_omitted_errors(errors, length):
    text = cause("ord_1", tuple(FieldError("/" + "x" * length, "is not a field") for _ in range(errors)))
    read = json.loads(text)
    assert len(text) <= CAUSE_LIMIT < 32_768
    assert len(read["errors"]) + read["more"] == errors
    assert read["more"] == 0 or errors * length > CAUSE_LIMIT / 2


def test_the_cause_of_an_order_with_many_long_errors_fits_the_limit(system):
    hostile = {f"{number}" + "é" * 150: 1 for number in range(200)}
    answer = run(by_hand(hostile), system)
    assert len(answer["cause"]) <= CAUSE_LIMIT
    more = {"pointer": "", "detail": "has 103 more errors"}
    shown = json.loads(answer["cause"])
    assert shown["errors"][0] == more
    assert 1 < len(shown["errors"]) == MAX_ERRORS + 1 - shown["more"]
    assert [FieldError(**more)] == [*system.store.get(BY_HAND).errors[MAX_ERRORS:]]
