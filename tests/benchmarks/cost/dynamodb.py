"""Computes the request units of a DynamoDB request from the sizes of its items.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

WRITE_UNIT, READ_UNIT = 1024, 4096  # bytes
IN_A_TRANSACTION = 2  # each item is prepared and committed
OVERHEAD = 100  # bytes of a stored item, and of an index entry, in addition to its attributes

Item = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Charge:
    """The units of one request for one item, and its writes to each partition of an index."""

    row: float = 0
    """Write units of the item itself."""
    least: float = 0
    """Write units of an item of at most 1 KB."""
    index: float = 0
    """Write units of its entries in indexes."""
    read: float = 0
    indexed: Counter[tuple[str, str]] = field(default_factory=Counter)


def size(item: Item) -> int:
    """Compute the bytes of an item: the names of its attributes and their values."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def units(number: int, unit: int) -> int:
    """Compute the request units for a number of bytes, rounded up."""
    return max(1, -(-number // unit))


def write_charge(table: Mapping[str, Any], before: Item, after: Item, *, in_a_transaction: bool = False) -> Charge:
    """Compute the charge of a write of one item.

    Args:
        table: the parameters of ``CreateTable``; its indexes project keys only.
        before: the item before the write; empty if there was none.
        after: the item after the write; empty if it was deleted.
        in_a_transaction: whether the write is part of ``TransactWriteItems``.

    Returns:
        The charge. The larger of the two sizes counts. An index is charged one write for an entry that is added, one
        for an entry that is removed, and none if its keys do not change. Indexes are updated after the commit, so a
        transaction does not double their units.
    """
    indexed: Counter[tuple[str, str]] = Counter()
    index_units = 0
    for name, keys in _indexes(table):
        old, new = _entry(keys, before), _entry(keys, after)
        if old == new:
            continue
        for entry in filter(None, (old, new)):
            indexed[name, entry[keys[0]]["S"]] += 1
            index_units += units(size(entry), WRITE_UNIT)
    times = IN_A_TRANSACTION if in_a_transaction else 1
    own = units(max(size(before), size(after)), WRITE_UNIT)
    return Charge(row=own * times, least=times, index=index_units, indexed=indexed)


def read_charge(item: Item) -> Charge:
    """Compute the charge of a strongly consistent ``GetItem``."""
    return Charge(read=units(size(item), READ_UNIT))


def empty_query_charge() -> Charge:
    """Return the charge of a ``Query`` without results. It is eventually consistent, at half the price."""
    return Charge(read=0.5)


def stored_size(table: Mapping[str, Any], item: Item) -> int:
    """Compute the bytes of storage of an item and its index entries."""
    entries = (entry for _, keys in _indexes(table) if (entry := _entry(keys, item)))
    return size(item) + OVERHEAD + sum(size(entry) + OVERHEAD for entry in entries)


def _indexes(table: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    for index in table["GlobalSecondaryIndexes"]:
        assert index["Projection"]["ProjectionType"] == "KEYS_ONLY", "only KEYS_ONLY indexes are modeled"
        yield index["IndexName"], [key["AttributeName"] for key in index["KeySchema"]]


def _entry(keys: list[str], item: Item) -> dict[str, Any]:
    """Return the index entry of an item: the index keys and the table's key; empty if the item lacks an index key."""
    return {name: item[name] for name in (*keys, "order_id")} if all(key in item for key in keys) else {}


def _value_size(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            digits = Decimal(content).normalize().as_tuple()
            return -(-len(digits.digits) // 2) + 1 + digits.sign
        case "BOOL" | "NULL":
            return 1
        case "L":
            return 3 + sum(1 + _value_size(element) for element in content)
        case "M":
            return 3 + size(content) + len(content)
    raise ValueError(f"orders have no values of the type {kind}")
