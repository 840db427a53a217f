"""Cutting a list that is read newest first into pages that neither skip nor repeat."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page ended: the last time stamp, and the ids of that time stamp that were already listed.

    Many orders can share a millisecond, so a time stamp alone would skip or repeat some.
    """

    at: datetime
    listed: frozenset[str]


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """What places an order in a list."""

    at: datetime
    order_id: str


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
        remaining = [key for key in remaining if key.at <= after.at and key.order_id not in after.listed]
    shown = remaining[:limit]
    if len(remaining) <= limit:
        return [key.order_id for key in shown], None
    last = shown[-1].at
    listed = frozenset(key.order_id for key in shown if key.at == last)
    if after is not None and after.at == last:
        listed |= after.listed
    return [key.order_id for key in shown], Position(last, listed)


def needed(limit: int, after: Position | None) -> int:
    """How many keys to read so that ``cut`` misses none and can tell whether anything follows."""
    return limit + (len(after.listed) if after else 0) + 1
