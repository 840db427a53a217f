"""Pages of a list, newest first. Pages neither skip nor repeat an order."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

from service.orders.timestamps import TICK

MARK_BYTES = 8

Listed = TypeVar("Listed")


@dataclass(frozen=True, slots=True)
class Position:
    """The end of a page: the last timestamp, and marks of the listed orders with that timestamp.

    Many orders can have the same timestamp, so a timestamp alone would skip or repeat some. A mark does not reveal the
    order's id: a page may leave out orders whose existence its reader must not learn.
    """

    at: datetime
    listed: frozenset[str]


class Key(NamedTuple):
    """The place of an order in a list."""

    at: datetime
    order_id: str


@dataclass(frozen=True, slots=True)
class Part:
    """Keys of one partition of an index. If it is not ``whole``, there are more."""

    keys: tuple[Key, ...]
    whole: bool


@dataclass(frozen=True, slots=True)
class Page(Generic[Listed]):
    """A page of a list, newest first; ``next`` is where the next page begins, None after the last."""

    orders: tuple[Listed, ...]
    next: Position | None


@dataclass(frozen=True, slots=True)
class Span:
    """A span of time from ``start``, inclusive, to ``end``, exclusive; None is unbounded."""

    start: datetime | None = None
    end: datetime | None = None

    def __contains__(self, instant: datetime) -> bool:
        return (self.start is None or self.start <= instant) and (self.end is None or instant < self.end)


ALWAYS = Span()


def cut(keys: Iterable[Key], limit: int, after: Position | None) -> tuple[list[str], Position | None]:
    """Cut one page out of a list.

    Args:
        keys: at least the ``rows_to_read`` first keys at or before ``after``, in any order.
        limit: the most ids of the page.
        after: where the page before it ended; None for the first page.

    Returns:
        The ids of the page, newest first, and where it ended; None after the last page.
    """
    remaining = sorted(keys, reverse=True)
    if after is not None:
        remaining = [key for key in remaining if key.at <= after.at and mark(key.order_id) not in after.listed]
    shown = remaining[:limit]
    if len(remaining) <= limit:
        return [key.order_id for key in shown], None
    last = shown[-1].at
    listed = frozenset(mark(key.order_id) for key in shown if key.at == last)
    if after is not None and after.at == last:
        listed |= after.listed
    return [key.order_id for key in shown], Position(last, listed)


def rest(span: Span, after: Position | None) -> Span:
    """The part of a span that the pages after ``after`` cover. More orders may share its last timestamp."""
    ends = [end for end in (after.at + TICK if after else None, span.end) if end is not None]
    return Span(span.start, min(ends, default=None))


def mark(order_id: str) -> str:
    """A mark of an id that does not reveal it: 64 bits of its SHA-256."""
    return hashlib.sha256(order_id.encode()).digest()[:MARK_BYTES].hex()


def rows_to_read(limit: int, after: Position | None) -> int:
    """The number of keys to read, so that ``cut`` misses none and knows whether more orders follow."""
    return limit + (len(after.listed) if after else 0) + 1
