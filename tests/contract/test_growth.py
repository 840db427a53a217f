"""Lists, stats and the reconciler read the same from ten thousand orders as from a hundred thousand.

Ten orders take fewer reads if they do not fill a page. ``python -m tests.benchmarks.growth`` prints all counts.
"""

from collections import Counter
from collections.abc import Callable, Iterable

import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

from service.aws.clients import Clients
from service.aws.records import from_failed_order, from_order
from service.orders.lifecycle import Status
from service.orders.listing import Listing
from service.orders.model import FailureKind
from service.orders.paging import MOST_READ
from service.settings import Settings
from tests.contract import counted_memory, counted_moto
from tests.contract.growth import (
    CUSTOMER,
    OPERATIONS,
    OWNER,
    PAGE,
    REFERENCE,
    Reads,
    failed,
    kind,
    middle,
    number_of,
    numbered,
    numbered_failure,
    order_id,
    status,
)
from tests.memory.store import InMemoryOrderStore
from tests.support import SETTINGS

TEN, MANY = 10, 10_000
KINDS = len(FailureKind)

# Queries, entries and rows with ten orders and with more, and the number of binary searches. A page of four reads a
# fifth entry to know whether more follow, and a later page reads the last entry of the page before. A list whose
# index has orders that do not match reads a thousand entries, and rows until the page is full.
IN_MEMORY = {
    "one order": (Reads(0, 0, 1), Reads(0, 0, 1), 0),
    "a customer's first page": (Reads(1, 5, 4), Reads(1, 5, 4), 0),
    "a customer's page half way": (Reads(1, 6, 4), Reads(1, 6, 4), 1),
    **{f"{whose} first page": (Reads(1, 5, 4), Reads(1, 5, 4), 0) for whose in ("an owner's", "a reference's")},
    **{f"{whose} page half way": (Reads(1, 6, 4), Reads(1, 6, 4), 1) for whose in ("an owner's", "a reference's")},
    "an owner's empty page": (Reads(1, 10, 10), Reads(1, MOST_READ + 1, MOST_READ), 0),
    "a state's first page": (Reads(1, 2, 2), Reads(1, 5, 4), 0),
    "a state's page half way": (Reads(1, 1, 1), Reads(1, 6, 4), 1),
    "failed orders of one kind": (Reads(1, 1, 1), Reads(1, 5, 4), 0),
    "failed orders half way": (Reads(KINDS, 0, 0), Reads(KINDS, 6 * KINDS, 4), KINDS),
    "stats": (Reads(5, 5, 4), Reads(5, 503, 103), 5),
    "a run of the reconciler": (Reads(5, 6, 18), Reads(23, 46, 58), 71),
}

COUNTS = len(Status) + KINDS
"""The counts of stats: one for each status and each kind of failure."""

# Requests, entries and rows with ten orders and with ten thousand, and the requests by limit. Each count of stats is
# a query of up to a thousand entries.
ON_MOTO = {
    "one order": (Reads(1, 0, 1), Reads(1, 0, 1), {("GetItem", None): 1}),
    "a customer's first page": (Reads(2, 5, 4), Reads(2, 5, 4), {("Query", 5): 1, ("BatchGetItem", None): 1}),
    "a customer's page half way": (Reads(2, 6, 4), Reads(2, 6, 4), {("Query", 6): 1, ("BatchGetItem", None): 1}),
    "an owner's first page": (Reads(2, 5, 4), Reads(2, 5, 4), {("Query", 5): 1, ("BatchGetItem", None): 1}),
    "an owner's page half way": (Reads(2, 6, 4), Reads(2, 6, 4), {("Query", 6): 1, ("BatchGetItem", None): 1}),
    "a reference's first page": (Reads(2, 5, 4), Reads(2, 5, 4), {("Query", 5): 1, ("BatchGetItem", None): 1}),
    "a reference's page half way": (Reads(2, 6, 4), Reads(2, 6, 4), {("Query", 6): 1, ("BatchGetItem", None): 1}),
    "an owner's empty page": (
        Reads(2, 10, 10),
        Reads(41, MOST_READ + 1, MOST_READ),
        {("Query", MOST_READ + 1): 1, ("BatchGetItem", None): MOST_READ // 25},
    ),
    "a state's first page": (Reads(2, 2, 2), Reads(2, 5, 4), {("Query", 5): 1, ("BatchGetItem", None): 1}),
    "a state's page half way": (Reads(2, 1, 1), Reads(2, 6, 4), {("Query", 6): 1, ("BatchGetItem", None): 1}),
    "failed orders of one kind": (Reads(2, 1, 1), Reads(2, 5, 4), {("Query", 5): 1, ("BatchGetItem", None): 1}),
    "failed orders half way": (
        Reads(KINDS, 0, 0),
        Reads(KINDS + 1, 6 * KINDS, 4),
        {("Query", 6): KINDS, ("BatchGetItem", None): 1},
    ),
    "stats": (
        Reads(COUNTS + 9, 16, 4),
        Reads(COUNTS + 9, 7 * 1_000 + 1_428 + 503, 103),
        {("Query", 1_000): COUNTS, ("Query", 250): 2, ("Query", 1): 3, ("BatchGetItem", None): 4},
    ),
    "a run of the reconciler": (
        Reads(15, 6, 6),
        Reads(53, 46, 46),
        {("Query", 2): 24, ("BatchGetItem", None): 23, ("UpdateItem", None): 6},
    ),
}


@pytest.mark.parametrize("orders", [TEN, MANY, 100_000])
def test_the_memory_store_reads_the_same_for_any_number_of_orders(orders: int):
    measured = counted_memory.measure(orders)
    assert {name: reads for name, (reads, _) in measured.items()} == {
        name: few if orders == TEN else many for name, (few, many, _) in IN_MEMORY.items()
    }
    for name, (_, compared) in measured.items():
        assert compared <= IN_MEMORY[name][2] * orders.bit_length(), name


@pytest.mark.parametrize("orders", [TEN, MANY])
def test_dynamodb_reads_the_same_for_any_number_of_orders(
    orders: int, clients: Clients, new_tables: Callable[..., Settings]
):
    settings = new_tables(status_shards=1, reconcile_limit=2, restart_limit=2)
    counted_moto.fill(settings, orders)
    measured = {name: (reads, asked) for name, reads, asked in counted_moto.measure(clients, settings, orders)}
    assert {name: reads for name, (reads, _) in measured.items()} == {
        name: few if orders == TEN else many for name, (few, many, _) in ON_MOTO.items()
    }
    for name, (reads, asked) in measured.items():
        if name in ("a run of the reconciler", "an owner's empty page") and orders == TEN:
            continue  # of so few orders, none failed for a reason that is looked at, and one batch has all rows
        rows = Counter({("BatchGetItem", None): 1}) if name != "one order" and not reads.rows else Counter()
        assert asked + rows == ON_MOTO[name][2], name


def test_a_page_half_way_has_the_next_orders():
    store = counted_memory.filled_store(MANY, Counter())
    mine = store.list_orders(Listing(customer_id=CUSTOMER), PAGE, middle(MANY)).orders
    referenced = store.list_orders(Listing(owner=OWNER, reference=REFERENCE), PAGE, middle(MANY)).orders
    pending = store.list_orders(Listing(status=Status.PENDING), PAGE, middle(MANY)).orders
    assert mine == referenced == tuple(numbered(number) for number in (4999, 4998, 4997, 4996))
    assert pending == tuple(numbered(number) for number in (4999, 4992, 4985, 4978))


@pytest.mark.parametrize("listing", [Listing(owner=OWNER), Listing(status=Status.PENDING)], ids=str)
def test_a_list_of_a_hundred_thousand_orders_is_whole_and_sorted_and_each_page_reads_the_same(listing: Listing):
    counts: Counter[str] = Counter()
    store = counted_memory.filled_store(100_000, counts)
    numbers, pages, position = [], 0, None
    while position is not None or not pages:
        counts.clear()
        page = store.list_orders(listing, 100, position)
        numbers += [number_of(order.order_id) for order in page.orders]
        pages, position = pages + 1, page.next
        assert counts["queries"] == 1
        assert (counts["entries"], counts["rows"]) <= (102, 100)
    assert numbers == [number for number in reversed(range(100_000)) if listing.status in (None, status(number))]


def test_both_stores_have_expected_reads_for_every_operation():
    assert IN_MEMORY.keys() == ON_MOTO.keys() == OPERATIONS.keys()


def test_a_bulk_filled_memory_store_equals_a_written_one():
    written, filled = InMemoryOrderStore(), counted_memory.filled_store(60, Counter())
    for number in range(60):
        written.create(numbered(number))
    for number in failed(60):
        written.failures[order_id(number)] = numbered_failure(number)
    for mine, theirs in zip(
        filled.orders.indexes + filled.failures.indexes, written.orders.indexes + written.failures.indexes, strict=True
    ):
        assert mine.partitions == theirs.partitions
    assert all(filled.get(order_id) == order for order_id, order in written.orders.items())
    assert all(filled.get_failed(order_id) == row for order_id, row in written.failures.items())
    assert {row.kind for row in written.failures.values()} == {kind(number) for number in range(60)}


def test_bulk_filled_moto_tables_equal_written_ones(clients: Clients, new_tables: Callable[..., Settings]):
    written, filled = new_tables(status_shards=3), new_tables(status_shards=3)
    counted_moto.fill(filled, 60)
    for number in range(60):
        clients.dynamodb.put_item(TableName=written.orders_table, Item=from_order(numbered(number), 3))
    for number in failed(60):
        item = from_failed_order(numbered_failure(number), 3)
        clients.dynamodb.put_item(TableName=written.failed_orders_table, Item=item)
    tables = dynamodb_backends[DEFAULT_ACCOUNT_ID][SETTINGS.region].tables
    assert tables[filled.orders_table].items == tables[written.orders_table].items
    assert tables[filled.failed_orders_table].items == tables[written.failed_orders_table].items


@pytest.mark.parametrize("walk", [list, len, dict, lambda orders: [*orders.values()]])
def test_iterating_a_whole_table_is_detected(walk: Callable[..., object]):
    store = counted_memory.filled_store(TEN, Counter())
    with pytest.raises(AssertionError, match="whole table"):
        walk(store.orders)


@pytest.mark.parametrize("walk", [list, sorted, reversed, enumerate, lambda keys: keys[:]])
def test_iterating_a_whole_partition_is_counted(walk: Callable[..., Iterable[object]]):
    counts: Counter[str] = Counter()
    by_customer = counted_memory.filled_store(TEN, counts).orders.indexes[0]
    assert len([*walk(by_customer.partitions[CUSTOMER])]) == counts["entries"] == TEN
