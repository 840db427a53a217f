"""The limits and times of the lifecycle: attempts, leases, and when the reconciler pushes an order."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from service.orders.lifecycle import Status
from service.orders.model import Order


@dataclass(frozen=True, slots=True)
class Policy:
    """Limits and times of the lifecycle. All durations are real time."""

    max_attempts: int
    lease: timedelta
    """How long an attempt holds an order; then another one may claim it."""
    restart_after: timedelta
    """How long an order is RECEIVED before its workflow is started again; doubled with each restart."""
    recover_after: timedelta
    """How long an order is PROCESSING before the reconciler recovers it. The queue redelivers its message earlier."""
    resend_after: timedelta
    """How long an order is PENDING before it is sent again; doubled with each resend, up to ``backoff_ceiling``."""
    backoff_ceiling: timedelta
    reconcile_limit: int
    """The most orders of one state that one run of the reconciler pushes."""
    deadline_margin: timedelta
    """How long before the function's deadline a batch begins no further record."""

    def backoff(self, first: timedelta, times: int) -> timedelta:
        """How long to wait after ``times`` pushes: ``first``, doubled each time, up to the ceiling."""
        return min(first * (1 << min(times, 20)), max(first, self.backoff_ceiling))

    def is_due(self, order: Order, patience: timedelta, now: datetime) -> bool:
        """Whether the reconciler pushes an open order now.

        Args:
            order: the order as it was read.
            patience: how long an order of its state waits before the first push; doubled with each push.
            now: the present time.
        """
        match order.status:
            case Status.PROCESSING:
                return order.lease_until is None or order.lease_until < now
            case Status.PENDING if order.attempts >= self.max_attempts:
                return True
            case Status.PENDING:
                times = order.resends
            case _:
                patience, times = self.restart_after, order.restarts
        return order.updated_at + self.backoff(patience, times) < now
