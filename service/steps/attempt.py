"""Fulfillment of the order of one message, as a batch works on it."""

import logging
from collections.abc import Callable
from contextlib import suppress

from service import logs
from service.orders.deliveries import WAREHOUSE, Deliveries
from service.orders.errors import TooLate
from service.orders.gate import Gate, Passage
from service.orders.isolation import count_broken_attempts, must_wait
from service.orders.lifecycle import TERMINAL, Status
from service.orders.metric import Metric
from service.orders.model import Order
from service.orders.outcomes import FULFILLMENT
from service.orders.ports import System, TransitionRefused, Unavailable
from service.orders.trace import trace_id
from service.orders.warehouse import Answer, OtherItems, State
from service.steps.batch import Record
from service.steps.redelivery import deliver_again

log = logging.getLogger(__name__)

ENDED = TERMINAL | {Status.AT_WAREHOUSE}
"""The states in which an order needs no message."""

FAILED = "order %s: %s, %s; see GET /failed-orders/%s"


class OrderFulfillment:
    """Moves an order by an attempt or a look.

    Args:
        order_id: the order.
        record: the record of the message that names it; if the order fails, the failed-orders row names the message.
        system: the ports.
        gate: the gate to the warehouse, shared by the batch.
        left: returns the seconds that are left for the warehouse.

    ``work`` and ``work_after_others`` return True if the message may be deleted: the order is at the warehouse, or
    terminal and not FAILED, or PENDING under the brake.
    """

    def __init__(self, order_id: str, record: Record, system: System, gate: Gate, left: Callable[[], float]) -> None:
        self._order_id, self._record = order_id, record
        self._system, self._gate, self._left = system, gate, left
        self._deliveries = Deliveries(system)
        self._most = system.policy.max_attempts

    def work(self, *, first: bool) -> bool | Order:
        """Make an attempt beside those of other orders; return the order if it must wait until these have ended.

        Args:
            first: whether this is probably the first attempt. If it is, the order is claimed without a read.
        """
        if first:
            if self._gate.enter(self._order_id) is Passage.CLOSED:
                return self._set_aside(self._system.store.get(self._order_id))
            try:
                claimed = self._deliveries.claim(self._order_id, 1)
            except TransitionRefused as refused:
                order = refused.order
            else:
                return self._attempt(claimed)
        else:
            order = self._system.store.get(self._order_id)
        if order is None or not self._deliveries.is_free(order):
            return self._leave(order)
        if must_wait(order, self._most):
            return order
        if not first and self._gate.enter(self._order_id) is Passage.CLOSED:
            return self._set_aside(order)
        return self._cancel_or_attempt(order, self._most - 1)  # the last attempt never runs beside a first one

    def work_after_others(self, order: Order) -> bool:
        """Make an attempt at an order that has waited, or look at it if no attempt is left."""
        if self._gate.enter(self._order_id) is Passage.CLOSED:
            return self._set_aside(self._system.store.get(self._order_id))
        if self._deliveries.has_no_attempts_left(order):
            return self._look(order)
        if broken := count_broken_attempts(order):
            extra = {"outcome": "alone", "attempt": order.attempts + 1}
            log.warning("order %s: worked on alone, %d attempt(s) never ended", self._order_id, broken, extra=extra)
        return self._cancel_or_attempt(order, self._most)

    def _cancel_or_attempt(self, order: Order, most: int) -> bool:
        """Make an attempt, if the order is free and fewer than ``most`` attempts were made.

        If the order is to be cancelled at the warehouse, ask for that first: the request before may have been lost. The
        attempt would ask the warehouse to ship the order.
        """
        try:
            if order.cancel_asked and order.asked:
                with suppress(TooLate):
                    seconds = min(self._system.policy.cancel_seconds, self._left())
                    cancelled = self._deliveries.cancel_there(order, seconds, WAREHOUSE)
                    if not cancelled.is_open:
                        _log_end(cancelled, "ended", "gave_up", "attempt_failed")
                        return self._is_done(cancelled)
            claimed = self._deliveries.claim(self._order_id, most)
        except TransitionRefused as refused:
            return self._leave(refused.order)
        return self._attempt(claimed)

    def _attempt(self, order: Order) -> bool:
        """Ask the warehouse for a claimed order, and end the attempt by its answer."""
        logs.note(attempt=order.attempts, trace_id=trace_id(order.traceparent))
        seconds = min(self._left(), _left_of_lease(order, self._system))
        answer = _ask(order, seconds, self._system)
        braked = seconds > 0 and self._gate.note(answer)
        settled = self._deliveries.settle(order, answer, self._record["messageId"], braked=braked)
        if failure := settled.timeline[-1].failure:
            logs.note(reason=failure)
        _log_end(settled, "fulfilled", "failed", "attempt_failed")
        return (braked and settled.status is Status.PENDING) or self._is_done(settled)

    def _look(self, order: Order) -> bool:
        """Look at an order without attempts left."""
        logs.note(attempt=order.attempts, trace_id=trace_id(order.traceparent))
        try:
            order = self._deliveries.look(order, self._left(), FULFILLMENT, self._record["messageId"])
        except TransitionRefused as refused:
            log.info("%s", refused, extra=logs.outcome("not_free"))
            return False
        _log_end(order, "fulfilled", "gave_up", "attempt_failed")
        return self._is_done(order)

    def _leave(self, order: Order | None) -> bool:
        """Log that the order was not claimed."""
        if order is None:
            extra = logs.outcome("unknown_order")
            log.warning("order %s: no such order; its message stays on the queue", self._order_id, extra=extra)
            return False
        logs.note(attempt=order.attempts, trace_id=trace_id(order.traceparent))
        if order.status in ENDED:
            log.info("order %s: %s already", self._order_id, order.status, extra=logs.outcome("ended"))
            return self._is_done(order)
        extra = logs.outcome("not_free")
        log.info("order %s: %s and not free; its message stays on the queue", self._order_id, order.status, extra=extra)
        return False

    def _set_aside(self, order: Order | None) -> bool:
        """Whether a message may be deleted that came while the brake is on: a PENDING order waits on record."""
        if order is not None and order.status in ENDED:
            return order.status is not Status.FAILED
        waits = order is not None and order.status is Status.PENDING
        kept = "it waits as PENDING" if waits else "its message stays on the queue"
        log.info("order %s: the warehouse takes nothing; %s", self._order_id, kept, extra=logs.outcome("set_aside"))
        return waits

    def _is_done(self, order: Order) -> bool:
        """Whether the message of an order that was worked on may be deleted. If not, it returns after the retry delay.

        A failed order's message belongs in the dead-letter queue, and SQS moves it there at a later receive.
        """
        if order.status in ENDED and order.status is not Status.FAILED:
            return True
        deliver_again(self._record, self._system)
        return False


def _left_of_lease(order: Order, system: System) -> float:
    """The seconds until the lease ends, without the margin for the write that ends the attempt."""
    until = order.lease_until or system.now()
    return (until - system.now() - system.policy.deadline_margin).total_seconds()


def _ask(order: Order, seconds: float, system: System) -> Answer | Exception:
    """The warehouse's answer; an exception if the outcome is unknown."""
    if seconds <= 0:
        return Answer(State.NOT_TAKEN, "no time was left to ask the warehouse")
    try:
        return system.fulfiller.ask(order, seconds)
    except OtherItems as error:
        system.metrics.record(Metric.DELIVERY_CONFLICTS)
        extra = logs.outcome("other_items")
        log.error(
            "order %s: the warehouse has delivery %s with other items", order.order_id, order.delivery_key, extra=extra
        )
        return error
    except Unavailable as error:
        log.warning("order %s: attempt %d has no usable answer: %s", order.order_id, order.attempts, error)
        return error
    except Exception as error:
        log.exception("order %s: attempt %d raised an error", order.order_id, order.attempts)
        return error


def _log_end(order: Order, done: str, failed: str, otherwise: str) -> None:
    """Log an order after an attempt or a look, with the outcome that fits its state."""
    order_id, reason = order.order_id, order.timeline[-1].reason
    match order.status:
        case Status.FULFILLED | Status.CANCELLED | Status.AT_WAREHOUSE:
            log.info("order %s: %s", order_id, order.status, extra=logs.outcome(done))
        case Status.FAILED | Status.PARTLY_FULFILLED:
            extra = logs.outcome(failed, reason=order.timeline[-1].failure)
            log.error(FAILED, order_id, order.status, reason, order_id, extra=extra)
        case _:
            log.info("order %s: %s; it will be tried again", order_id, reason, extra=logs.outcome(otherwise))
