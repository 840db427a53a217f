"""Moves orders by what the warehouse does: attempts, looks, cancellations, and new deliveries."""

import logging
from contextlib import suppress
from datetime import datetime
from itertools import takewhile
from typing import Any

from service.orders.errors import DeliveryOpen, NotAtWarehouse, NoUsableAnswer, OrderUnknown, TooLate
from service.orders.lifecycle import UNSUCCESSFUL, Status
from service.orders.lines import exceeds
from service.orders.metric import Metric
from service.orders.model import Failure, FailureKind, Order
from service.orders.mover import Mover
from service.orders.outcomes import FULFILLMENT, Outcome, after_attempt, after_look, give_up, times_put_back
from service.orders.ports import System, TransitionRefused, Unavailable, error_name
from service.orders.warehouse import Answer, State

log = logging.getLogger(__name__)

CUSTOMER, WAREHOUSE = "customer", "warehouse"
"""Actors, as the timeline names them."""

ENDED = frozenset({State.DECLINED, State.REFUSED, State.CLOSED, State.CANCELLED})
"""The states of a delivery that can ship nothing any more."""
IN_WORK = frozenset({State.ACCEPTED, State.SHIPPED})
"""The states of a delivery that was shipped, or will be."""

TRIES = 3
"""How often a write is decided again, if another write came between."""


class Deliveries:
    """Moves orders between the queue and the warehouse, on the ports of a system."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._move = Mover(system).move

    def claim(self, order_id: str, most: int | None = None) -> Order:
        """Take the lease on an order, and count the attempt. An attempt that crashes is therefore counted, too.

        Args:
            order_id: the order.
            most: the order must have had fewer attempts; the maximum number of attempts if None.

        Raises:
            TransitionRefused: it is leased, terminal, not stored yet, out of attempts, or unknown.
        """
        policy, now, owner = self._system.policy, self._system.now(), self._system.new_id()
        lease: dict[str, Any] = {
            "max_attempts": policy.max_attempts if most is None else most,
            "lease_owner": owner,
            "lease_until": now + policy.lease,
        }
        return self._move("claim", order_id, actor=FULFILLMENT, at=now, write_id=owner, **lease)

    def settle(self, order: Order, answer: Answer | Exception, message_id: str, *, braked: bool = False) -> Order:
        """End an attempt by the warehouse's answer.

        Args:
            order: the claimed order, as ``claim`` returned it.
            answer: the warehouse's answer; an exception if the outcome is unknown.
            message_id: the message in process; the failed-orders row names it.
            braked: whether the brake is on. Then a request that was not taken costs no attempt, however often that was
                so before.

        Raises:
            TransitionRefused: the lease was lost.
        """
        owner, most = order.lease_owner, self._system.policy.max_attempts
        for tried in range(TRIES):
            free = braked or times_put_back(order) < most
            outcome = after_attempt(order, answer, most, self._due_at(), free=free)
            try:
                return self._apply(outcome, order, FULFILLMENT, message_id, lease_owner=owner)
            except TransitionRefused as refused:  # a cancellation may have been asked for meanwhile
                now = refused.order
                if tried == TRIES - 1 or now is None or now.lease_owner != owner or now.status is not Status.PROCESSING:
                    raise
                order = now
        raise AssertionError("the loop above returns or raises")

    def is_free(self, order: Order) -> bool:
        """Whether an attempt may begin: the order is PENDING, or PROCESSING under an expired lease."""
        if order.status is Status.PROCESSING:
            return order.lease_until is None or order.lease_until < self._system.now()
        return order.status is Status.PENDING

    def has_no_attempts_left(self, order: Order) -> bool:
        """Whether an order has used all attempts of its present epoch."""
        return order.attempts >= self._system.policy.max_attempts

    def look(self, order: Order, seconds: float, actor: str, message_id: str | None = None) -> Order:
        """Ask the warehouse about an order that no attempt works on, and move the order by the answer.

        An order whose attempts are spent becomes FAILED if the warehouse does not have it, or does not answer. The
        delivery keeps its key then, because a request can still be on its way.

        Args:
            order: the order as it was read.
            seconds: time that the warehouse may take.
            actor: the component that looks; the timeline shows it.
            message_id: the message that names the order, if one was delivered; the failed-orders row names it.

        Returns:
            The order after the look; ``order`` itself if the look showed nothing new.

        Raises:
            TransitionRefused: it has changed since it was read, or is still leased.
        """
        return self._apply_look(order, self._read(order, seconds), actor, message_id)

    def look_now(self, order: Order, seconds: float) -> bool:
        """Look at an order because of an event. Without news, nothing is written: the next look is not put off.

        Returns:
            Whether the warehouse gave a usable answer.

        Raises:
            TransitionRefused: as for ``look``.
        """
        answer = self._read(order, seconds)
        if _is_usable(answer):
            self._apply_look(order, answer, WAREHOUSE, counted=False)
        return _is_usable(answer)

    def look_on_request(self, order_id: str, actor: str) -> Order:
        """Look at an order that is at the warehouse, or that failed while the warehouse may have it.

        Args:
            order_id: the order.
            actor: the operator; the timeline shows it.

        Returns:
            The order after the look.

        Raises:
            OrderUnknown: there is no such order.
            NotAtWarehouse: the warehouse does not have it.
            NoUsableAnswer: the warehouse did not say; nothing was changed.
        """
        for _ in range(TRIES):
            order = self._system.store.get(order_id)
            if order is None:
                raise OrderUnknown(f"there is no order {order_id}")
            if not (order.asked and order.status in UNSUCCESSFUL | {Status.AT_WAREHOUSE}):
                raise NotAtWarehouse(order)
            answer = self._read(order, self._system.policy.cancel_seconds)
            if not _is_usable(answer):
                raise NoUsableAnswer(order)
            with suppress(TransitionRefused):
                return self._apply_look(order, answer, actor)
        raise Unavailable(f"order {order_id} changed {TRIES} times while the warehouse was asked about it")

    def _apply_look(
        self,
        order: Order,
        answer: Answer | Exception | None,
        actor: str,
        message_id: str | None = None,
        *,
        counted: bool = True,
    ) -> Order:
        outcome = after_look(order, answer, self._system.policy.max_attempts, self._due_at())
        if outcome is None or (outcome.transition == "look" and not counted):
            return order
        moved = self._apply(outcome, order, actor, message_id)
        if order.status is Status.AT_WAREHOUSE and moved.status is Status.FAILED:
            self._system.metrics.record(Metric.ORDERS_FAILED_AT_WAREHOUSE)
        return moved

    def cancel(self, order_id: str, actor: str, reason: str) -> Order:
        """Cancel an order; if the warehouse may have it, ask the warehouse to cancel it. Repeating it has no effect.

        Returns:
            The order: CANCELLED, PARTLY_FULFILLED if only the rest could be cancelled, or open with ``cancel_asked``
            while the warehouse's answer is not known.

        Raises:
            OrderUnknown: there is no such order.
            TooLate: the warehouse ships it, or has shipped it meanwhile, or it is in another terminal state.
        """
        for _ in range(TRIES):
            try:
                return self._move("cancel", order_id, actor=actor, reason=reason)
            except TransitionRefused as refused:
                order = refused.order
            if order is None:
                raise OrderUnknown(f"there is no order {order_id}")
            if order.status is Status.CANCELLED or _is_rest_cancelled(order):
                return order
            with suppress(TransitionRefused):  # if it has moved on, decide again
                if order.status is Status.PENDING and not order.asked and order.parcels:
                    failure = Failure(FailureKind.CANCELLED, reason)
                    return self._move("cancel_rest", order_id, actor=actor, reason=reason, seen=order, failure=failure)
                if not order.is_open or not order.asked:
                    raise TooLate(order)
                if not order.cancel_asked:
                    order = self._move("ask_cancel", order_id, actor=actor, reason=reason, seen=order)
                order = self.cancel_there(order, self._system.policy.cancel_seconds, WAREHOUSE)
                if order.status is Status.FULFILLED:
                    raise TooLate(order)
                return order
        raise Unavailable(f"order {order_id} changed {TRIES} times while it was being cancelled")

    def cancel_there(self, order: Order, seconds: float, actor: str) -> Order:
        """Ask the warehouse to cancel an order's delivery, and move the order by the answer.

        Args:
            order: the order as it was read, with ``cancel_asked``: open, or failed without an answer.
            seconds: time that the warehouse may take.
            actor: the timeline shows it.

        Returns:
            The order; still open if the answer is not known, or if an attempt is running, which gets the same answer.

        Raises:
            TooLate: the warehouse does not cancel it.
            TransitionRefused: the order has changed since it was read.
        """
        try:
            answer = self._system.fulfiller.cancel(order, seconds)
            if answer.state is State.CANCELLING:
                return order
            if answer.state is not State.CANCELLED:  # the delivery may have ended by itself
                answer = self._system.fulfiller.look(order, seconds)
        except Exception as error:  # the reconciler asks again
            text = "order %s: the cancellation had no usable answer, %s; the reconciler repeats it"
            log.warning(text, order.order_id, error_name(error))
            return order
        if answer.state in IN_WORK:
            if not order.is_open:  # a look tells what was shipped
                return order
            reason = f"the warehouse does not cancel it: {answer.state}"
            refused = self._move("cancel_refused", order.order_id, actor=actor, reason=reason, seen=order)
            raise TooLate(self._record_shipped(refused, answer, actor))
        return order if self._is_running(order) or answer.state not in ENDED else self._apply_look(order, answer, actor)

    def _record_shipped(self, order: Order, answer: Answer, actor: str) -> Order:
        """Write down the parcels that came before a cancellation. A running attempt writes them itself."""
        is_news = answer.state is State.SHIPPED or _has_new_parcels(order, answer)
        if is_news and not self._is_running(order):
            with suppress(TransitionRefused):  # the next look shows them
                return self._apply_look(order, answer, actor)
        return order

    def _is_running(self, order: Order) -> bool:
        return order.status is Status.PROCESSING and not self.is_free(order)

    def give_up(self, order_id: str, actor: str, note: str) -> Order:
        """Give up an order that is at the warehouse. The delivery keeps its key, and looks go on.

        Args:
            order_id: the order.
            actor: the operator; the timeline shows it.
            note: the operator's reason; the timeline shows it.

        Returns:
            The order: FAILED, or PARTLY_FULFILLED if a parcel was shipped.

        Raises:
            OrderUnknown: there is no such order.
            NotAtWarehouse: it is not at the warehouse.
        """
        for _ in range(TRIES):
            order = self.require_there(order_id)
            failure = Failure(FailureKind.UNKNOWN, f"given up at the warehouse: {note}")
            outcome = give_up(order, failure, self._system.policy.max_attempts)
            with suppress(TransitionRefused):
                return self._apply(outcome, order, actor)
        raise Unavailable(f"order {order_id} changed {TRIES} times while it was being given up")

    def require_there(self, order_id: str) -> Order:
        """Read an order, and check that it is at the warehouse. Arguments and errors are those of ``give_up``."""
        order = self._system.store.get(order_id)
        if order is None:
            raise OrderUnknown(f"there is no order {order_id}")
        if order.status is not Status.AT_WAREHOUSE:
            raise NotAtWarehouse(order)
        return order

    def require_ended(self, order: Order, seconds: float, actor: str) -> Order:
        """Make sure that the present delivery of a failed order can ship nothing any more.

        Returns:
            The order, with parcels of the delivery that were not known; FULFILLED if these were all.

        Raises:
            DeliveryOpen: the warehouse has shipped it, ships it, or gave no usable answer; or its parcels are too many
                to be written down.
        """
        try:
            answer = self._system.fulfiller.cancel(order, seconds)
            if answer.state is not State.CANCELLED:
                answer = self._system.fulfiller.look(order, seconds)
        except Exception as error:
            raise DeliveryOpen(order, f"the warehouse gave no usable answer ({error_name(error)})") from error
        if answer.state not in ENDED:
            raise DeliveryOpen(order, f"the warehouse says: {answer.state}")
        if not _has_new_parcels(order, answer):
            return order
        try:
            order = self._apply_look(order, answer, actor)
        except TransitionRefused:
            raise DeliveryOpen(order, "the order has changed meanwhile") from None
        if _has_new_parcels(order, answer):  # a new delivery would ask for their lines again
            raise DeliveryOpen(order, "the warehouse has shipped more parcels than an order can have")
        return order

    def _read(self, order: Order, seconds: float) -> Answer | Exception | None:
        if not order.asked:
            return None
        try:
            return self._system.fulfiller.look(order, seconds)
        except Exception as error:
            log.warning("order %s: the warehouse does not say whether it has it, %s", order.order_id, error_name(error))
            return error

    def _due_at(self) -> datetime:
        return self._system.now() + self._system.policy.due_after

    def _apply(self, outcome: Outcome, order: Order, actor: str, message_id: str | None = None, **more: Any) -> Order:
        parcels = outcome.values.get("shipments", ())
        if len(parcels) > len(order.shipments) and exceeds(order, parcels):  # before the write, as for an event
            self.report_unexpected(order, outcome.reason, order.delivery)
        return self._move(
            outcome.transition,
            order.order_id,
            actor=actor,
            reason=outcome.reason,
            seen=order,
            failure=outcome.failure,
            message_id=message_id,
            **outcome.values,
            **more,
        )

    def report_unexpected(self, order: Order, reason: str, delivery: int) -> None:
        """Raise the alarm about a parcel that contradicts its order.

        Args:
            order: the order.
            reason: how the parcel was reported.
            delivery: the number of the parcel's delivery.
        """
        self._system.metrics.record(Metric.UNEXPECTED_PARCELS)
        text = "order %s: %s, and nobody expected it (delivery %d); see docs/runbook.md#unexpected-parcels"
        log.error(text, order.order_id, reason, delivery, extra={"order_id": order.order_id})


def _is_usable(answer: object) -> bool:
    """Whether the warehouse answered a look with something that says where the delivery is."""
    return isinstance(answer, Answer) and answer.state is not State.NOT_TAKEN


def _has_new_parcels(order: Order, answer: Answer) -> bool:
    known = {shipment.key for shipment in order.shipments}
    return any(shipment.key not in known for shipment in answer.shipments)


def _is_rest_cancelled(order: Order) -> bool:
    """Whether a part of an order was shipped, and the rest was cancelled."""
    entered = takewhile(lambda entry: entry.target is Status.PARTLY_FULFILLED, reversed(order.timeline))
    return any(entry.failure is FailureKind.CANCELLED for entry in entered)
