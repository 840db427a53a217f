"""Failed orders are listed newest first, by reason and by time, in pages that neither skip nor repeat."""

from collections import Counter
from datetime import timedelta

import pytest

from service.orders.lifecycle import Status
from service.orders.model import Failure, FailureKind
from service.orders.paging import ALWAYS, Span
from tests.contract.support import NOW, order_in, requests, walk, write_of
from tests.support import SETTINGS

KINDS = tuple(FailureKind)
EVERY = timedelta(seconds=10)


def fail(store, number, kind, at=None):
    order = store.create(order_in(Status.PROCESSING, f"ord_{number:03}", attempts=2))
    failure = Failure(kind, "because")
    return store.apply(
        write_of("fail", order, at=at or NOW + number * EVERY, failure=failure, message_id=f"message-{number}")
    )


@pytest.fixture
def failed(store):
    """Twelve failed orders of the first four kinds, three of each, ten seconds apart."""
    for number in range(12):
        fail(store, number, KINDS[number % 4])
    return store


def listed(store, kind=None, span=ALWAYS, limit=5):
    pages = walk(lambda limit, after: store.failed_orders(kind, span, limit, after), limit)
    return [each.order_id for page in pages for each in page]


def numbers(*wanted):
    return [f"ord_{number:03}" for number in wanted]


@pytest.mark.parametrize("limit", [1, 4, 5, 12, 100])
def test_failed_orders_are_listed_newest_first(failed, limit):
    assert listed(failed, limit=limit) == numbers(*reversed(range(12)))


@pytest.mark.parametrize("kind", KINDS[:4])
def test_failed_orders_are_filtered_by_kind(failed, kind):
    first = KINDS.index(kind)
    assert listed(failed, kind, limit=2) == numbers(first + 8, first + 4, first)


@pytest.mark.parametrize(
    ("span", "wanted"),
    [
        (Span(NOW + 3 * EVERY), range(3, 12)),
        (Span(end=NOW + 3 * EVERY), range(3)),
        (Span(NOW + 3 * EVERY, NOW + 5 * EVERY), (3, 4)),
        (Span(NOW + 5 * EVERY, NOW + 5 * EVERY), ()),
        (Span(NOW + 5 * EVERY, NOW + 3 * EVERY), ()),
        (Span(NOW + 200 * EVERY), ()),
    ],
)
@pytest.mark.parametrize("limit", [1, 100])
def test_failed_orders_are_filtered_by_time_with_an_exclusive_end(failed, span, wanted, limit):
    assert listed(failed, span=span, limit=limit) == numbers(*reversed(wanted))


def test_orders_that_failed_in_the_same_millisecond_are_each_listed_once(store):
    for number in range(7):
        fail(store, number, KINDS[number % 2], at=NOW)
    assert sorted(listed(store, limit=2)) == numbers(*range(7))
    assert sorted(listed(store, span=Span(NOW, NOW + timedelta(milliseconds=1)), limit=2)) == numbers(*range(7))


def test_a_redriven_order_is_no_longer_listed(failed):
    failed.apply(write_of("redrive", failed.get("ord_005"), id="w3"))
    assert listed(failed) == numbers(11, 10, 9, 8, 7, 6, 4, 3, 2, 1, 0)


def test_a_failed_order_stores_its_message_id(failed):
    page = failed.failed_orders(None, ALWAYS, 1)
    assert page.orders == (failed.get_failed("ord_011"),)
    assert page.orders[0].message_id == "message-11"


def test_failed_orders_are_counted_by_kind_and_orders_by_status(failed):
    tallies = {kind: failed.tally(kind, 100) for kind in KINDS}
    counts = {kind: (tally.count, tally.exact) for kind, tally in tallies.items()}
    assert counts == dict.fromkeys(KINDS[:4], (3, True)) | dict.fromkeys(KINDS[4:], (0, True))
    assert failed.tally(Status.FAILED, 100).count == 12
    assert failed.tally(Status.PENDING, 100).count == 0


def test_a_count_at_its_limit_is_marked_inexact(dynamodb_store, clients):
    for number in range(30):
        fail(dynamodb_store, number, FailureKind.DECLINED)
    tally = dynamodb_store.tally(FailureKind.DECLINED, 2)
    assert not tally.exact
    assert tally.count <= 2 * SETTINGS.status_shards
    assert dynamodb_store.tally(FailureKind.DECLINED, 100).count == 30


@pytest.mark.parametrize(("since", "count"), [(NOW, 12), (NOW + 6 * EVERY, 6), (NOW + 50 * EVERY, 0)])
def test_orders_that_ended_since_a_time_are_listed_newest_first(failed, since, count):
    ended = failed.list_ended(Status.FAILED, since, 100)
    assert ended.since == since
    assert [key.order_id for key in ended.orders] == numbers(*reversed(range(12)))[:count]


def test_beyond_the_limit_the_time_span_is_shortened(failed):
    ended = failed.list_ended(Status.FAILED, NOW, 1)
    assert ended.since > NOW
    whole = [key for key in failed.list_ended(Status.FAILED, NOW, 100).orders if key.at >= ended.since]
    assert list(ended.orders) == whole


def test_durations_are_read_from_the_rows(failed):
    took = failed.durations(numbers(0, 3))
    assert [each - took[0] for each in took] == [timedelta(), 3 * EVERY]
    order = failed.get("ord_000")
    assert took[0] == order.updated_at - order.created_at


def test_a_list_takes_one_query_for_each_kind_and_shard_and_one_batch_read(dynamodb_store, clients):
    fail(dynamodb_store, 1, FailureKind.DECLINED)
    with requests(clients) as every_kind:
        dynamodb_store.failed_orders(None, ALWAYS, 10)
    with requests(clients) as one_kind:
        dynamodb_store.failed_orders(FailureKind.DECLINED, ALWAYS, 10)
    shards = SETTINGS.status_shards
    assert Counter(name for name, _ in every_kind) == {"Query": len(KINDS) * shards, "BatchGetItem": 1}
    assert Counter(name for name, _ in one_kind) == {"Query": shards, "BatchGetItem": 1}
