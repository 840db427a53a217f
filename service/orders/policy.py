"""The limits and times of the lifecycle: attempts, leases, and the reconciler's intervals."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from service.orders.lifecycle import UNSUCCESSFUL, Status
from service.orders.model import Order


@dataclass(frozen=True, slots=True)
class Policy:
    """Limits and times of the lifecycle. All durations are real time."""

    max_attempts: int
    lease: timedelta
    """The time for which an attempt holds an order. Afterwards another attempt may claim it."""
    restart_after: timedelta
    """The time after which the workflow of a RECEIVED order is started again; doubled with each restart."""
    recover_after: timedelta
    """The time after which the reconciler recovers a PROCESSING order. The queue redelivers its message earlier."""
    resend_after: timedelta
    """The time after which a PENDING order is sent again; doubled with each resend, up to ``backoff_ceiling``."""
    look_after: timedelta
    """The time after which the reconciler looks at an order at the warehouse; doubled with each look without news, up
    to a twelfth of ``due_after``. An overdue order is looked at as often as ``backoff_ceiling`` says."""
    due_after: timedelta
    """The time that the warehouse has for a delivery, unless it names a due date itself."""
    backoff_ceiling: timedelta
    restart_limit: int
    """Maximum number of RECEIVED orders whose workflow a run of the reconciler starts."""
    reconcile_limit: int
    """Maximum number of orders in each other state that a run of the reconciler pushes."""
    reconcile_parallel: int
    """Maximum number of orders in one state that the reconciler pushes at the same time."""
    deadline_margin: timedelta
    """The time before the function's deadline in which a batch starts no further record."""
    cancel_seconds: float
    """How long a request waits for the warehouse's answer to a cancellation; it may have to ask twice."""
    retry_delay: timedelta
    """The time until the queue delivers a message again after an attempt; zero for the queue's visibility timeout."""

    def backoff(self, first: timedelta, times: int) -> timedelta:
        """Return the time to wait after ``times`` pushes: ``first``, doubled each time, up to the ceiling."""
        return _double(first, times, self.backoff_ceiling)

    def look_backoff(self, order: Order, now: datetime) -> timedelta:
        """Return the time to wait after the last look at an order at the warehouse."""
        is_overdue = order.due_at is not None and order.due_at < now
        wait = _double(self.look_after, order.looks, max(self.due_after / 12, self.backoff_ceiling))
        return min(wait, max(self.look_after, self.backoff_ceiling)) if is_overdue else wait

    def asks_the_warehouse(self, order: Order) -> bool:
        """Return whether the next push of a PENDING order is a question to the warehouse, not a message."""
        return order.attempts >= self.max_attempts or bool(order.cancel_asked and order.asked)

    def is_due(self, order: Order, patience: timedelta, now: datetime) -> bool:
        """Return whether the reconciler pushes an order now.

        Args:
            order: the order as it was read.
            patience: the time that an order in its state waits before the first push; doubled with each push.
            now: the present time.
        """
        match order.status:
            case Status.PROCESSING:
                return order.lease_until is None or order.lease_until < now
            case Status.PENDING if self.asks_the_warehouse(order):
                return True
            case Status.AT_WAREHOUSE:
                return order.updated_at + self.look_backoff(order, now) < now
            case status if status in UNSUCCESSFUL:
                times = order.looks
            case Status.PENDING:
                times = order.resends
            case _:
                patience, times = self.restart_after, order.restarts
        return order.updated_at + self.backoff(patience, times) < now


def _double(first: timedelta, times: int, ceiling: timedelta) -> timedelta:
    return min(first * (1 << max(0, min(times, 20))), max(first, ceiling))
