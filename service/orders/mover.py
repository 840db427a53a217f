"""Applies transitions to orders, and records the metrics of each transition."""

import logging
from datetime import datetime
from typing import Any

from service.orders.metric import Metric
from service.orders.model import Failure, Order, Write
from service.orders.ports import System
from service.orders.transitions import TRANSITIONS, TransitionName

log = logging.getLogger(__name__)


class Mover:
    """Writes transitions for ``Orders``, with the metrics and the log line of each."""

    def __init__(self, system: System) -> None:
        self._system = system

    def create(self, order: Order) -> Order:
        """Write the first row of an order.

        Raises:
            OrderExists: an order with this id exists already.
        """
        created = self._system.store.create(order)
        self._record("receive", created)
        return created

    def move(
        self,
        name: TransitionName,
        order_id: str,
        *,
        actor: str,
        reason: str | None = None,
        seen: Order | None = None,
        failure: Failure | None = None,
        message_id: str | None = None,
        write_id: str | None = None,
        at: datetime | None = None,
        **values: Any,
    ) -> Order:
        """Apply a transition.

        Args:
            name: the transition.
            order_id: the order.
            actor: the person or component that moves the order; the timeline shows it.
            reason: the reason; the timeline shows it.
            seen: the order as it was read or claimed, if its version or its lease guards the transition.
            failure: the failure that ended an attempt.
            message_id: the message that the failed-orders row names.
            write_id: an id for this write; a new one if None.
            at: the time of the write; now if None.
            values: the values that the row's guards and changes name.

        Returns:
            The order after the write.

        Raises:
            TransitionRefused: the row's guards do not hold, or the order does not exist.
        """
        write = Write(
            name=name,
            order_id=order_id,
            id=write_id or self._system.new_id(),
            at=at or self._system.now(),
            actor=actor,
            reason=reason,
            values=values,
            seen=seen,
            failure=failure,
            message_id=message_id,
        )
        order = self._system.store.apply(write)
        self._record(name, order, failure)
        return order

    def _record(self, name: TransitionName, order: Order, failure: Failure | None = None) -> None:
        record = self._system.metrics.record
        for metric in TRANSITIONS[name].metrics:
            match metric:
                case Metric.TIME_TO_FULFILL:
                    took = order.updated_at - order.created_at
                    record(metric, max(0, int(took.total_seconds() * 1000)))
                case Metric.ATTEMPTS_FAILED if failure:
                    record(metric, reason=failure.kind)
                case _:
                    record(metric)
        log.debug("order %s: %s, %s", order.order_id, name, order.status, extra={"order_id": order.order_id})
