"""Statistics of the system, at a cost that does not grow with the number of orders.

One look asks at most for ``(states + kinds of failure + open states + 1) × shards`` index queries, one batch of rows
for each open state and one more, the brake, and the depth of two queues. Each query reads a bounded number of entries;
a larger count is reported as "at least".
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from service.orders.brake import Brake
from service.orders.counts import Depth, Ended, Tally
from service.orders.lifecycle import OPEN, Status
from service.orders.model import FailureKind, Order
from service.orders.ports import System

COUNTED = 1_000  # the most entries of each partition that are counted
LOOKED_AT = 250  # the most entries of each partition that are read for the last hour
LOOKED_THROUGH = 5  # the first entries of an open state that are read, until one is a readable row
SAMPLE = 100  # fulfilled orders whose durations are read: one batch
MINUTES = 60


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Percentiles of the durations of a number of orders."""

    p50: timedelta
    p95: timedelta
    p99: timedelta
    orders: int


@dataclass(frozen=True, slots=True)
class Minute:
    """The orders that reached a terminal state in the minute that begins at ``at``."""

    at: datetime
    fulfilled: int
    failed: int


@dataclass(frozen=True, slots=True)
class LastHour:
    """The orders that reached a terminal state since ``since``: an hour ago, or later if there were too many."""

    since: datetime
    fulfilled: int
    failed: int
    to_fulfillment: Percentiles | None
    minutes: tuple[Minute, ...]

    @property
    def success_rate(self) -> float | None:
        """The share of these orders that were fulfilled; None if there were none."""
        ended = self.fulfilled + self.failed
        return self.fulfilled / ended if ended else None


@dataclass(frozen=True, slots=True)
class Stats:
    """Statistics at one moment. A redriven order counts by its present state."""

    at: datetime
    orders: dict[Status, Tally]
    failed: dict[FailureKind, Tally]
    oldest_open: Order | None
    queue: Depth
    dead_letters: Depth
    brake: Brake
    last_hour: LastHour


def take(system: System) -> Stats:
    """Collect the statistics."""
    now = system.now()
    failed = {kind: system.store.tally(kind, COUNTED) for kind in FailureKind}
    orders = {status: system.store.tally(status, COUNTED) for status in Status}
    return Stats(
        at=now,
        orders=orders,
        failed=failed,
        oldest_open=_oldest_open(system, now),
        queue=system.queue.depth(),
        dead_letters=system.dead_letters.depth(),
        brake=system.brake.read(),
        last_hour=_last_hour(system, now),
    )


def _oldest_open(system: System, now: datetime) -> Order | None:
    """The open order that was updated the longest time ago. One at the warehouse may wait for days, and is left out."""
    waiting: list[Order] = []
    for status in sorted(OPEN - {Status.AT_WAREHOUSE}):
        pages = islice(system.store.list_waiting(status, now, 1), LOOKED_THROUGH)
        waiting += next(filter(None, pages), ())
    return min(waiting, key=lambda order: order.updated_at, default=None)


def _last_hour(system: System, now: datetime) -> LastHour:
    hour_ago = now - timedelta(minutes=MINUTES)
    fulfilled = system.store.list_ended(Status.FULFILLED, hour_ago, LOOKED_AT)
    failed = system.store.list_ended(Status.FAILED, hour_ago, LOOKED_AT)
    since = max(fulfilled.since, failed.since)
    newest = [key.order_id for key in fulfilled.orders[:SAMPLE]]
    good, bad = _per_minute(fulfilled, since), _per_minute(failed, since)
    this_minute = now.replace(second=0, microsecond=0)
    minutes = [this_minute - timedelta(minutes=ago) for ago in reversed(range(MINUTES))]
    return LastHour(
        since=since,
        fulfilled=good.total(),
        failed=bad.total(),
        to_fulfillment=percentiles(system.store.durations(newest)) if newest else None,
        minutes=tuple(Minute(at, good[at], bad[at]) for at in minutes),
    )


def _per_minute(ended: Ended, since: datetime) -> Counter[datetime]:
    return Counter(key.at.replace(second=0, microsecond=0) for key in ended.orders if key.at >= since)


def percentiles(durations: Sequence[timedelta]) -> Percentiles | None:
    """The percentiles of durations, by the nearest rank; None if there are no durations."""
    ranked = sorted(durations)
    if not ranked:
        return None
    p50, p95, p99 = (ranked[-(-share * len(ranked) // 100) - 1] for share in (50, 95, 99))
    return Percentiles(p50, p95, p99, len(ranked))
