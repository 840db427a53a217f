"""Lists are whole and sorted, however few keys and rows DynamoDB returns at once, and however few a page may read."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import count, product
from types import SimpleNamespace
from typing import Any

import pytest

from service.aws.clients import Clients
from service.aws.store import DynamoDbOrderStore
from service.orders.lifecycle import Status
from service.orders.listing import Listing
from service.orders.model import Order
from service.orders.paging import Page, Position, Span
from service.orders.ports import OrderStore, Unavailable
from service.settings import Settings
from tests.contract.support import after, on, order_in
from tests.contract.test_order_lists import LISTINGS
from tests.memory.store import InMemoryOrderStore

SPANS = {"created_at": Span(after(1), after(6)), "updated_at": Span(after(-6), after(-1))}
LISTS = [*LISTINGS, *(replace(listing, span=SPANS[listing.sorted_by]) for listing in LISTINGS)]
Fault = Callable[[Clients], AbstractContextManager[None]]


def fill(store: OrderStore) -> list[Order]:
    """Orders that differ in each field of a listing, two of each millisecond."""
    fields = product(("anonymous", "jo"), ("cust_123", "cust_9"), ("#1001", None), (Status.PENDING, Status.FAILED))
    return [
        store.create(
            order_in(
                order_id=f"ord_{number:02}",
                owner=owner,
                customer_id=customer_id,
                reference=reference,
                status=status,
                created_at=after(number % 8),
                updated_at=after(-(number % 8)),
            )
        )
        for number, (owner, customer_id, reference, status) in enumerate(fields)
    ]


def query_returns(keys: int) -> Fault:
    """A query ends after a number of keys, as after 1 MB, and says so by ``LastEvaluatedKey``."""

    def lower(params: dict[str, Any], **_: Any) -> None:
        params["Limit"] = min(params["Limit"], keys)

    return lambda clients: on(clients, "before-parameter-build.dynamodb.Query", lower)


def call_is_throttled(operation: str, every: int) -> Fault:
    """DynamoDB refuses each n-th call of an operation."""
    numbers = count(1)
    refused = {"Error": {"Code": "ProvisionedThroughputExceededException"}, "ResponseMetadata": {}}

    def refuse(**_: Any) -> tuple[SimpleNamespace, dict[str, Any]] | None:
        return None if next(numbers) % every else (SimpleNamespace(status_code=400), refused)

    return lambda clients: on(clients, f"before-call.dynamodb.{operation}", refuse)


def batch_returns(*rows: int | None) -> Fault:
    """A batch returns a number of rows, for each call in turn, and leaves the other keys unprocessed; None: all."""
    numbers = count()

    def leave(parsed: dict[str, Any], **_: Any) -> None:
        most = rows[next(numbers) % len(rows)]
        ((table, found),) = parsed["Responses"].items()
        left = found[most:] if most is not None else []
        if left:
            parsed["Responses"] = {table: found[:most]}
            parsed["UnprocessedKeys"] = {table: {"Keys": [{"order_id": row["order_id"]} for row in left]}}

    return lambda clients: on(clients, "after-call.dynamodb.BatchGetItem", leave)


FAULTS: dict[str, Fault] = {
    "a query returns one key": query_returns(1),
    "a query returns three keys": query_returns(3),
    "each eleventh query is throttled": call_is_throttled("Query", 11),
    "each third batch is throttled": call_is_throttled("BatchGetItem", 3),
    "a batch returns one row": batch_returns(1),
    "a batch returns no row four times": batch_returns(0, 0, 0, 0, 2),
    "each second batch returns no row": batch_returns(0, None),
}


@pytest.fixture(scope="module")
def filled_store(clients: Clients, new_tables: Callable[..., Settings]) -> tuple[DynamoDbOrderStore, list[Order]]:
    store = DynamoDbOrderStore(clients, new_tables(status_shards=1))
    return store, fill(store)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_list_is_whole_whatever_dynamodb_returns_at_once(
    fault: str,
    clients: Clients,
    filled_store: tuple[DynamoDbOrderStore, list[Order]],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("service.aws.partitions.time.sleep", lambda _: None)
    store, orders = filled_store
    for listing in LISTS:
        with FAULTS[fault](clients):
            pages = walk(store, listing, 3)
        assert_whole(pages, listing, orders)
        assert all(len(page.orders) == 3 for page in pages[:-1]), listing


def test_rows_that_stay_unprocessed_are_an_error_and_no_shorter_list(
    clients: Clients, filled_store: tuple[DynamoDbOrderStore, list[Order]], monkeypatch: pytest.MonkeyPatch
):
    slept: list[float] = []
    monkeypatch.setattr("service.aws.partitions.time.sleep", slept.append)
    with batch_returns(0)(clients), pytest.raises(Unavailable, match="unprocessed 5 times"):
        filled_store[0].list_orders(Listing(owner="jo"), 10)
    assert slept == sorted(slept)
    assert len(slept) == 4


@pytest.mark.parametrize("listing", LISTS, ids=str)
@pytest.mark.parametrize("most", ["MOST_READ", "MOST_BYTES"])
def test_a_page_that_may_read_no_more_orders_has_a_next_page(
    most: str, listing: Listing, store: OrderStore, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("service.orders.listing.MOST_READ", 2 if most == "MOST_READ" else 1_000)
    monkeypatch.setattr("service.orders.paging.MOST_BYTES", 2_500 if most == "MOST_BYTES" else 5_000_000)
    orders = fill(store)
    pages = walk(store, listing, 3)
    assert_whole(pages, listing, orders)
    if most == "MOST_BYTES" or listing.is_filtered:
        assert any(len(page.orders) < 3 for page in pages[:-1])


@pytest.mark.parametrize("limit", [1, 20, 100])
def test_few_matches_among_many_orders_take_few_pages(limit: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("service.orders.paging.MOST_BYTES", 50_000_000)
    store = InMemoryOrderStore()
    for number in range(3_000):
        status = Status.PENDING if number % 1_500 == 7 else Status.FULFILLED
        store.create(order_in(status, f"ord_{number:04}", created_at=after(number)))
    pages = walk(store, Listing(customer_id="cust_123", status=Status.PENDING), limit)
    assert [order.order_id for page in pages for order in page.orders] == ["ord_1507", "ord_0007"]
    assert len(pages) <= 5


def walk(store: OrderStore, listing: Listing, limit: int) -> list[Page[Order]]:
    """Read all pages of a list. A page that fails is read again, as clients do."""
    pages: list[Page[Order]] = []
    position: Position | None = None
    for _ in range(200):
        try:
            pages.append(store.list_orders(listing, limit, position))
        except Unavailable:
            continue
        position = pages[-1].next
        if position is None:
            return pages
    raise AssertionError(f"the list does not end: {listing}")


def assert_whole(pages: list[Page[Order]], listing: Listing, orders: list[Order]) -> None:
    listed = [order for page in pages for order in page.orders]
    stamps = [getattr(order, listing.sorted_by) for order in listed]
    wanted = [order for order in orders if order in listing and getattr(order, listing.sorted_by) in listing.span]
    assert stamps == sorted(stamps, reverse=True), listing
    assert sorted(order.order_id for order in listed) == sorted(order.order_id for order in wanted) != [], listing
