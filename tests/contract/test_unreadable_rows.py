"""A row that cannot be read hides no other row: lists omit it, name it in the log, and count it."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from service.aws.records import from_order
from service.aws.store import DynamoDbOrderStore
from service.orders import paging, stats
from service.orders.errors import UnreadableRow
from service.orders.lifecycle import OPEN, Status
from service.orders.listing import Listing
from service.orders.paging import ALWAYS
from service.orders.ports import OrderStore
from service.orders.row_reader import MOST_NAMED, RowReader
from tests.contract.support import NOW, after, failed_in, order_in, put, waiting, walk, write_of
from tests.support import CountingMetrics, MemorySystem

COUNT = ("UnreadableRows",)
SECRET = "canary"

# What a newer version, or a damaged write, can leave in a row
DAMAGES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "status": lambda row: row.update(status={"S": SECRET}),
    "timeline": lambda row: row["timeline"]["L"][-1]["M"].update(to={"S": SECRET}),
    "version": lambda row: row.update(version={"S": SECRET}),
    "restarts": lambda row: row.update(restarts={"N": "0.5"}),
    "asked": lambda row: row.update(asked={"S": SECRET}),
    "created_at": lambda row: row.update(created_at={"S": f"2026-01-31T09:30:00.000Z{SECRET}"}),
    "lease_until": lambda row: row.update(lease_until={"N": "5"}),
    "owner": lambda row: row.pop("owner"),
    "errors": lambda row: row.update(errors={"L": [{"S": SECRET}]}),
}


def spoil(store: Any, order_id: str, attribute: str = "timeline") -> None:
    """Make the row of an order unreadable."""
    if not isinstance(store, DynamoDbOrderStore):
        store.unreadable[order_id] = attribute
        return
    item = store._dynamodb.get_item(TableName=store._orders, Key={"order_id": {"S": order_id}})["Item"]
    DAMAGES[attribute](item)
    store._dynamodb.put_item(TableName=store._orders, Item=item)


@pytest.fixture
def metrics(store: Any) -> CountingMetrics:
    """The metrics of the store."""
    metrics = CountingMetrics()
    if isinstance(store, DynamoDbOrderStore):
        store._reader = RowReader(metrics)
    else:
        store.reader = RowReader(metrics)
    return metrics


@pytest.mark.parametrize("attribute", DAMAGES)
def test_a_single_read_names_the_order_and_the_attribute_and_no_data(
    dynamodb_store: DynamoDbOrderStore, attribute: str
):
    dynamodb_store.create(order_in())
    spoil(dynamodb_store, "ord_1", attribute)
    with pytest.raises(UnreadableRow) as raised:
        dynamodb_store.get("ord_1")
    assert (raised.value.order_id, raised.value.attribute) == ("ord_1", attribute)
    assert SECRET not in str(raised.value)
    assert raised.value.__suppress_context__, "the traceback would show the value"


def test_a_newer_timestamp_in_an_index_hides_no_other_order(dynamodb_store: DynamoDbOrderStore):
    put(dynamodb_store, 5, created_at=after)
    row = from_order(order_in(order_id="ord_bad"), 8) | {"created_at": {"S": "2026-13-31"}}
    dynamodb_store._dynamodb.put_item(TableName=dynamodb_store._orders, Item=row)
    pages = walk(lambda most, position: dynamodb_store.list_orders(Listing(customer_id="cust_123"), most, position), 2)
    assert [order.order_id for page in pages for order in page] == [f"ord_{number:03}" for number in (4, 3, 2, 1, 0)]


LISTS: dict[str, Callable[[OrderStore], Any]] = {
    "by customer": lambda store: store.list_orders(Listing(customer_id="cust_123"), 10).orders,
    "by reference": lambda store: store.list_orders(Listing(owner="anonymous", reference="#1001"), 10).orders,
    "by status": lambda store: store.list_orders(Listing(status=Status.PENDING), 10).orders,
    "waiting": lambda store: waiting(store, Status.PENDING, NOW, 10),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_omits_an_unreadable_row_and_reports_it(
    store: OrderStore, name: str, metrics: CountingMetrics, caplog: pytest.LogCaptureFixture
):
    put(store, 3, status=lambda _: Status.PENDING)
    spoil(store, "ord_001")
    assert sorted(order.order_id for order in LISTS[name](store)) == ["ord_000", "ord_002"]
    assert metrics.counts == {COUNT: 1}
    (line,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert line.order_id == "ord_001"
    assert "timeline" in line.getMessage()


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_the_pages_after_an_unreadable_row_are_listed(store: OrderStore, limit: int, metrics: CountingMetrics):
    put(store, 7, created_at=after)
    for number in (0, 3, 6):
        spoil(store, f"ord_{number:03}")
    pages = walk(lambda most, position: store.list_orders(Listing(customer_id="cust_123"), most, position), limit)
    assert [order.order_id for page in pages for order in page] == [f"ord_{number:03}" for number in (5, 4, 2, 1)]
    assert metrics.counts == {COUNT: 3}


def test_pages_that_end_by_their_size_neither_repeat_nor_lose_an_order(
    store: OrderStore, monkeypatch: pytest.MonkeyPatch
):
    put(store, 7, created_at=after)
    for number in (0, 3, 5, 6):
        spoil(store, f"ord_{number:03}")
    monkeypatch.setattr(paging, "MOST_BYTES", 10)
    pages = walk(lambda most, position: store.list_orders(Listing(customer_id="cust_123"), most, position), 10)
    assert [order.order_id for page in pages for order in page] == [f"ord_{number:03}" for number in (4, 2, 1)]
    assert [len(page) for page in pages] == [1, 1, 1]


def test_a_list_of_failed_orders_omits_an_unreadable_row(store: Any, metrics: CountingMetrics):
    failed_in(store)
    order = store.create(order_in(Status.PROCESSING, "ord_2"))
    store.apply(write_of("fail", order, id="w-fail-2"))
    if isinstance(store, DynamoDbOrderStore):
        key = {"order_id": {"S": "ord_1"}}
        row = store._dynamodb.get_item(TableName=store._failed_orders, Key=key)["Item"]
        store._dynamodb.put_item(TableName=store._failed_orders, Item=row | {"attempts": {"S": SECRET}})
    else:
        store.unreadable["ord_1"] = "attempts"
    assert [failed.order_id for failed in store.failed_orders(None, ALWAYS, 10).orders] == ["ord_2"]
    assert metrics.counts == {COUNT: 1}
    with pytest.raises(UnreadableRow, match="attempts"):
        store.get_failed("ord_1")


def test_durations_omit_an_unreadable_row(store: Any, metrics: CountingMetrics):
    put(store, 3, updated_at=after)
    spoil(store, "ord_001", "created_at")
    assert store.durations(["ord_000", "ord_001", "ord_002"]) == [timedelta(), timedelta(seconds=2)]
    assert metrics.counts == {COUNT: 1}


def test_statistics_are_computed_without_unreadable_rows(store: Any):
    for number, status in enumerate(sorted(OPEN)):
        store.create(order_in(status, f"ord_bad_{number}", updated_at=after(-1)))
        spoil(store, f"ord_bad_{number}")
    store.create(order_in(Status.PENDING, "ord_good", updated_at=after(0)))
    system = MemorySystem(store=store)
    system.now.at = NOW
    taken = stats.take(system)
    assert taken.orders[Status.PENDING].count == 2
    assert taken.oldest_open is not None
    assert taken.oldest_open.order_id == "ord_good"


def test_the_log_names_a_limited_number_of_unreadable_rows(caplog: pytest.LogCaptureFixture):
    def read(number: int) -> int:
        raise UnreadableRow(f"ord_{number}", "status")

    metrics = CountingMetrics()
    assert RowReader(metrics).read(range(500), read) == []
    assert len(caplog.records) == MOST_NAMED + 1
    assert metrics.counts == {COUNT: 500}


def test_other_errors_are_not_passed_over():
    with pytest.raises(ZeroDivisionError):
        RowReader().read([0], lambda number: 1 / number)
