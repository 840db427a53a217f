"""Cutting a list that is read newest first into pages that neither skip nor repeat."""

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
    """Where a page ended: the last time stamp, and the marks of the orders of that time stamp that were listed.

    Many orders can share a millisecond, so a time stamp alone would skip or repeat some. A mark stands for an id
    without telling it, since a page may leave out orders that its reader must not know of.
    """

    at: datetime
    listed: frozenset[str]


class Key(NamedTuple):
    """What places an order in a list."""

    at: datetime
    order_id: str


@dataclass(frozen=True, slots=True)
class Part:
    """Some keys of one partition of an index; there are more if it is not ``whole``."""

    keys: tuple[Key, ...]
    whole: bool


@dataclass(frozen=True, slots=True)
class Page(Generic[Listed]):
    """A part of a list, newest first, and where the next one begins; None when there is no more."""

    orders: tuple[Listed, ...]
    next: Position | None


@dataclass(frozen=True, slots=True)
class Span:
    """A span of time: from ``start`` on, and before ``end``; None where it is open."""

    start: datetime | None = None
    end: datetime | None = None

    def __contains__(self, instant: datetime) -> bool:
        return (self.start is None or self.start <= instant) and (self.end is None or instant < self.end)


ALWAYS = Span()


def cut(keys: Iterable[Key], limit: int, after: Position | None) -> tuple[list[str], Position | None]:
    """Cut one page.

    Args:
        keys: at least the ``needed`` first keys at or before ``after``, in any order.
        limit: ids that the page holds at most.
        after: where the page before it ended; None for the first.

    Returns:
        The ids of the page, newest first, and where it ended; None when nothing follows.
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
    """What of a span the pages after ``after`` can be in: its last time stamp still is, as more orders may share it."""
    ends = [end for end in (after.at + TICK if after else None, span.end) if end is not None]
    return Span(span.start, min(ends, default=None))


def mark(order_id: str) -> str:
    """A sign for an id that does not tell it: 64 bits of its SHA-256."""
    return hashlib.sha256(order_id.encode()).digest()[:MARK_BYTES].hex()


def needed(limit: int, after: Position | None) -> int:
    """How many keys to read so that ``cut`` misses none and can tell whether anything follows."""
    return limit + (len(after.listed) if after else 0) + 1
