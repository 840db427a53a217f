"""The validate step validates an order, and stores the raw order of an execution started by hand."""

import math
from dataclasses import replace

import pytest

from service.handler import dispatch
from service.orders.errors import KeyReused, OrderInvalid, OrderUnknown
from service.orders.identity import derive_id
from service.orders.lifecycle import Status
from service.orders.model import TimelineEntry
from service.orders.strict_json import MalformedDocument, parse_stored
from service.steps.events import BadTask
from service.steps.validate import run
from tests import events
from tests.steps.doubles import PatchedStore, invalid, standing
from tests.support import Context, MemorySystem, valid_order

BY_HAND = derive_id("execution", "by-hand")


@pytest.fixture
def system():
    return MemorySystem()


def by_id(order_id="ord_1"):
    return {"task": "validate", "execution": order_id, "input": {"order_id": order_id}}


def by_hand(order, execution="by-hand"):
    return {"task": "validate", "execution": execution, "input": {"order": order}}


def test_a_valid_order_passes_and_only_its_id_is_returned(system):
    before = system.receive()
    assert run(by_id(), system) == {"order_id": "ord_1"}
    assert system.store.get("ord_1") == before


@pytest.mark.parametrize("status", list(Status))
def test_a_task_may_contain_the_order_id_directly(status, system):
    standing(status, system)
    named, nested = {"task": "validate", "order_id": "ord_1"}, by_id()
    for task in (named, nested):
        if status is Status.REJECTED:
            with pytest.raises(OrderInvalid):
                run(task, system)
        else:
            assert run(task, system) == {"order_id": "ord_1"}


def test_an_order_accepted_leniently_is_validated(system):
    before = invalid(system)
    with pytest.raises(OrderInvalid, match="ord_1") as refused:
        run(by_id(), system)
    assert [error.pointer for error in refused.value.errors] == ["/customer_id", "/items", "/total_amount"]
    assert system.store.get("ord_1") == before


def test_an_execution_for_an_order_without_a_row_fails(system):
    with pytest.raises(OrderUnknown, match="ord_1"):
        run(by_id(), system)
    assert system.store.orders == {}


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.RECEIVED, Status.REJECTED}))
def test_an_order_past_received_is_not_validated_again(status, system):
    """It was accepted by the rules of its time; a replay after a deployment with stricter rules must not reject it."""
    before = replace(standing(status, system), submission="{}")
    system.store.orders["ord_1"] = before
    assert run(by_id(), system) == {"order_id": "ord_1"}
    assert system.store.get("ord_1") == before


def test_a_replay_after_the_rejection_raises_the_same_errors(system):
    standing(Status.REJECTED, system)
    with pytest.raises(OrderInvalid) as refused:
        run(by_id(), system)
    assert refused.value.errors == system.store.get("ord_1").errors


def test_a_raw_order_is_received_first(system):
    answer = run(by_hand(valid_order()), system)
    order = system.store.get(BY_HAND)
    assert answer == {"order_id": BY_HAND, "traceparent": order.traceparent}
    assert (order.status, order.owner, order.customer_id) == (Status.RECEIVED, "workflow", "cust_123")
    assert order.timeline == (TimelineEntry(system.now(), None, Status.RECEIVED, "workflow"),)
    assert system.workflow.started == []


def test_a_raw_order_has_the_trace_of_its_execution(system):
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    task = by_hand(valid_order())
    task["input"]["traceparent"] = trace
    assert run(task, system) == {"order_id": BY_HAND, "traceparent": trace}
    task = by_hand(valid_order(), "another")
    task["input"]["traceparent"] = "canary"
    assert "canary" not in run(task, system)["traceparent"]


def test_the_event_of_a_raw_order_runs_the_step(system):
    answer = dispatch(events.load("task_validate_raw_order"), Context(), system)
    assert answer["order_id"] == derive_id("execution", "started-by-hand-1")


def test_retries_of_the_step_create_one_order(system):
    answers = [run(by_hand(valid_order()), system) for _ in range(3)]
    assert answers == [{"order_id": BY_HAND, "traceparent": system.store.get(BY_HAND).traceparent}] * 3
    assert system.store.get(BY_HAND).version == 1


def test_an_execution_has_the_same_order_id_as_in_version_0_1_0():
    """With another id, a retry of the step after a deployment would create a second order."""
    assert BY_HAND == "ord_1173b00ea6d7ec8337640efbff91a0fc"


def test_two_executions_create_two_orders(system):
    run(by_hand(valid_order(), "first"), system)
    run(by_hand(valid_order(), "second"), system)
    assert len(system.store.orders) == 2


def test_two_retries_at_the_same_time_write_one_row(system):
    """The second one reads before the row exists, and finds the row when it writes."""
    run(by_hand(valid_order()), system)
    real = system.store
    system.store = PatchedStore(real, get=lambda store, order_id: None)
    assert run(by_hand(valid_order()), system)["order_id"] == BY_HAND
    assert real.get(BY_HAND).version == 1


def test_an_execution_name_cannot_be_reused_for_another_order(system):
    """A name can be used again after 90 days; the new order must not be mistaken for the old one."""
    run(by_hand(valid_order()), system)
    with pytest.raises(KeyReused):
        run(by_hand(valid_order(customer_id="cust_999")), system)


@pytest.mark.parametrize(
    ("order", "pointers"),
    [
        ({}, ["/customer_id", "/items", "/total_amount"]),
        (valid_order(total_amount=1), ["/total_amount"]),
        (valid_order(items=[]), ["/items"]),
        (valid_order(coupon="x"), ["/coupon"]),
        (valid_order(items=[{"product_id": "p", "quantity": True, "price": 29.99}]), ["/items/0/quantity"]),
        (valid_order(total_amount=0.1 + 0.2), ["/total_amount"]),
    ],
)
def test_an_invalid_raw_order_is_stored_and_refused(order, pointers, system):
    with pytest.raises(OrderInvalid, match=BY_HAND) as refused:
        run(by_hand(order), system)
    assert [error.pointer for error in refused.value.errors] == pointers
    assert system.store.get(BY_HAND).status is Status.RECEIVED


@pytest.mark.parametrize("order", [None, [], [{}], "an order", 5, 1.5, True])
def test_a_raw_order_that_is_not_an_object_is_stored_and_refused(order, system):
    with pytest.raises(OrderInvalid):
        run(by_hand(order), system)
    assert parse_stored(system.store.get(BY_HAND).submission) == {"order": order}


@pytest.mark.parametrize("amount", [29.99, 0.01, 1234567.89, 9999999999.99])
def test_amounts_received_as_floats_are_exact(amount, system):
    order = valid_order(items=[{"product_id": "p", "quantity": 1, "price": amount}], total_amount=amount)
    run(by_hand(order), system)
    assert f'"total_amount":{amount}' in system.store.get(BY_HAND).submission


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, "\ud800", 10**50, 1e301])
def test_a_raw_order_that_json_cannot_represent_is_refused_and_not_stored(value, system):
    with pytest.raises(MalformedDocument):
        run(by_hand(valid_order(metadata={"x": value})), system)
    assert system.store.orders == {}


@pytest.mark.parametrize("note", ["x" * 270_000, "é" * 140_000])
def test_a_raw_order_of_more_than_256_kib_is_refused_and_not_stored(note, system):
    with pytest.raises(MalformedDocument, match="larger than 262,144 bytes"):
        run(by_hand(valid_order(note=note)), system)
    assert system.store.orders == {}


@pytest.mark.parametrize("depth", [40, 100_000])
def test_a_raw_order_nested_too_deep_is_refused_and_not_stored(depth, system):
    nested = []
    for _ in range(depth):
        nested = [nested]
    with pytest.raises(MalformedDocument, match="nested deeper"):
        run(by_hand(nested), system)
    assert system.store.orders == {}


@pytest.mark.parametrize(
    "given",
    [
        None,
        [],
        "ord_1",
        {},
        {"orders": []},
        {"order_id": 5},
        {"order_id": ""},
        {"order_id": None},
        {"order_id": ["ord_1"]},
        {"order_id": "\ud800"},  # an unpaired surrogate: DynamoDB accepts it in no key
        {"order_id": 5, "order": valid_order()},
    ],
)
def test_an_execution_input_without_an_order_is_refused(given, system):
    with pytest.raises(BadTask):
        run({"task": "validate", "execution": "by-hand", "input": given}, system)
    assert system.store.orders == {}


@pytest.mark.parametrize("execution", [{}, {"execution": ""}, {"execution": 5}, {"execution": None}])
def test_a_raw_order_without_an_execution_name_is_refused(execution, system):
    with pytest.raises(BadTask, match="execution"):
        run({"task": "validate", "input": {"order": valid_order()}, **execution}, system)
    assert system.store.orders == {}
