"""Pages of a list, newest first. Pages neither skip nor repeat an order."""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

from service.orders.lifecycle import Status
from service.orders.model import Order
from service.orders.timestamps import TICK, to_the_millisecond

MARK_BYTES = 8
MOST_ROWS = 25
"""Orders that are in memory at the same time: 25 rows of 400 KB are 10 MB."""
MOST_BYTES = 5_000_000
"""Of the orders that one page reads. Lambda returns at most 6,291,556 bytes."""
MOST_READ = 1_000
"""Orders that one page reads when its list omits some of them: 500 read units of DynamoDB, as ``MOST_BYTES`` are."""

Listed = TypeVar("Listed")


@dataclass(frozen=True, slots=True)
class Position:
    """The end of a page: the last timestamp, and marks of the listed orders with that timestamp.

    Many orders can have the same timestamp, so a timestamp alone would skip or repeat some. A mark is shorter than
    an id, and has always the same length.
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
    """A span of time from ``start``, inclusive, to ``end``, exclusive; None is unbounded.

    The bounds are rounded up to milliseconds, which stored times have. No stored time enters or leaves the span by it.
    """

    start: datetime | None = None
    end: datetime | None = None

    def __post_init__(self) -> None:
        for name, bound in (("start", self.start), ("end", self.end)):
            if bound is not None and (cut := to_the_millisecond(bound)) != bound:
                object.__setattr__(self, name, cut + TICK)

    def __contains__(self, instant: datetime) -> bool:
        return (self.start is None or self.start <= instant) and (self.end is None or instant < self.end)


ALWAYS = Span()


def cut(keys: Iterable[Key], limit: int, after: Position | None) -> tuple[list[Key], Position | None]:
    """Cut one page out of a list.

    Args:
        keys: at least the ``rows_to_read`` first keys at or before ``after``, in any order.
        limit: the most ids of the page.
        after: where the page before it ended; None for the first page.

    Returns:
        The keys of the page, newest first, and where it ended; None after the last page.
    """
    remaining = sorted(keys, reverse=True)
    if after is not None:
        remaining = [key for key in remaining if key.at <= after.at and mark(key.order_id) not in after.listed]
    shown = remaining[:limit]
    return shown, _end(shown, after) if len(remaining) > limit else None


def read_page(
    keys: Sequence[Key],
    following: Position | None,
    after: Position | None,
    read: Callable[[Sequence[str]], Iterable[Order]],
    limit: int,
    wanted: Callable[[Order], bool],
) -> Page[Order]:
    """Read the orders of a page. It ends early if more than ``MOST_BYTES`` are read.

    Args:
        keys: the keys of the page, as ``cut`` returns them; more than ``limit`` if many orders may be unwanted.
        following: where the keys end, as ``cut`` returns it.
        after: where the page before it ended; None for the first page.
        read: reads up to ``MOST_ROWS`` orders by their ids, in the order of the ids; it may omit some.
        limit: the most orders of the page.
        wanted: whether an order belongs to the list.
    """
    places = {key.order_id: place for place, key in enumerate(keys)}
    orders: list[Order] = []
    size = 0
    for ids in batches([key.order_id for key in keys], MOST_ROWS):
        for order in read(ids):
            place, bytes_before = places[order.order_id], size
            size += _size(order)
            if bytes_before and size > MOST_BYTES:
                return Page(tuple(orders), _end(keys[:place], after))
            if wanted(order):
                orders.append(order)
            if len(orders) == limit and place + 1 < len(keys):
                return Page(tuple(orders), _end(keys[: place + 1], after))
    return Page(tuple(orders), following)


def batches(ids: Sequence[str], most: int) -> Iterable[Sequence[str]]:
    """Divide ids into batches of at most ``most``."""
    return (ids[start : start + most] for start in range(0, len(ids), most))


def _end(shown: Sequence[Key], after: Position | None) -> Position:
    last = shown[-1].at
    listed = frozenset(mark(key.order_id) for key in shown if key.at == last)
    if after is not None and after.at == last:
        listed |= after.listed
    return Position(last, listed)


def _size(order: Order) -> int:
    """The bytes of an order in an answer of Lambda, which has the response as a JSON string; names excluded."""
    texts = [text for entry in order.timeline for text in (entry.actor, entry.reason)]
    times_shown = 2 if order.status is Status.REJECTED else 1
    return len(
        json.dumps([times_shown * order.submission, texts, [(error.pointer, error.detail) for error in order.errors]])
    ) + 300 * (len(order.timeline) + len(order.errors) + 1)


def rest(span: Span, after: Position | None) -> Span:
    """The part of a span that the pages after ``after`` cover. More orders may share its last timestamp."""
    ends = [end for end in (after.at + TICK if after else None, span.end) if end is not None]
    return Span(span.start, min(ends, default=None))


def mark(order_id: str) -> str:
    """The mark of an id: 64 bits of its SHA-256."""
    return hashlib.sha256(order_id.encode()).digest()[:MARK_BYTES].hex()


def rows_to_read(limit: int, after: Position | None) -> int:
    """The number of keys to read, so that ``cut`` misses none and knows whether more orders follow."""
    return limit + (len(after.listed) if after else 0) + 1
