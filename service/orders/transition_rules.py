"""Evaluates the transition table in Python: the rows of both tables after a permitted write."""

from dataclasses import replace
from typing import Any

from service.orders.lifecycle import Assign, Increment, Reset
from service.orders.model import FailedOrder, Failure, Order, Write, link


def check_complete(write: Write) -> None:
    """Check that a write has the values that its transition needs besides those of guards and changes.

    Raises:
        ValueError: the transition writes two tables, and the order as it was read, or the failure, is missing.
    """
    touches = write.transition.failed_orders
    if touches and write.seen is None:
        raise ValueError(f"transition {write.name} touches two tables and needs the order as it was seen")
    if touches == "put" and write.failure is None:
        raise ValueError(f"transition {write.name} needs a failure to record")


def after_write(order: Order, write: Write) -> Order:
    """The order after a permitted write."""
    changed: dict[str, Any] = {
        "status": write.target,
        "version": order.version + 1,
        "updated_at": write.at,
        "write_id": write.id,
        "timeline": write.rewritten_timeline() or link((*order.timeline, write.entry)),
    }
    for change in write.transition.changes:
        match change:
            case Assign(attribute):
                changed[attribute] = write.value(attribute)
            case Reset(attribute, to):
                changed[attribute] = to
            case Increment(attribute, by):
                changed[attribute] = getattr(order, attribute) + by
    return replace(order, **changed)


def failed_row(order: Order, write: Write, failure: Failure) -> FailedOrder:
    """The failed-orders row of an order that a write has failed."""
    return FailedOrder(
        order_id=order.order_id,
        customer_id=order.customer_id,
        reference=order.reference,
        kind=failure.kind,
        detail=failure.detail,
        attempts=order.attempts,
        epoch=order.epoch,
        failed_at=write.at,
        message_id=write.message_id,
    )
