"""What DynamoDB charges for a request, by the sizes of the items that it touches.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

WRITE_UNIT, READ_UNIT = 1024, 4096  # bytes
IN_A_TRANSACTION = 2  # a prepare and a commit of every item
INDEXED = 100  # bytes that a stored item, or an entry of an index, takes beside its attributes

Item = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Charge:
    """The units of one request for one item, and the writes that reached each partition of an index."""

    row: float = 0
    """Write units of the item itself."""
    least: float = 0
    """What they would be if it had no more than 1 KB."""
    index: float = 0
    """Write units of its entries in indexes."""
    read: float = 0
    indexed: Counter[tuple[str, str]] = field(default_factory=Counter)


def size(item: Item) -> int:
    """Bytes of an item: the names of its attributes and their values."""
    return sum(len(name.encode()) + _of_value(value) for name, value in item.items())


def units(of: int, unit: int) -> int:
    """Request units for a number of bytes: each begun one counts."""
    return max(1, -(-of // unit))


def written(table: Mapping[str, Any], before: Item, after: Item, *, in_a_transaction: bool = False) -> Charge:
    """What a write of one item costs.

    Args:
        table: the table, as ``CreateTable`` takes it; its indexes project keys only.
        before: the item as it was; empty if there was none.
        after: the item as it is then; empty if it was deleted.
        in_a_transaction: whether it is one of the items of ``TransactWriteItems``.

    Returns:
        The larger of the two sizes counts. An entry of an index is written when it comes, and again when it goes;
        a new key is both, and an index whose keys stay is not written at all. Entries follow after the commit, so a
        transaction does not double them.
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


def read_consistently(item: Item) -> Charge:
    """What a strongly consistent ``GetItem`` costs."""
    return Charge(read=units(size(item), READ_UNIT))


def found_nothing() -> Charge:
    """What a ``Query`` of an index costs that finds nothing: it reads eventually consistently, at half the price."""
    return Charge(read=0.5)


def stored(table: Mapping[str, Any], item: Item) -> int:
    """Bytes that an item takes for as long as it is kept, its entries in indexes included."""
    entries = (entry for _, keys in _indexes(table) if (entry := _entry(keys, item)))
    return size(item) + INDEXED + sum(size(entry) + INDEXED for entry in entries)


def _indexes(table: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    for index in table["GlobalSecondaryIndexes"]:
        assert index["Projection"]["ProjectionType"] == "KEYS_ONLY", "the model knows no other"
        yield index["IndexName"], [key["AttributeName"] for key in index["KeySchema"]]


def _entry(keys: list[str], item: Item) -> dict[str, Any]:
    """The entry of an index on keys: these, and the table's own; empty if the item lacks one."""
    return {name: item[name] for name in (*keys, "order_id")} if all(key in item for key in keys) else {}


def _of_value(value: Mapping[str, Any]) -> int:
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
            return 3 + sum(1 + _of_value(element) for element in content)
        case "M":
            return 3 + size(content) + len(content)
    raise ValueError(f"no order holds a value of the type {kind}")
