"""Moves orders by the events that the warehouse sends. The order's row is the only state."""

from contextlib import suppress

from service.orders.callbacks import Decision, Event, Verdict, after_event
from service.orders.deliveries import TRIES, WAREHOUSE, Deliveries
from service.orders.model import Order
from service.orders.mover import Mover
from service.orders.ports import System, TransitionRefused


class WarehouseEvents:
    """Takes events, on the ports of a system."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._deliveries = Deliveries(system)
        self._move = Mover(system).move

    def take(self, event: Event, order: Order) -> Verdict:
        """Move an order by an event. A repeated event changes nothing.

        Args:
            event: the event.
            order: the order as it was read.

        Returns:
            The verdict. TOO_EARLY also if the order kept changing meanwhile, or if a look had no usable answer: the
            warehouse sends the event again.

        Raises:
            TooManyShipments: the order would have too many parcels.
        """
        for _ in range(TRIES):
            decision = after_event(order, event, self._system.now())
            try:
                return self._act(decision, event, order)
            except TransitionRefused as refused:
                if refused.order is None:
                    return Verdict.UNKNOWN
                order = refused.order
        return Verdict.TOO_EARLY

    def _act(self, decision: Decision, event: Event, order: Order) -> Verdict:
        if decision.verdict is Verdict.LOOK:
            answered = self._deliveries.look_now(order, self._system.policy.cancel_seconds)
            return Verdict.LOOK if answered else Verdict.TOO_EARLY
        outcome = decision.outcome
        if outcome is None:
            return decision.verdict
        reason = outcome.reason
        if decision.is_unexpected:  # before the write: after it, the event is a repeat, and nobody reports it
            self._deliveries.report_unexpected(order, reason, event.delivery)
        moved = self._move(
            outcome.transition, order.order_id, actor=WAREHOUSE, reason=reason, seen=order, **outcome.values
        )
        if decision.cancels:
            with suppress(Exception):  # a later look shows the result
                self._system.fulfiller.cancel(moved, self._system.policy.cancel_seconds)
        return decision.verdict
