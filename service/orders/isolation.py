"""Decides which orders of a batch are worked on together, and which alone.

An order can end the process that works on it. All attempts that run in that process then never end, and it is not known
which order was the cause. So an order with such an attempt is worked on alone, and after the others. And a last attempt
never runs beside a first one: no order fails because of another order.
"""

from collections.abc import Iterable

from service.orders.lifecycle import Status
from service.orders.model import FailureKind, Order, TimelineEntry
from service.orders.outcomes import FULFILLMENT

NEVER_ENDED = frozenset({FailureKind.ABANDONED, FailureKind.UNKNOWN})
"""The failures of an order that was given up. From PROCESSING, it is given up if its last attempt never ended."""

Waiting = tuple[str, Order]
"""A message id, and the order that the message names."""


def count_broken_attempts(order: Order) -> int:
    """Count the attempts that were claimed and did not end, by the order's timeline.

    Attempts of earlier epochs count, too: a redrive does not change an order that ends the process. An attempt that
    runs at present counts, because it has not ended.
    """
    broken, runs = 0, False
    for entry in order.timeline:
        if entry.target is Status.PROCESSING and entry.actor == FULFILLMENT:
            broken += runs
            runs = True
        elif entry.source is Status.PROCESSING and entry.target is not Status.PROCESSING:
            broken += runs and not _ends_attempt(entry)
            runs = False
    return broken + runs


def must_wait(order: Order, most: int) -> bool:
    """Whether an order is worked on only after the others of its batch: it has a broken attempt, or one attempt left.

    Args:
        order: the order as it was read.
        most: the maximum number of attempts.
    """
    return order.attempts + 1 >= most or count_broken_attempts(order) > 0


def group(waiting: Iterable[Waiting]) -> list[list[Waiting]]:
    """Group the orders that wait; one group is worked on after the other.

    The orders without a broken attempt are one group: they have not ended the process before. Each other order is a
    group of its own, those with the most broken attempts last.
    """
    groups: dict[int, list[Waiting]] = {}
    for each in waiting:
        groups.setdefault(count_broken_attempts(each[1]), []).append(each)
    together = [groups.pop(0)] if 0 in groups else []
    return together + [[each] for _, suspects in sorted(groups.items()) for each in suspects]


def _ends_attempt(entry: TimelineEntry) -> bool:
    """Whether the attempt itself moved the order out of PROCESSING. Otherwise the reconciler or a look did."""
    return entry.actor == FULFILLMENT and entry.failure not in NEVER_ENDED
