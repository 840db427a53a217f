"""During a deployment, and after a rollback, two versions work on the same orders.

Attributes of a newer version must not stop this one, and must survive its writes. Rows of older versions must be
readable. CONTRIBUTING.md describes compatible changes.
"""

import json
from dataclasses import replace

import pytest

from service.aws.records import from_failed_order, from_order, to_failed_order, to_order
from service.handler import dispatch
from service.orders.errors import OrderInvalid, UnreadableRow
from service.orders.lifecycle import Status
from service.orders.model import TIMELINE_LIMIT, FailedOrder, FailureKind, Order, TimelineEntry
from service.orders.orders import Orders
from service.orders.redrive import redrive_one
from service.orders.strict_json import MAX_SIZE, from_python
from service.orders.submission import Submission
from service.orders.timestamps import parse
from service.orders.transitions import TransitionName
from tests import events
from tests.contract.support import expected, failed_in, order_in, permitting, write_of
from tests.steps.doubles import deliver, invalid, message, pending
from tests.support import START, Context, MemorySystem, valid_order
from tests.transition_table import NAMES

NEWER = {
    "a_text": {"S": "x"},
    "a_fraction": {"N": "0.5"},
    "a_huge_number": {"N": "1E+30"},
    "a_switch": {"BOOL": True},
    "nothing": {"NULL": True},
    "some_bytes": {"B": b"x"},
    "a_set": {"NS": ["1.5", "2"]},
    "a_map": {"M": {"inner": {"N": "0.5"}, "list": {"L": [{"N": "1E-3"}]}}},
}
"""Attributes of every type that this version does not know."""


# Rows of version 0.1.0 without optional attributes. Never change them: such rows are in tables.
AT = "2026-01-31T09:30:00.123Z"
FIRST_ORDER = {
    **{name: {"S": "ord_1"} for name in ("order_id", "owner", "write_id")},
    "submission": {"S": "{}"},
    "fingerprint": {"S": "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"},
    **{name: {"S": AT} for name in ("created_at", "updated_at")},
    "status": {"S": "RECEIVED"},
    "status_shard": {"S": "RECEIVED#3"},
    "version": {"N": "1"},
    **{name: {"N": "0"} for name in ("epoch", "attempts", "resends", "restarts")},
    "errors": {"L": []},
    "timeline": {"L": [{"M": {"at": {"S": AT}, "to": {"S": "RECEIVED"}, "actor": {"S": "api"}}}]},
}
FIRST_FAILED_ORDER = {
    "order_id": {"S": "ord_1"},
    "reason_shard": {"S": "declined#3"},
    "failed_at": {"S": AT},
    "reason": {"S": "declined"},
    "detail": {"S": "the warehouse declined"},
    "attempts": {"N": "3"},
    "epoch": {"N": "0"},
}


def put_row(store, item):
    store._dynamodb.put_item(TableName=store._orders, Item=item)


def row(store, order_id="ord_1"):
    return store._dynamodb.get_item(TableName=store._orders, Key={"order_id": {"S": order_id}})["Item"]


def newer(order):
    """The row of an order from a newer version, with more attributes in the row and in each timeline entry."""
    item = from_order(order, 8)
    for entry in item["timeline"]["L"]:
        entry["M"] |= NEWER
    return item | NEWER


# rows


def test_an_order_row_of_version_0_1_0_is_read():
    at = parse(AT)
    assert to_order(FIRST_ORDER) == Order(
        order_id="ord_1",
        owner="ord_1",
        submission="{}",
        fingerprint=FIRST_ORDER["fingerprint"]["S"],
        customer_id=None,
        created_at=at,
        updated_at=at,
        write_id="ord_1",
        timeline=(TimelineEntry(at, None, Status.RECEIVED, "api"),),
    )


def test_a_failed_order_row_of_version_0_1_0_is_read():
    assert to_failed_order(FIRST_FAILED_ORDER) == FailedOrder(
        order_id="ord_1",
        customer_id=None,
        kind=FailureKind.DECLINED,
        detail="the warehouse declined",
        attempts=3,
        epoch=0,
        failed_at=parse(AT),
    )


def test_an_order_that_failed_for_an_unknown_reason_is_read_as_an_error_and_can_be_redriven(dynamodb_store):
    failed_in(dynamodb_store)
    failed = dynamodb_store.get_failed("ord_1")
    item = from_failed_order(failed, 8) | {"reason": {"S": "lost_at_sea"}, "reason_shard": {"S": "lost_at_sea#0"}}
    dynamodb_store._dynamodb.put_item(TableName=dynamodb_store._failed_orders, Item=item)
    expected = replace(failed, kind=FailureKind.ERROR, detail=f"lost_at_sea: {failed.detail}")
    assert dynamodb_store.get_failed("ord_1") == expected
    assert redrive_one("ord_1", "operator", "why", MemorySystem(store=dynamodb_store)).status is Status.PENDING
    assert dynamodb_store.get_failed("ord_1") is None


@pytest.mark.parametrize("missing", ["customer_id", "traceparent", "lease_owner", "lease_until"])
def test_a_row_without_an_optional_attribute_is_read(missing):
    item = from_order(order_in(), 8)
    del item[missing]
    assert getattr(to_order(item), missing) is None


def test_an_order_row_with_unknown_attributes_is_read():
    order = order_in()
    assert to_order(newer(order)) == order


def test_a_failed_order_row_with_unknown_attributes_is_read(dynamodb_store):
    failed_in(dynamodb_store)
    failed = dynamodb_store.get_failed("ord_1")
    assert to_failed_order(from_failed_order(failed, 8) | NEWER) == failed


@pytest.mark.parametrize("name", NAMES)
def test_unknown_attributes_survive_every_write(dynamodb_store, name: TransitionName):
    order = permitting(name)
    put_row(dynamodb_store, newer(order))
    write = write_of(name, order)
    assert dynamodb_store.apply(write) == dynamodb_store.get("ord_1") == expected(order, write)
    kept = row(dynamodb_store)
    assert {attribute: kept[attribute] for attribute in NEWER} == NEWER
    for entry in kept["timeline"]["L"][: len(order.timeline)]:
        assert entry["M"].items() >= NEWER.items()


def test_cutting_a_full_timeline_drops_unknown_fields_of_its_entries(dynamodb_store):
    """Nothing else is lost. The remaining entries are rewritten by this version."""
    full = (TimelineEntry(START, None, Status.RECEIVED, "api"),) * TIMELINE_LIMIT
    order = order_in(timeline=full)
    put_row(dynamodb_store, newer(order))
    dynamodb_store.apply(write_of("restart", order))
    kept = row(dynamodb_store)
    assert kept.items() >= NEWER.items()
    assert not any(NEWER.keys() & entry["M"].keys() for entry in kept["timeline"]["L"])


def test_an_order_in_an_unknown_status_is_not_changed(dynamodb_store):
    item = from_order(order_in(Status.PENDING), 8) | {"status": {"S": "BACKORDERED"}}
    put_row(dynamodb_store, item)
    system = MemorySystem(store=dynamodb_store)
    assert deliver(system, message("ord_1")) == ["m1"], "the message stays on the queue"
    assert row(dynamodb_store) == item
    with pytest.raises(UnreadableRow, match="attribute status"):
        dynamodb_store.get("ord_1")


# messages and executions in flight


def test_a_message_with_unknown_fields_is_processed():
    system = MemorySystem()
    pending(system)
    assert deliver(system, json.dumps({"order_id": "ord_1", "priority": "high", "hints": [{"a": 0.5}]})) == []
    assert system.store.get("ord_1").status is Status.FULFILLED


def test_a_message_without_epoch_and_traceparent_is_processed():
    system = MemorySystem()
    pending(system)
    assert deliver(system, '{"order_id": "ord_1"}') == []
    assert system.store.get("ord_1").status is Status.FULFILLED


@pytest.mark.parametrize("name", ["validate", "store", "reject"])
@pytest.mark.parametrize("known", [{"input": {"order_id": "ord_1"}}, {"order_id": "ord_1"}], ids=["input", "bare"])
def test_a_task_with_unknown_fields_is_done_and_drops_them(name, known):
    system = MemorySystem()
    invalid(system) if name == "reject" else system.receive("ord_1")
    given = {"priority": "high", "deadline": {"at": 0.5}}
    known = {key: value | given if isinstance(value, dict) else value for key, value in known.items()}
    answer = dispatch({"dofs": {"task": name, "execution": "ord_1", **known, **given}}, Context(), system)
    assert answer["order_id"] == "ord_1"
    assert not answer.keys() & given.keys()


def test_a_reconcile_task_with_unknown_fields_runs():
    event = events.load("task_reconcile")
    event["dofs"]["only"] = "PENDING"
    assert dispatch(event, Context(), MemorySystem())["errors"] == 0


def test_an_order_with_an_unknown_field_is_invalid():
    """A new field is therefore announced after the previous version, a rollback target, accepts it too."""
    system = MemorySystem()
    system.receive("ord_1", priority="high")
    with pytest.raises(OrderInvalid):
        dispatch({"dofs": {"task": "validate", "execution": "ord_1", "order_id": "ord_1"}}, Context(), system)


@pytest.mark.parametrize(("currency", "price"), [("JPY", 10.5), ("UGX", 0.01), ("XAU", 10), ("XTS", 10.25)])
def test_an_order_that_0_1_0_accepted_is_refused_by_the_api_and_not_yet_by_the_workflow(currency, price):
    document = from_python(
        valid_order(items=[{"product_id": "p", "quantity": 1, "price": price}], total_amount=price, currency=currency)
    )
    system = MemorySystem()
    with pytest.raises(OrderInvalid):
        Orders(system).submit(Submission(document, owner="anonymous"))
    order, _ = Orders(system).submit(Submission(document, owner="anonymous", lenient_bytes=MAX_SIZE))
    dispatch({"dofs": {"task": "validate", "execution": "x", "order_id": order.order_id}}, Context(), system)


def test_an_unknown_failure_kind_in_the_timeline_is_read_as_none():
    item = from_order(order_in(Status.PENDING), 8)
    item["timeline"]["L"][-1]["M"]["failure"] = {"S": "lost_at_sea"}
    assert to_order(item).timeline[-1].failure is None
