"""The behavior of every order store, in memory and on DynamoDB."""

from dataclasses import fields, replace

import pytest

from service.orders.lifecycle import Status
from service.orders.model import TIMELINE_LIMIT, FailedOrder, FailureKind, TimelineEntry, link
from service.orders.ports import OrderExists, OrderStore, TransitionRefused
from service.orders.transitions import TRANSITIONS, TransitionName
from tests.contract.support import (
    ERRORS,
    FAILING,
    FAILURE,
    NOW,
    after,
    expected,
    failed_in,
    order_in,
    permitting,
    write_of,
)
from tests.support import START, MemorySystem
from tests.transition_table import NAMES, sources_of

# creating and reading


def test_a_created_order_is_stored_unchanged(store: OrderStore):
    order = MemorySystem().receive()
    assert store.create(order) == order
    assert store.get(order.order_id) == order


@pytest.mark.parametrize("status", Status)
def test_every_attribute_of_an_order_is_stored(store: OrderStore, status: Status):
    order = order_in(status, errors=ERRORS, cancel_asked=1, parcels=1)
    unset = [each.name for each in fields(order) if getattr(order, each.name) in (None, each.default)]
    assert set(unset) <= {"status"}, "give each of them a value in order_in of tests/contract/support.py"
    store.create(order)
    assert store.get(order.order_id) == order


def test_an_order_without_a_customer_is_stored(store: OrderStore):
    order = order_in(customer_id=None, lease_owner=None, lease_until=None)
    store.create(order)
    assert store.get(order.order_id) == order


def test_an_unknown_order_is_none(store: OrderStore):
    assert store.get("ord_1") is None
    assert store.get_failed("ord_1") is None


def test_repeating_the_creation_of_an_order_succeeds(store: OrderStore):
    order = order_in()
    store.create(order)
    assert store.create(order) == order
    assert store.get(order.order_id) == order


def test_creating_an_existing_order_raises_with_the_stored_one(store: OrderStore):
    existing = store.create(order_in(attempts=1))
    with pytest.raises(OrderExists, match="ord_1 exists already") as exists:
        store.create(replace(existing, write_id="another", attempts=0))
    assert exists.value.order == existing
    assert store.get(existing.order_id) == existing


def test_a_changed_order_is_not_created_again_by_its_first_write(store: OrderStore):
    order = store.create(order_in())
    moved = store.apply(write_of("store", order))
    with pytest.raises(OrderExists) as exists:
        store.create(order)
    assert exists.value.order == moved


def test_a_store_with_its_tables_is_ready(store: OrderStore):
    assert store.ready() is None


# the result of a write


def test_a_write_stores_its_time_its_id_and_a_timeline_entry(store: OrderStore):
    order = store.create(MemorySystem().receive())
    moved = store.apply(write_of("store", order, at=after(7), actor="workflow", reason=None))
    assert (moved.version, moved.created_at, moved.updated_at, moved.write_id) == (2, START, after(7), "w2")
    assert moved.timeline == (
        TimelineEntry(START, None, Status.RECEIVED, "api"),
        TimelineEntry(after(7), Status.RECEIVED, Status.PENDING, "workflow"),
    )


def test_the_timeline_has_every_transition_of_an_order(store: OrderStore):
    order = store.create(order_in(version=1, attempts=0, timeline=order_in().timeline[:1]))
    names: list[TransitionName] = ["restart", "store", "resend", "claim", "release", "claim", "fail", "redrive"]
    for number, name in enumerate(names):
        order = store.apply(write_of(name, order, id=f"w-{number}", at=after(number)))
    assert [entry.target for entry in order.timeline] == (
        "RECEIVED RECEIVED PENDING PENDING PROCESSING PENDING PROCESSING FAILED PENDING".split()
    )
    assert order.timeline == link(order.timeline)
    assert [entry.source for entry in order.timeline][1:] == [entry.target for entry in order.timeline][:-1]
    assert (order.version, order.epoch, order.attempts) == (9, 2, 0)
    assert store.get(order.order_id) == order


@pytest.mark.parametrize("entries", [TIMELINE_LIMIT - 1, TIMELINE_LIMIT, TIMELINE_LIMIT + 20])
@pytest.mark.parametrize(("name", "status"), [("resend", "PENDING"), ("redrive", "FAILED"), ("fail", "PROCESSING")])
def test_a_write_with_the_order_seen_keeps_the_timeline_bounded(
    store: OrderStore, name: TransitionName, status: str, entries: int
):
    timeline = link(tuple(TimelineEntry(after(n), None, Status(status), "test", f"{n}") for n in range(entries)))
    order = store.create(order_in(Status(status), timeline=timeline))
    moved = store.apply(write_of(name, order))
    assert len(moved.timeline) == TIMELINE_LIMIT
    assert moved.timeline == expected(order, write_of(name, order)).timeline[-TIMELINE_LIMIT:]
    assert store.get(order.order_id) == moved


# a write after a lost response


@pytest.mark.parametrize("name", NAMES)
def test_a_repeated_write_succeeds_and_changes_nothing(store: OrderStore, name: TransitionName):
    order = store.create(permitting(name))
    write = write_of(name, order)
    moved, row = store.apply(write), store.get_failed(order.order_id)
    assert store.apply(write) == moved
    assert store.get(order.order_id) == moved == expected(order, write)
    assert store.get_failed(order.order_id) == row


def test_a_write_repeated_after_another_one_is_refused(store: OrderStore):
    order = store.create(order_in(asked=0))
    first = write_of("store", order, id="first")
    store.apply(first)
    latest = store.apply(write_of("cancel", order, id="second"))
    with pytest.raises(TransitionRefused) as refused:
        store.apply(first)
    assert refused.value.order == latest == store.get(order.order_id)


# failed orders


@pytest.mark.parametrize(("name", "status"), [(name, status) for name in FAILING for status in sources_of(name)])
def test_a_failed_order_has_a_row_in_the_failed_orders_table(store: OrderStore, name: TransitionName, status: Status):
    order = store.create(replace(permitting(name, status), attempts=3))
    moved = store.apply(write_of(name, order))
    assert moved.status is TRANSITIONS[name].target
    assert store.get_failed(order.order_id) == FailedOrder(
        order_id="ord_1",
        customer_id="cust_123",
        reference="#1001",
        kind=FailureKind.DECLINED,
        detail="the warehouse declined",
        attempts=3,
        epoch=1,
        failed_at=NOW,
    )


def test_an_order_without_a_customer_can_fail(store: OrderStore):
    order = store.create(order_in(Status.PROCESSING, customer_id=None))
    store.apply(write_of("fail", order))
    assert store.get_failed(order.order_id).customer_id is None


def test_a_redrive_removes_the_failed_order_row(store: OrderStore):
    order = failed_in(store)
    redriven = store.apply(write_of("redrive", order))
    assert (redriven.status, redriven.epoch, redriven.attempts) == (Status.PENDING, 2, 0)
    assert store.get_failed(order.order_id) is None


def test_a_redrive_ignores_a_failure_of_its_write(store: OrderStore):
    order = failed_in(store)
    store.apply(write_of("redrive", order, failure=FAILURE))
    assert store.get_failed(order.order_id) is None


def test_a_second_failure_is_stored_with_the_new_epoch(store: OrderStore):
    order = store.apply(write_of("redrive", failed_in(store), id="w-redrive"))
    claimed = store.apply(write_of("claim", order, id="w-claim"))
    store.apply(write_of("fail", claimed, id="w-again", at=after(99), failure=replace(FAILURE, detail="again")))
    row = store.get_failed(order.order_id)
    assert (row.epoch, row.attempts, row.detail, row.failed_at) == (2, 1, "again", after(99))


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("name", FAILING)
def test_a_refused_failure_stores_no_failed_order(store: OrderStore, name: TransitionName, status: Status):
    order = store.create(permitting(name, status) or order_in(status))
    with pytest.raises(TransitionRefused):
        store.apply(write_of(name, order, seen=replace(order, version=1)))
    assert store.get_failed(order.order_id) is None


def test_a_refused_redrive_keeps_the_failed_order(store: OrderStore):
    order = failed_in(store)
    row = store.get_failed(order.order_id)
    with pytest.raises(TransitionRefused):
        store.apply(write_of("redrive", order, seen=replace(order, version=1)))
    assert row is not None
    assert store.get_failed(order.order_id) == row


@pytest.mark.parametrize("name", [name for name in NAMES if Status.FAILED not in sources_of(name)])
def test_only_a_redrive_removes_a_failed_order(store: OrderStore, name: TransitionName):
    failed = failed_in(store)
    row = store.get_failed(failed.order_id)
    with pytest.raises(TransitionRefused):
        store.apply(write_of(name, failed))
    assert row is not None
    assert store.get_failed(failed.order_id) == row


@pytest.mark.parametrize("name", [name for name in NAMES if name not in FAILING])
def test_other_transitions_store_no_failed_order(store: OrderStore, name: TransitionName):
    order = store.create(permitting(name))
    store.apply(write_of(name, order))
    assert store.get_failed(order.order_id) is None


@pytest.mark.parametrize("name", FAILING)
def test_a_failing_transition_needs_a_failure(store: OrderStore, name: TransitionName):
    order = store.create(order_in(Status.PROCESSING, attempts=3))
    with pytest.raises(ValueError, match=f"{name} needs a failure"):
        store.apply(write_of(name, order, failure=None))
    assert store.get(order.order_id) == order
    assert store.get_failed(order.order_id) is None


def test_a_transition_in_two_tables_needs_the_order_seen(store: OrderStore):
    order = store.create(order_in(Status.PROCESSING))
    with pytest.raises(ValueError, match="needs the order as it was seen"):
        store.apply(write_of("fail", order, seen=None))
    assert store.get(order.order_id) == order
