"""Orders, and the timelines that writes leave."""

from dataclasses import FrozenInstanceError, replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.orders.lifecycle import Status
from service.orders.model import TIMELINE_LIMIT, Order, TimelineEntry, Write, link
from service.orders.transition_rules import after_write, check_complete
from tests.support import START, MemorySystem


def entry(number: int, target: Status, source: Status | None = None) -> TimelineEntry:
    return TimelineEntry(START + timedelta(seconds=number), source, target, "test", f"number {number}")


def order_with(entries: int) -> Order:
    first = entry(0, Status.RECEIVED)
    rest = (entry(number, Status.PENDING) for number in range(1, entries))
    return replace(MemorySystem().receive(), status=Status.PENDING, timeline=link((first, *rest)))


def resend(order: Order, *, seen: Order | None) -> Write:
    at = START + timedelta(hours=1)
    return Write(name="resend", order_id=order.order_id, id="w2", at=at, actor="reconciler", reason="late", seen=seen)


TARGETS = st.lists(st.sampled_from(Status), max_size=20)


@given(TARGETS)
def test_the_source_of_an_entry_is_the_target_of_the_entry_before(targets: list[Status]):
    entries = link(tuple(entry(number, target) for number, target in enumerate(targets)))
    assert [each.source for each in entries] == [None, *targets][: len(targets)]
    assert [each.target for each in entries] == targets


@given(TARGETS)
def test_linking_is_idempotent_and_adds_only_the_source(targets: list[Status]):
    entries = tuple(entry(number, target) for number, target in enumerate(targets))
    once = link(entries)
    assert link(once) == once
    assert tuple(replace(each, source=None) for each in once) == entries


def test_an_existing_source_of_an_entry_is_kept():
    entries = (entry(0, Status.PENDING, Status.PROCESSING), entry(1, Status.FAILED))
    assert [each.source for each in link(entries)] == [Status.PROCESSING, Status.PENDING]


def test_a_write_without_the_read_order_rewrites_no_timeline():
    assert resend(order_with(2), seen=None).rewritten_timeline() is None


@pytest.mark.parametrize("entries", [2, TIMELINE_LIMIT - 1])
def test_a_write_appends_to_a_timeline_below_its_limit(entries: int):
    order = order_with(entries)
    write = resend(order, seen=order)
    assert write.rewritten_timeline() is None
    added = TimelineEntry(START + timedelta(hours=1), Status.PENDING, Status.PENDING, "reconciler", "late")
    assert after_write(order, write).timeline == (*order.timeline, added)


@pytest.mark.parametrize("entries", [TIMELINE_LIMIT, TIMELINE_LIMIT + 50])
def test_a_rewritten_timeline_keeps_its_latest_hundred_entries(entries: int):
    order = order_with(entries)
    write = resend(order, seen=order)
    timeline = write.rewritten_timeline()
    assert len(timeline) == TIMELINE_LIMIT
    assert timeline == link((*order.timeline, write.entry))[-100:]
    assert after_write(order, write).timeline == timeline


def test_the_first_kept_entry_has_its_source():
    order = order_with(TIMELINE_LIMIT)
    assert resend(order, seen=order).rewritten_timeline()[0].source is Status.RECEIVED


def test_an_appended_entry_is_linked_to_the_stored_timeline():
    order = order_with(2)
    assert after_write(order, resend(order, seen=None)).timeline[-1].source is Status.PENDING


def test_a_write_derives_the_time_and_the_version_it_read():
    order = replace(order_with(2), version=7)
    write = resend(order, seen=order)
    assert write.value("now") == write.at
    assert write.value("seen_version") == 7


@pytest.mark.parametrize("name", ["seen_version", "max_attempts", "lease_owner"])
def test_a_missing_value_of_a_write_is_an_error(name: str):
    with pytest.raises(KeyError, match=name):
        resend(order_with(2), seen=None).value(name)


def test_a_write_to_failed_needs_a_failure():
    order = order_with(2)
    with pytest.raises(ValueError, match="give_up needs a failure"):
        check_complete(replace(resend(order, seen=order), name="give_up"))


def test_the_document_of_an_order_has_exact_amounts():
    document = MemorySystem().receive().document
    assert document["items"] == [{"product_id": "prod_456", "quantity": 2, "price": Decimal("29.99")}]
    assert document["total_amount"] == Decimal("59.98")


def test_an_order_is_immutable():
    with pytest.raises(FrozenInstanceError):
        MemorySystem().receive().status = Status.FULFILLED
