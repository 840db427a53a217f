"""The lists of every order store: pages with the newest first, or overdue orders with the oldest first."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product

import pytest

from service.orders import paging
from service.orders.lifecycle import Status
from service.orders.listing import Listing
from service.orders.model import FailureKind, Order
from service.orders.paging import Span
from service.orders.ports import OrderStore
from tests.contract.support import (
    FAILURE,
    NOW,
    after,
    failed_in,
    order_in,
    put,
    waiting,
    walk,
    write_of,
)

OTHERS = [
    ("jo", "#1001"),
    ("anonymous", "#1002"),
    ("anonymous", None),
    ("anonymous:#1001", "x"),
    ("anonymou", "s:#1001"),
]
STAMPS = [0, 0, 0, 0, 1, 1, 2, 3, 3]


def stamp(number: int) -> datetime:
    return after(STAMPS[number])


@pytest.mark.parametrize("limit", [1, 2, 3, 9, 10])
def test_orders_of_a_customer_are_listed_newest_first_without_repeats(store: OrderStore, limit: int):
    put(store, len(STAMPS), created_at=stamp, updated_at=lambda number: after(-number))
    store.create(order_in(order_id="ord_x", customer_id="cust_9"))
    store.create(order_in(order_id="ord_y", customer_id=None))
    pages = walk(lambda most, position: store.list_orders(Listing(customer_id="cust_123"), most, position), limit)
    listed = [order for page in pages for order in page]
    assert [order.created_at for order in listed] == sorted(map(after, STAMPS), reverse=True)
    assert len({order.order_id for order in listed}) == len(STAMPS)
    assert all(len(page) == limit for page in pages[:-1])


@pytest.mark.parametrize("listing", [Listing(status=Status.PENDING), Listing(customer_id="cust_123")])
@pytest.mark.parametrize("microseconds", [0, 1, 456, 999])
def test_of_two_spans_that_meet_within_a_millisecond_one_has_the_order(store: OrderStore, listing, microseconds):
    store.create(order_in(Status.PENDING, created_at=NOW, updated_at=NOW))
    meet = NOW + timedelta(microseconds=microseconds)
    before, since = (
        len(store.list_orders(replace(listing, span=span), 10).orders) for span in (Span(end=meet), Span(meet))
    )
    assert (before, since) == ((1, 0) if microseconds else (0, 1))


@pytest.mark.parametrize("limit", [1, 2, 3, 9, 10])
def test_orders_of_a_status_are_listed_by_latest_change_without_repeats(store: OrderStore, limit: int):
    put(store, len(STAMPS), status=lambda _: Status.PENDING, updated_at=stamp, created_at=lambda number: after(-number))
    store.create(order_in(Status.RECEIVED, "ord_x"))
    pages = walk(lambda most, position: store.list_orders(Listing(status=Status.PENDING), most, position), limit)
    listed = [order for page in pages for order in page]
    assert [order.updated_at for order in listed] == sorted(map(after, STAMPS), reverse=True)
    assert len({order.order_id for order in listed}) == len(STAMPS)
    assert all(len(page) == limit for page in pages[:-1])


@pytest.mark.parametrize("limit", [1, 2, 3, 9, 10])
def test_orders_of_a_reference_are_listed_newest_first_and_only_those_of_their_owner(store: OrderStore, limit: int):
    put(store, len(STAMPS), created_at=stamp)
    for number, (owner, reference) in enumerate(OTHERS):
        store.create(order_in(order_id=f"ord_x{number}", owner=owner, reference=reference))
    pages = walk(
        lambda most, position: store.list_orders(Listing(owner="anonymous", reference="#1001"), most, position), limit
    )
    listed = [order for page in pages for order in page]
    assert [order.created_at for order in listed] == sorted(map(after, STAMPS), reverse=True)
    assert {(order.owner, order.reference) for order in listed} == {("anonymous", "#1001")}
    assert len({order.order_id for order in listed}) == len(STAMPS)
    assert all(len(page) == limit for page in pages[:-1])


@pytest.mark.parametrize("reference", ["%23/..?a=b&c", "\u202e\"'\\ 😀", "1:x", "x" * 128, "😀" * 128])
def test_orders_are_listed_by_any_reference_and_owner(store: OrderStore, reference: str):
    owner = f"iam:{reference}"
    order = store.create(order_in(owner=owner, reference=reference))
    assert store.list_orders(Listing(owner=owner, reference=reference), 10).orders == (order,)
    assert store.list_orders(Listing(owner="iam:", reference=reference), 10).orders == ()
    moved = store.apply(write_of("store", order))
    assert store.list_orders(Listing(owner=owner, reference=reference), 10).orders == (moved,)


LISTINGS = [
    Listing(owner="anonymous"),
    Listing(owner="anonymous", customer_id="cust_123"),
    Listing(owner="anonymous", status=Status.PENDING),
    Listing(customer_id="cust_123", status=Status.PENDING),
    Listing(owner="anonymous", reference="#1001", status=Status.PENDING),
    Listing(status=Status.PENDING),
    Listing(),
]


def fill(store: OrderStore) -> list[Order]:
    """Orders that differ in each field of a listing, some with the same times."""
    fields = product(("anonymous", "jo"), ("cust_123", "cust_9"), ("#1001", None), (Status.PENDING, Status.FAILED))
    return [
        store.create(
            order_in(
                order_id=f"ord_{number}",
                owner=owner,
                customer_id=customer_id,
                reference=reference,
                status=status,
                created_at=after(number // 3),
                updated_at=after(-(number // 3)),
            )
        )
        for number, (owner, customer_id, reference, status) in enumerate(fields)
    ]


def test_a_list_has_the_orders_that_match_every_field_in_its_own_sequence(store: OrderStore):
    orders = fill(store)
    for listing, limit in product(LISTINGS, (1, 3, 100)):
        wanted = sorted(order.order_id for order in orders if order in listing)
        listed = list_all(store, listing, limit)
        stamps = [getattr(order, listing.sorted_by) for order in listed]
        assert stamps == sorted(stamps, reverse=True), listing
        assert sorted(order.order_id for order in listed) == wanted != [], listing


def test_a_list_within_a_span_has_the_orders_of_that_time(store: OrderStore):
    orders = fill(store)
    spans = {"created_at": Span(after(1), after(4)), "updated_at": Span(after(-3), after(0))}
    for listing in LISTINGS:
        span = spans[listing.sorted_by]
        wanted = {order.order_id for order in orders if order in listing and getattr(order, listing.sorted_by) in span}
        assert {order.order_id for order in list_all(store, replace(listing, span=span), 2)} == wanted != set(), listing


def list_all(store: OrderStore, listing: Listing, limit: int) -> list[Order]:
    pages = walk(lambda most, position: store.list_orders(listing, most, position), limit)
    return [order for page in pages for order in page]


def test_a_page_ends_before_it_is_larger_than_an_answer_may_be(store: OrderStore):
    """Lambda's answer has the page as a JSON string; a quote has two bytes there, and é six."""
    put(store, 9, created_at=stamp, submission=lambda _: json.dumps({"note": 'é"' * 80_000}, ensure_ascii=False))
    pages = walk(lambda most, position: store.list_orders(Listing(customer_id="cust_123"), most, position), 9)
    listed = [order for page in pages for order in page]
    assert [order.created_at for order in listed] == sorted(map(after, STAMPS[:9]), reverse=True)
    assert len({order.order_id for order in listed}) == 9
    assert [len(page) for page in pages] == [6, 3]


def test_an_order_larger_than_a_page_is_a_page_of_its_own(store: OrderStore, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(paging, "MOST_BYTES", 10)
    put(store, 3)
    pages = walk(lambda most, position: store.list_orders(Listing(customer_id="cust_123"), most, position), 9)
    assert [len(page) for page in pages] == [1, 1, 1]


def test_a_list_has_whole_orders(store: OrderStore):
    order = store.create(order_in(Status.FAILED))
    assert store.list_orders(Listing(customer_id="cust_123"), 10).orders == (order,)
    assert store.list_orders(Listing(status=Status.FAILED), 10).orders == (order,)
    assert store.list_orders(Listing(owner="anonymous", reference="#1001"), 10).orders == (order,)


def test_a_changed_order_is_listed_under_its_new_status(store: OrderStore):
    order = store.create(order_in())
    moved = store.apply(write_of("store", order))
    assert store.list_orders(Listing(status=Status.RECEIVED), 10).orders == ()
    assert store.list_orders(Listing(status=Status.PENDING), 10).orders == (moved,)
    assert store.list_orders(Listing(customer_id="cust_123"), 10).orders == (moved,)


def test_orders_written_to_two_tables_are_listed_under_their_new_status(store: OrderStore):
    order = failed_in(store)
    assert store.list_orders(Listing(status=Status.FAILED), 10).orders == (order,)
    assert store.list_orders(Listing(status=Status.PROCESSING), 10).orders == ()
    redriven = store.apply(write_of("redrive", order))
    assert store.list_orders(Listing(status=Status.FAILED), 10).orders == ()
    assert store.list_orders(Listing(status=Status.PENDING), 10).orders == (redriven,)


def test_empty_lists_have_no_next_page(store: OrderStore):
    lists = (
        store.list_orders(Listing(customer_id="nobody"), 10),
        store.list_orders(Listing(status=Status.FAILED), 10),
        store.list_orders(Listing(owner="nobody", reference="#1"), 10),
    )
    for page in lists:
        assert (page.orders, page.next) == ((), None)
    assert waiting(store, Status.PENDING, NOW, 10) == ()


@pytest.mark.parametrize("page", [1, 3, 27, 100])
def test_overdue_orders_are_found_oldest_first_in_pages(store: OrderStore, page: int):
    orders = put(store, 30, status=lambda _: Status.PENDING, updated_at=lambda number: after(-number))
    store.create(order_in(Status.RECEIVED, "ord_x", updated_at=after(-60)))
    longest_first = tuple(reversed(orders[3:]))
    pages = list(store.list_waiting(Status.PENDING, after(-2), page))
    assert tuple(order for orders in pages for order in orders) == longest_first
    assert all(len(orders) <= page for orders in pages)


def test_overdue_orders_of_one_millisecond_are_each_found_once(store: OrderStore):
    orders = put(store, 30, status=lambda _: Status.PENDING, updated_at=lambda _: after(0))
    found = waiting(store, Status.PENDING, NOW, 2)
    assert sorted(order.order_id for order in found) == [order.order_id for order in orders]


def test_an_order_that_moves_while_pages_are_read_is_not_found_again(store: OrderStore):
    put(store, 6, status=lambda _: Status.PENDING, updated_at=after)
    found = []
    for page in store.list_waiting(Status.PENDING, NOW, 2):
        for order in page:
            found.append(order.order_id)
            store.apply(write_of("resend", order, id=f"w-{order.order_id}"))
    assert found == [f"ord_{number:03}" for number in range(6)]


def test_failed_orders_are_walked_newest_failure_first(store: OrderStore):
    for number in range(5):
        order = store.create(order_in(Status.PROCESSING, f"ord_{number}"))
        store.apply(write_of("fail", order, id=f"w-{number}", at=after(600 + number)))
    found = [order for page in store.list_failed(FAILURE.kind, 2) for order in page]
    assert [order.order_id for order in found] == [f"ord_{number}" for number in (4, 3, 2, 1, 0)]
    assert {order.status for order in found} == {Status.FAILED}
    assert not any(store.list_failed(FailureKind.UNKNOWN, 2))


def test_an_order_changed_at_the_limit_is_not_overdue(store: OrderStore):
    store.create(order_in(Status.PENDING, updated_at=after(0)))
    assert waiting(store, Status.PENDING, after(0), 10) == ()
    assert len(waiting(store, Status.PENDING, after(0.001), 10)) == 1


def test_every_write_restarts_the_waiting_time(store: OrderStore):
    order = store.create(order_in(Status.PENDING))
    moved = store.apply(write_of("resend", order))
    assert waiting(store, Status.PENDING, NOW, 10) == ()
    assert waiting(store, Status.PENDING, NOW + timedelta(milliseconds=1), 10) == (moved,)
