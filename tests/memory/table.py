"""A table in memory with sorted indexes.

A list finds its first row by a binary search and reads only its page, however large the table is.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator, MutableMapping
from datetime import datetime
from typing import Generic, TypeVar

from service.orders.paging import Key, Part, Span

Row = TypeVar("Row")


class Index(Generic[Row]):
    """The keys of a table's rows: one partition for each value of an attribute, sorted by a timestamp, then by id.

    Args:
        value: the attribute; a row whose value is None is not in the index.
        stamp: the timestamp.
    """

    def __init__(self, value: Callable[[Row], str | None], stamp: Callable[[Row], datetime]) -> None:
        self._value, self._stamp = value, stamp
        self.partitions: dict[str, list[Key]] = {}

    def add(self, order_id: str, row: Row) -> None:
        """Insert the key of a row."""
        value = self._value(row)
        if value is not None:
            insort(self.partitions.setdefault(value, []), Key(self._stamp(row), order_id))

    def remove(self, order_id: str, row: Row) -> None:
        """Remove the key of a row."""
        value = self._value(row)
        if value is not None:
            keys = self.partitions[value]
            del keys[bisect_left(keys, Key(self._stamp(row), order_id))]

    def keys(self, value: str, span: Span, most: int, *, oldest_first: bool = False, after: Key | None = None) -> Part:
        """Up to ``most`` keys of one partition within a span and after a key, newest first by default."""
        keys = self.partitions.get(value, [])
        begin = bisect_left(keys, Key(span.start, "")) if span.start else 0
        end = bisect_left(keys, Key(span.end, "")) if span.end else len(keys)
        if after:
            begin, end = (bisect_right(keys, after), end) if oldest_first else (begin, bisect_left(keys, after))
        whole = end - begin <= most
        if oldest_first:
            return Part(tuple(keys[begin : min(end, begin + most)]), whole)
        return Part(tuple(reversed(keys[max(begin, end - most) : end])), whole)

    def count(self, value: str) -> int:
        """The number of keys in one partition."""
        return len(self.partitions.get(value, ()))


class Table(MutableMapping[str, Row]):
    """Rows by order id; every write updates the indexes."""

    def __init__(self, *indexes: Index[Row]) -> None:
        self.indexes = indexes
        self.rows: dict[str, Row] = {}

    def __getitem__(self, order_id: str) -> Row:
        return self.rows[order_id]

    def __setitem__(self, order_id: str, row: Row) -> None:
        before = self.rows.get(order_id)
        for index in self.indexes:
            if before is not None:
                index.remove(order_id, before)
            index.add(order_id, row)
        self.rows[order_id] = row

    def __delitem__(self, order_id: str) -> None:
        row = self.rows.pop(order_id)
        for index in self.indexes:
            index.remove(order_id, row)

    def __iter__(self) -> Iterator[str]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)
