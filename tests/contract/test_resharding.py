"""After a change of the number of shards, up or down, every read still finds every order."""

from dataclasses import replace
from datetime import timedelta

import pytest

from service.aws.store import DynamoDbOrderStore
from service.orders import stats
from service.orders.counts import Tally
from service.orders.lifecycle import Status
from service.orders.model import FailureKind
from service.orders.paging import ALWAYS
from tests.contract.support import after, order_in, put, write_of
from tests.support import MemorySystem

ORDERS = 20


@pytest.fixture(params=[(2, 8), (8, 2)], ids=["more", "fewer"])
def both(request, clients, new_tables):
    """The store before and after a change of the number of shards."""
    before, now = request.param
    settings = new_tables(status_shards=before)
    later = replace(settings, status_shards=now, previous_status_shards=before)
    return DynamoDbOrderStore(clients, settings), DynamoDbOrderStore(clients, later)


def fail(store, order):
    claimed = replace(order, status=Status.PROCESSING)
    return store.apply(write_of("fail", claimed, id=f"fail-{order.order_id}"))


def test_every_order_is_counted_once(both):
    earlier, later = both
    put(earlier, ORDERS, status=lambda _: Status.PENDING)
    later.create(order_in(Status.PENDING, "new"))
    assert later.tally(Status.PENDING, 1000) == Tally(ORDERS + 1, True)


def test_a_changed_order_is_counted_only_in_its_new_state(both):
    earlier, later = both
    orders = put(earlier, ORDERS)
    for order in orders[:10]:
        later.apply(write_of("store", order))
    assert (later.tally(Status.RECEIVED, 1000).count, later.tally(Status.PENDING, 1000).count) == (ORDERS - 10, 10)


def test_every_terminal_order_is_found(both):
    earlier, later = both
    put(earlier, ORDERS, status=lambda _: Status.FULFILLED, updated_at=after)
    later.create(order_in(Status.FULFILLED, "new", updated_at=after(99)))
    ended = later.list_ended(Status.FULFILLED, after(0), 250)
    assert len({key.order_id for key in ended.orders}) == len(ended.orders) == ORDERS + 1


def test_failed_orders_are_listed_counted_and_redriven(both):
    earlier, later = both
    failed = [fail(earlier, order) for order in put(earlier, 10, status=lambda _: Status.PROCESSING)]
    failed.append(fail(later, later.create(order_in(Status.PROCESSING, "new"))))
    listed = later.failed_orders(FailureKind.DECLINED, ALWAYS, 100)
    assert {each.order_id for each in listed.orders} == {order.order_id for order in failed}
    assert later.tally(FailureKind.DECLINED, 1000) == Tally(11, True)
    for order in failed:
        later.apply(write_of("redrive", order))
    assert later.tally(FailureKind.DECLINED, 1000).count == later.tally(Status.FAILED, 1000).count == 0
    assert later.tally(Status.PENDING, 1000).count == 11


def test_stats_include_earlier_orders_and_the_oldest_open_order(both):
    earlier, later = both
    put(earlier, ORDERS, status=lambda _: Status.PENDING, updated_at=after)
    later.create(order_in(Status.FULFILLED, "new", updated_at=after(30)))
    system = MemorySystem(store=later)
    system.now.at = after(0) + timedelta(minutes=2)
    taken = stats.take(system)
    assert taken.orders[Status.PENDING] == Tally(ORDERS, True)
    assert taken.oldest_open is not None and taken.oldest_open.order_id == "ord_000"
    assert taken.last_hour.fulfilled == 1
