"""Moves orders. No other module applies a transition.

Each method of ``Orders`` applies one row of the transition table and records the row's metrics. The API, the workflow's
steps, the reconciler and the command line call these methods, and have no rules of their own.
"""

import logging
from typing import TYPE_CHECKING, Any

from service.orders.errors import KeyReused, NotFailed, OrderInvalid, OrderUnknown, TooLate
from service.orders.lifecycle import Status
from service.orders.message import Message
from service.orders.metric import Metric
from service.orders.model import Failure, FailureKind, FieldError, Order
from service.orders.mover import Mover
from service.orders.ports import Fulfilled, NotFulfilled, OrderExists, System, TransitionRefused, error_name

if TYPE_CHECKING:  # an event that submits nothing does not load this
    from service.orders.submission import Submission

log = logging.getLogger(__name__)

WORKFLOW, FULFILLMENT, RECONCILER = "workflow", "fulfillment", "reconciler"
"""Actors, as the timeline names them."""


class Orders:
    """Moves orders through their lifecycle, on the ports of a system."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._mover = Mover(system)
        self._move = self._mover.move

    def submit(self, submission: "Submission") -> tuple[Order, bool]:
        """Store a new order, then start its workflow. Once this returns, the order is durable.

        If the workflow could not be started, the reconciler starts it.

        Returns:
            The stored order, and whether an earlier request with the same idempotency key submitted it.

        Raises:
            OrderInvalid: the document is not a valid order (or, when lenient, not a JSON object); nothing is stored.
            KeyReused: the idempotency key belongs to another order.
        """
        from service.orders.submission import order_from

        try:
            order, replayed = self.receive(order_from(submission, self._system))
        except (OrderInvalid, KeyReused):
            self._system.metrics.record(Metric.SUBMISSIONS_REFUSED)
            raise
        if replayed:
            self._system.metrics.record(Metric.IDEMPOTENT_REPLAYS)
        else:
            self._start(order, order.order_id)
        return order, replayed

    def receive(self, order: Order) -> tuple[Order, bool]:
        """Store a RECEIVED order, unless an order with its id is stored.

        Returns:
            The stored order, and whether it was stored before.

        Raises:
            KeyReused: the stored order of this id has another document.
        """
        try:
            return self._mover.create(order), False
        except OrderExists as exists:
            if exists.order.fingerprint != order.fingerprint:
                raise KeyReused(f"order {order.order_id} was submitted before, with another document") from None
            return exists.order, True

    def validate(self, order: Order) -> None:
        """Check a RECEIVED order by the rules of the API. An order in a later state was checked before.

        Raises:
            OrderInvalid: it is not a valid order.
        """
        if order.status in (Status.RECEIVED, Status.REJECTED) and (errors := _errors_of(order)):
            raise OrderInvalid(errors, order.order_id)

    def store(self, order_id: str) -> Order:
        """Accept a RECEIVED order for fulfillment. An order in a later state is not changed.

        Raises:
            OrderUnknown: there is no such order.
        """
        try:
            return self._move("store", order_id, actor=WORKFLOW)
        except TransitionRefused as refused:
            if refused.order is None:
                raise OrderUnknown(f"order {order_id} has no row; was the execution started by hand?") from None
            return refused.order

    def reject(self, order: Order) -> tuple[FieldError, ...]:
        """Reject a RECEIVED order that is not valid, with its field errors. A valid order is not changed.

        Returns:
            The field errors.

        Raises:
            TransitionRefused: the order does not exist, or is neither RECEIVED, REJECTED nor CANCELLED.
        """
        errors = _errors_of(order)
        if errors:
            try:
                self._move("reject", order.order_id, actor=WORKFLOW, reason="it is not a valid order", errors=errors)
            except TransitionRefused as refused:
                if refused.order is None or refused.order.status not in (Status.REJECTED, Status.CANCELLED):
                    raise
        return errors

    def cancel(self, order_id: str, actor: str, reason: str) -> Order:
        """Cancel an order before its first attempt. A CANCELLED order is not changed.

        Raises:
            OrderUnknown: there is no such order.
            TooLate: fulfillment has started, or the order is in another terminal state.
        """
        try:
            return self._move("cancel", order_id, actor=actor, reason=reason)
        except TransitionRefused as refused:
            if refused.order is None:
                raise OrderUnknown(f"there is no order {order_id}") from None
            if refused.order.status is not Status.CANCELLED:
                raise TooLate(refused.order) from None
            return refused.order

    def claim(self, order_id: str) -> Order:
        """Take the lease on an order, and count the attempt. An attempt that crashes is therefore counted, too.

        Raises:
            TransitionRefused: it is leased, terminal, not stored yet, out of attempts, or unknown.
        """
        policy, now, owner = self._system.policy, self._system.now(), self._system.new_id()
        lease: dict[str, Any] = {
            "max_attempts": policy.max_attempts,
            "lease_owner": owner,
            "lease_until": now + policy.lease,
        }
        return self._move("claim", order_id, actor=FULFILLMENT, at=now, write_id=owner, **lease)

    def settle(self, order: Order, outcome: Fulfilled | NotFulfilled, message_id: str) -> Order:
        """End an attempt: the order becomes FULFILLED, PENDING while attempts are left, or FAILED.

        Args:
            order: the claimed order, as ``claim`` returned it.
            outcome: the warehouse's answer.
            message_id: the message in process; the failed-orders row names it.

        Raises:
            TransitionRefused: the lease was lost.
        """
        most = self._system.policy.max_attempts
        lease: dict[str, Any] = {"actor": FULFILLMENT, "seen": order, "lease_owner": order.lease_owner}
        if isinstance(outcome, Fulfilled):
            return self._move("fulfill", order.order_id, reason=f"attempt {order.attempts} succeeded", **lease)
        failure = outcome.failure
        reason = f"attempt {order.attempts} of {most}: {failure.detail}"
        if not outcome.permanent and order.attempts < most:
            return self._move("release", order.order_id, reason=reason, failure=failure, **lease)
        return self._move("fail", order.order_id, reason=reason, failure=failure, message_id=message_id, **lease)

    def has_no_attempts_left(self, order: Order) -> bool:
        """Whether an order has used all attempts of its present epoch."""
        return order.attempts >= self._system.policy.max_attempts

    def give_up(self, order: Order, actor: str, message_id: str | None = None) -> Order:
        """Fail an order whose last attempt was claimed and never ended.

        Args:
            order: the order as it was read.
            actor: the component that fails the order; the timeline shows it.
            message_id: the message that names the order, if one was delivered; the failed-orders row names it.

        Raises:
            TransitionRefused: it has changed since it was read, is still leased, or has attempts left.
        """
        most = self._system.policy.max_attempts
        failure = Failure(FailureKind.ABANDONED, f"attempt {order.attempts} of {most} never ended")
        return self._move(
            "give_up",
            order.order_id,
            actor=actor,
            reason=failure.detail,
            seen=order,
            failure=failure,
            message_id=message_id,
            max_attempts=most,
        )

    def push(self, order: Order) -> str:
        """Restart, resend, recover or fail an open order that has waited too long, depending on its state.

        The write comes first, guarded by the version that was read. It sets ``updated_at``. If the process dies before
        it sends the message or starts the workflow, a later run of the reconciler pushes the order again.

        Returns:
            ``restarted``, ``gave_up``, ``recovered`` or ``resent``; ``errors`` if the workflow could not be started.

        Raises:
            TransitionRefused: the order has changed since it was read.
        """
        if order.status is Status.RECEIVED:
            reason = f"workflow start {order.restarts + 2}"
            restarted = self._move("restart", order.order_id, actor=RECONCILER, reason=reason, seen=order)
            return "restarted" if self._start(order, f"{order.order_id}-{restarted.restarts}") else "errors"
        if self.has_no_attempts_left(order):
            self.give_up(order, RECONCILER)
            return "gave_up"
        if order.status is Status.PROCESSING:
            reason = f"attempt {order.attempts} never ended"
            recovered = self._move("recover", order.order_id, actor=RECONCILER, reason=reason, seen=order)
            self._send(recovered)
            return "recovered"
        reason = f"sent to the queue again, time {order.resends + 1}"
        self._send(self._move("resend", order.order_id, actor=RECONCILER, reason=reason, seen=order))
        return "resent"

    def redrive(self, order_id: str, actor: str, note: str, epoch: int | None = None) -> Order:
        """Reset the attempts of a FAILED order, and send it to the queue.

        If the message cannot be sent after the write, the reconciler sends it.

        Args:
            order_id: the order.
            actor: the operator; the timeline shows it.
            note: the operator's reason; the timeline shows it.
            epoch: the epoch of the failure to redrive; None for the present failure. With it, a repeated call does
                not redrive a later failure that the operator has not seen.

        Raises:
            OrderUnknown: there is no such order.
            NotFailed: it is not FAILED, or is FAILED in another epoch; nothing was changed.
        """
        order = self.require_failed(order_id, epoch)
        try:
            redriven = self._move("redrive", order_id, actor=actor, reason=note, seen=order)
        except TransitionRefused as refused:
            raise NotFailed(refused.order or order, epoch) from None
        try:
            self._send(redriven)
        except Exception as error:  # the stored order is PENDING, so it is not lost
            log.warning(
                "order %s: not sent (%s); the reconciler will send it",
                order_id,
                error_name(error),
                extra={"order_id": order_id},
            )
        return redriven

    def require_failed(self, order_id: str, epoch: int | None = None) -> Order:
        """Read an order, and check that it can be redriven. Arguments and errors are those of ``redrive``."""
        order = self._system.store.get(order_id)
        if order is None:
            raise OrderUnknown(f"there is no order {order_id}")
        if order.status is not Status.FAILED or epoch not in (None, order.epoch):
            raise NotFailed(order, epoch)
        return order

    def _start(self, order: Order, execution: str) -> bool:
        """Start the workflow of an order; a failure is logged and left to the reconciler."""
        try:
            self._system.workflow.start(order.order_id, execution, order.traceparent)
        except Exception as error:  # the stored order is RECEIVED, so it is not lost
            log.warning(
                "order %s: workflow not started (%s); the reconciler will start it",
                order.order_id,
                error_name(error),
                extra={"order_id": order.order_id},
            )
            return False
        return True

    def _send(self, order: Order) -> None:
        self._system.queue.send(Message(order.order_id, order.epoch, order.traceparent))


def _errors_of(order: Order) -> tuple[FieldError, ...]:
    """The field errors of a submitted document, by the rules of the API."""
    from service.orders.validation import validate

    return validate(order.document).errors
