"""The numbers by which orders live: how many attempts, how long a lease, when somebody looks again."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Policy:
    """Limits and times of the lifecycle. All durations are real time."""

    max_attempts: int
    lease: timedelta
    """How long an attempt may hold an order before somebody else may claim it."""
    restart_after: timedelta
    """How old a RECEIVED order is before its workflow is started again."""
    recover_after: timedelta
    """How long a PROCESSING order is left to the queue's own redelivery before the reconciler takes it."""
    resend_after: timedelta
    """How long a PENDING order waits before it is sent again; doubled with every time, up to ``backoff_ceiling``."""
    backoff_ceiling: timedelta
    reconcile_limit: int
    """Orders of one state that one reconciliation looks at, at most."""
    deadline_margin: timedelta
    """Time before the function's deadline at which a batch takes no new record."""

    def backoff(self, first: timedelta, times: int) -> timedelta:
        """How long to wait after ``times`` interventions: ``first``, doubled each time, up to the ceiling."""
        return min(first * (1 << min(times, 20)), max(first, self.backoff_ceiling))
