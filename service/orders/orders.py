"""Moves orders. Only this module, ``deliveries`` and ``warehouse_events`` apply transitions.

Each method of ``Orders`` applies one row of the transition table and records the row's metrics. The API, the workflow's
steps, the reconciler and the command line call these methods, and have no rules of their own.
"""

import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from service.orders.deliveries import TRIES, Deliveries
from service.orders.errors import KeyReused, NotFailed, OrderInvalid, OrderUnknown, TooLate
from service.orders.lifecycle import UNSUCCESSFUL, Status
from service.orders.message import Message
from service.orders.metric import Metric
from service.orders.model import FieldError, Order
from service.orders.mover import Mover
from service.orders.outcomes import next_delivery
from service.orders.ports import OrderExists, System, TransitionRefused, Unavailable, error_name
from service.orders.transitions import TransitionName

if TYPE_CHECKING:  # an event that submits nothing does not load this
    from service.orders.submission import Submission

log = logging.getLogger(__name__)

WORKFLOW, RECONCILER = "workflow", "reconciler"
"""Actors, as the timeline names them."""


class Orders:
    """Moves orders through their lifecycle, on the ports of a system."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._mover = Mover(system)
        self._move = self._mover.move
        self._deliveries = Deliveries(system)

    def submit(self, submission: "Submission") -> tuple[Order, bool]:
        """Store a new order, then start its workflow. Once this returns, the order is durable.

        If the workflow could not be started, the reconciler starts it.

        Returns:
            The stored order, and whether an earlier request with the same idempotency key submitted it.

        Raises:
            OrderInvalid: the document is not a valid order, nor one that the workflow shall reject; nothing is stored.
            KeyReused: the idempotency key belongs to another order.
        """
        from service.orders.submission import order_from

        try:
            order = order_from(submission, self._system)
            former = submission.former_order_id
            stored = self._system.store.get(former) if former else None
            order, replayed = (_same(stored, order), True) if stored else self.receive(order)
        except (OrderInvalid, KeyReused):
            self._system.metrics.record(Metric.SUBMISSIONS_REFUSED)
            raise
        if replayed:
            self._system.metrics.record(Metric.IDEMPOTENT_REPLAYS)
        else:
            self._start(order)
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
            return _same(exists.order, order), True

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

    def push(self, order: Order, seconds: float) -> tuple[str, Order]:
        """Restart, resend, recover, look at or cancel an order that has waited too long, depending on its state.

        Before a message, the write comes first, guarded by the version that was read. It sets ``updated_at``. If the
        process dies before it sends the message, a later run of the reconciler pushes the order again. A workflow is
        started before the write, because its name makes a repeated start harmless: while Step Functions fails, nothing
        is written, and the order's backoff does not grow.

        Args:
            order: the order as it was read.
            seconds: time that the warehouse may take, if it is asked.

        Returns:
            ``restarted``, ``checked``, ``looked``, ``gave_up``, ``recovered`` or ``resent``; and the order after it.

        Raises:
            TransitionRefused: the order has changed since it was read.
            Unavailable: a service does not answer.
        """
        if order.status is Status.RECEIVED:
            return "restarted", self._restart(order)
        if order.cancel_asked and order.asked:
            with suppress(TooLate):
                cancelled = self._deliveries.cancel_there(order, seconds, RECONCILER)
                if cancelled is not order:
                    return "checked" if order.status is Status.AT_WAREHOUSE else "looked", cancelled
        if order.status is Status.AT_WAREHOUSE:
            return self._check(order, seconds)
        if not order.is_open or self._deliveries.has_no_attempts_left(order):
            looked = self._deliveries.look(order, seconds, RECONCILER)
            return "gave_up" if order.is_open and looked.status in UNSUCCESSFUL else "looked", looked
        if order.status is Status.PROCESSING:
            reason = f"attempt {order.attempts} never ended"
            recovered = self._move("recover", order.order_id, actor=RECONCILER, reason=reason, seen=order)
            self._send(recovered)
            return "recovered", recovered
        reason = f"sent to the queue again, time {order.resends + 1}"
        resent = self._move("resend", order.order_id, actor=RECONCILER, reason=reason, seen=order)
        self._send(resent)
        return "resent", resent

    def _check(self, order: Order, seconds: float) -> tuple[str, Order]:
        """Look at an order that the warehouse works on, and report it if it is overdue. Its age fails no order."""
        looked = self._deliveries.look(order, seconds, RECONCILER)
        if looked.status is Status.AT_WAREHOUSE and looked.due_at and looked.due_at < self._system.now():
            self._system.metrics.record(Metric.WAREHOUSE_OVERDUE)
            text = "order %s: the warehouse should have ended delivery %s by %s; see docs/runbook.md#warehouse-overdue"
            log.warning(text, order.order_id, order.delivery_key, looked.due_at, extra={"order_id": order.order_id})
        return "gave_up" if looked.status in UNSUCCESSFUL and looked.asked else "checked", looked

    def _restart(self, order: Order) -> Order:
        """Start the workflow of a RECEIVED order under the next name, and count the start.

        If an earlier run of the reconciler started this name and could not count it, the start has no effect, and is
        counted now. The next one has another name.
        """
        number = order.restarts + 1
        workflow, reason = self._system.workflow, f"workflow start {number + 1}"
        started = workflow.start(order.order_id, f"{order.order_id}-{number}", order.traceparent)
        try:
            return self._move("restart", order.order_id, actor=RECONCILER, reason=reason, seen=order)
        except TransitionRefused as refused:
            if started and refused.order:  # the workflow was faster than this write
                return refused.order
            raise

    def redrive(self, order_id: str, actor: str, note: str, epoch: int | None = None) -> Order:
        """Reset the attempts of a FAILED or PARTLY_FULFILLED order, and send it to the queue.

        A delivery asks only for the lines that were left when it got its number.

        While the warehouse may have the delivery, the order keeps its number: the warehouse answers a repeated request
        with the delivery's state, and ships nothing twice. If the message cannot be sent after the write, the
        reconciler sends it.

        Args:
            order_id: the order.
            actor: the operator; the timeline shows it.
            note: the operator's reason; the timeline shows it.
            epoch: the epoch of the failure to redrive; None for the present failure. With it, a repeated call does
                not redrive a later failure that the operator has not seen.

        Raises:
            OrderUnknown: there is no such order.
            NotFailed: it has not failed, or has failed in another epoch; nothing was changed.
        """
        return self._redrive(self.require_failed(order_id, epoch), actor, note, epoch)

    def new_delivery(self, order_id: str, actor: str, note: str, epoch: int | None = None) -> Order:
        """Redrive an order under a new delivery number, after the old delivery was cancelled at the warehouse.

        Arguments are those of ``redrive``. If the warehouse does not have the order, this is ``redrive``. Parcels of
        the old delivery that were not known are written down first: the new one does not ask for their lines.

        Raises:
            OrderUnknown: there is no such order.
            NotFailed: it has not failed, or has failed in another epoch; nothing was changed.
            DeliveryOpen: the warehouse did not confirm that the old delivery can ship nothing any more.
        """
        order = self.require_failed(order_id, epoch)
        ended = order.delivery
        if order.asked:
            order = self._deliveries.require_ended(order, self._system.policy.cancel_seconds, actor)
            if order.status not in UNSUCCESSFUL:
                raise NotFailed(order, epoch)
        return self._redrive(order, actor, note, epoch, ended)

    def _redrive(self, order: Order, actor: str, note: str, epoch: int | None, ended: int | None = None) -> Order:
        """Write a redrive, and send the order. ``ended`` is a delivery that can ship nothing any more.

        A look may write between the read and this write. If the order stays failed, the redrive is decided again.
        """
        for _ in range(TRIES):
            name: TransitionName = "new_delivery" if order.asked and order.delivery == ended else "redrive"
            number = next_delivery(order, order.shipments) if name == "new_delivery" else {}
            try:
                redriven = self._move(name, order.order_id, actor=actor, reason=note, seen=order, **number)
                break
            except TransitionRefused as refused:
                now = refused.order or order
                if now.status not in UNSUCCESSFUL or now.epoch != order.epoch:
                    raise NotFailed(now, epoch) from None
                order = now
        else:
            raise Unavailable(f"order {order.order_id} changed {TRIES} times while it was being redriven")
        try:
            self._send(redriven)
        except Exception as error:  # the stored order is PENDING, so it is not lost
            log.warning(
                "order %s: not sent (%s); the reconciler will send it",
                order.order_id,
                error_name(error),
                extra={"order_id": order.order_id},
            )
        return redriven

    def require_failed(self, order_id: str, epoch: int | None = None) -> Order:
        """Read an order, and check that it can be redriven. Arguments and errors are those of ``redrive``."""
        order = self._system.store.get(order_id)
        if order is None:
            raise OrderUnknown(f"there is no order {order_id}")
        if order.status not in UNSUCCESSFUL or epoch not in (None, order.epoch):
            raise NotFailed(order, epoch)
        return order

    def _start(self, order: Order) -> None:
        """Start the workflow of a new order; a failure is logged and left to the reconciler."""
        try:
            self._system.workflow.start(order.order_id, order.order_id, order.traceparent)
        except Exception as error:  # the stored order is RECEIVED, so it is not lost
            log.warning(
                "order %s: workflow not started (%s); the reconciler will start it",
                order.order_id,
                error_name(error),
                extra={"order_id": order.order_id},
            )

    def _send(self, order: Order) -> None:
        self._system.queue.send(Message(order.order_id, order.epoch, order.traceparent))


def _same(stored: Order, order: Order) -> Order:
    """Return the stored order of an idempotency key, if the new order has the same document.

    Raises:
        KeyReused: it has another document.
    """
    from service.orders.notation import is_same_document

    if not is_same_document(stored, order):
        raise KeyReused(stored.order_id) from None
    return stored


def _errors_of(order: Order) -> tuple[FieldError, ...]:
    """The field errors of a submitted document, by the rules of the API; of this version, or of the one before it.

    The API refuses by a stricter rule first, and the workflow a version later: it must not reject an order that was
    accepted before the deployment.
    """
    from service.orders.currencies import ACCEPTED_BEFORE
    from service.orders.validation import validate

    return validate(order.document, ACCEPTED_BEFORE).errors
