"""Computes the read units of a page of each list, and what the index ``by-owner`` adds to an order.

A list queries its index, and reads the rows with BatchGetItem. Both are eventually consistent, at half the price.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from service.orders.lifecycle import Status
from service.orders.paging import MOST_BYTES, MOST_READ
from tests.benchmarks.cost.dynamodb import OVERHEAD, READ_UNIT, WRITE_UNIT, Item, size, units
from tests.benchmarks.cost.prices import PRICES
from tests.support import SETTINGS

HALF = 0.5
OWNER_ENTRY: Item = {
    "order_id": {"S": "ord_" + "a" * 32},
    "created_at": {"S": "2026-01-31T09:30:00.123Z"},
    "owner": {"S": "cognito:" + "a" * 36},
}
"""An entry of ``by-owner``. Those of the other indexes are as large, within a few bytes."""
PARTITIONS = SETTINGS.status_shards


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list: queries, keys of each query, and rows of up to 4 KB."""

    queries: int
    keys: int
    rows: int

    @property
    def read_units(self) -> float:
        """The read units of its queries and rows."""
        return HALF * (self.queries * units(self.keys * size(OWNER_ENTRY), READ_UNIT) + self.rows)


def pages(limit: int) -> Iterator[tuple[str, Page]]:
    """The pages of each list with a limit. A query reads one key more, to know whether more orders follow."""
    yield "of an owner, a customer or a reference", Page(1, limit + 1, limit)
    yield "of a status", Page(PARTITIONS, limit + 1, limit)
    yield "of all orders", Page(PARTITIONS * len(Status), limit + 1, limit)
    yield "of a customer with a status, without a match", Page(1, MOST_READ + 1, MOST_READ)


def largest_page() -> float:
    """The read units of the rows of a page that ends by its bytes."""
    return HALF * MOST_BYTES / READ_UNIT


def owner_index_cost() -> dict[str, float]:
    """The dollars that the index ``by-owner`` adds for a million orders. An entry is written once."""
    entry = size(OWNER_ENTRY)
    stored = PRICES["storage"].each + PRICES["recovery"].each
    return {
        "a million orders: the index by-owner": 1e6 * units(entry, WRITE_UNIT) * PRICES["write unit"].each,
        "its storage for a month": 1e6 * (entry + OVERHEAD) / 1e9 * stored,
    }


def page_rows() -> list[tuple[str, str, str, str]]:
    """The read units of each page with two limits, and the dollars for a million pages of 20."""
    hundred = dict(pages(100))
    return [
        (
            name,
            f"{page.read_units:,.1f}",
            f"{hundred[name].read_units:,.1f}",
            f"${1e6 * page.read_units * PRICES['read unit'].each:,.2f}",
        )
        for name, page in pages(20)
    ]
