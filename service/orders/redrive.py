"""Sending a failed order again, once an operator has seen to its cause."""

import logging
from dataclasses import dataclass, field
from enum import StrEnum

from service.orders.lifecycle import Status
from service.orders.message import Message
from service.orders.metric import Metric
from service.orders.model import FailureKind, Order, Write
from service.orders.paging import ALWAYS, Position, Span
from service.orders.ports import OrderUnknown, System, TransitionRefused, error_name

log = logging.getLogger(__name__)


class NotFailed(Exception):
    """Only a FAILED order can be sent again. ``order`` is what stands there; it may have been ``redriven`` already."""

    def __init__(self, order: Order, epoch: int | None = None) -> None:
        super().__init__(f"order {order.order_id} is {order.status}; only a FAILED order can be sent again")
        self.order = order
        self.redriven = order.epoch > (epoch or 0)


def redrive(order_id: str, actor: str, reason: str, system: System, epoch: int | None = None) -> Order:
    """Give a failed order a new epoch with all its attempts, and send it to the queue.

    Once the write is made the order is not lost: if the message could not be sent, the reconciler sends it.

    Args:
        order_id: the order.
        actor: who sends it again; the timeline says so.
        reason: why; the timeline says so.
        system: the ports.
        epoch: how often it had been redriven when the failure came that is meant, so that a repeat of this call does
            not send a later failure again, which nobody has looked at; None for the failure that there is.

    Returns:
        The order as it waits for fulfillment.

    Raises:
        OrderUnknown: there is no such order.
        NotFailed: it is not FAILED, or no longer; nothing was changed.
    """
    order = _failed(order_id, epoch, system)
    write = Write(
        name="redrive", order_id=order_id, id=system.new_id(), at=system.now(), actor=actor, reason=reason, seen=order
    )
    try:
        waiting = system.store.apply(write)
    except TransitionRefused as refused:
        raise NotFailed(refused.order or order, epoch) from None
    system.metrics.record(Metric.ORDERS_REDRIVEN)
    try:
        system.queue.send(Message(order_id, waiting.epoch, waiting.traceparent))
    except Exception as error:  # the order waits on record, so whatever this is, it is not lost
        log.warning(
            "order %s: not sent (%s); the reconciler will send it",
            order_id,
            error_name(error),
            extra={"order_id": order_id},
        )
    return waiting


@dataclass(frozen=True, slots=True)
class Selection:
    """Which failed orders are to be sent again: those that are named, or else those that match, newest first."""

    order_ids: tuple[str, ...] = ()
    kind: FailureKind | None = None
    span: Span = ALWAYS
    limit: int = 100
    after: Position | None = None


def chosen(selection: Selection, system: System) -> tuple[list[tuple[str, int | None]], Position | None]:
    """The orders of a selection, each with the epoch of its failure where that is known, and where the next begin."""
    if selection.order_ids:
        return [(order_id, None) for order_id in dict.fromkeys(selection.order_ids)], None
    page = system.store.failed_orders(selection.kind, selection.span, selection.limit, selection.after)
    return [(failed.order_id, failed.epoch) for failed in page.orders], page.next


class Outcome(StrEnum):
    """What came of sending one of several orders again."""

    REDRIVEN = "redriven"
    WOULD_REDRIVE = "would_redrive"  # it was asked only
    ALREADY_REDRIVEN = "already_redriven"
    NOT_FAILED = "not_failed"
    UNKNOWN = "unknown"
    ERROR = "error"  # it is FAILED still, as far as can be told


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one order; ``detail`` says more where there is more to say, ``cause`` is for who may know it."""

    order_id: str
    outcome: Outcome
    detail: str | None = None
    cause: Exception | None = field(default=None, compare=False)


def redrive_one_of_many(
    order_id: str, actor: str, reason: str, system: System, *, epoch: int | None = None, dry_run: bool = False
) -> Result:
    """Redrive an order, or with ``dry_run`` see whether it could be; whatever happens is told and stops no others."""
    try:
        if dry_run:
            _failed(order_id, epoch, system)
            return Result(order_id, Outcome.WOULD_REDRIVE)
        redrive(order_id, actor, reason, system, epoch)
    except OrderUnknown:
        return Result(order_id, Outcome.UNKNOWN, "there is no such order")
    except NotFailed as refused:
        outcome = Outcome.ALREADY_REDRIVEN if refused.redriven else Outcome.NOT_FAILED
        return Result(order_id, outcome, f"it is {refused.order.status}")
    except Exception as error:  # the others must not wait for this one
        log.exception("order %s: not redriven, %s", order_id, error_name(error), extra={"order_id": order_id})
        return Result(order_id, Outcome.ERROR, "a part of the system does not answer; try again", error)
    return Result(order_id, Outcome.REDRIVEN)


def _failed(order_id: str, epoch: int | None, system: System) -> Order:
    """The order as it stands, in the failure that is meant."""
    order = system.store.get(order_id)
    if order is None:
        raise OrderUnknown(f"there is no order {order_id}")
    if order.status is not Status.FAILED or epoch not in (None, order.epoch):
        raise NotFailed(order, epoch)
    return order
