"""The brake: the system stops asking a warehouse that takes nothing, until a probe finds that it takes orders again.

While it is on, messages are acknowledged, and their orders wait as PENDING without losing an attempt. Otherwise each
order would use up its attempts within minutes of an outage. All processes share one row; a conditional write decides
which of them may send the next probe. The reconciler sends the waiting orders when the brake is released.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

REFUSALS = 3
"""Requests in a row that the warehouse does not take before the brake goes on."""
PROBE_EVERY = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=5)
"""The longest time between two probes, whatever the warehouse asks for with Retry-After."""


@dataclass(frozen=True, slots=True)
class Brake:
    """The shared row.

    Args:
        refusals: requests in a row that the warehouse did not take.
        since: the time at which the brake went on; None while it is off.
        probe_at: the time of the next probe; None while the brake is off.
        released_at: the time at which it was last released; PENDING orders older than it are due.
        version: the number of changes.
    """

    refusals: int = 0
    since: datetime | None = None
    probe_at: datetime | None = None
    released_at: datetime | None = None
    version: int = 0

    @property
    def is_on(self) -> bool:
        return self.since is not None

    def is_probe_due(self, now: datetime) -> bool:
        """Whether somebody may find out now whether the warehouse takes orders again.

        A row without a time, or with one too far in the future because a clock was wrong, must not keep the brake on.
        """
        return self.is_on and not (self.probe_at and now < self.probe_at <= now + 2 * LONGEST_PAUSE)


def after_refusal(brake: Brake, now: datetime, retry_after: float | None) -> Brake:
    """The row after a request that the warehouse did not take.

    Args:
        brake: the row before.
        now: the present time.
        retry_after: seconds after which the warehouse wants the next request, if it said so.
    """
    refusals = brake.refusals + 1
    if refusals < REFUSALS:
        return replace(brake, refusals=refusals)
    pause = max(PROBE_EVERY, min(timedelta(seconds=retry_after or 0), LONGEST_PAUSE))
    return replace(brake, refusals=refusals, since=brake.since or now, probe_at=now + pause)


def after_taking(brake: Brake, now: datetime) -> Brake:
    """The row after a request that the warehouse took, whatever it decided about it."""
    released_at = now if brake.is_on else brake.released_at
    return replace(brake, refusals=0, since=None, probe_at=None, released_at=released_at)


def with_probe(brake: Brake, now: datetime) -> Brake:
    """The row after a probe was begun. If the probe's process dies, the next one begins ``PROBE_EVERY`` later."""
    return replace(brake, probe_at=now + PROBE_EVERY) if brake.is_probe_due(now) else brake


class NoBrake:
    """The brake of a warehouse that takes every request, such as the simulated one in this process."""

    def read(self) -> Brake:
        return Brake()

    def replace(self, _: Brake) -> bool:
        return True
