"""Sending a failed order again, once an operator has seen to its cause."""

import logging

from service.orders.lifecycle import Status
from service.orders.model import Order, Write
from service.orders.ports import OrderUnknown, System, TransitionRefused

log = logging.getLogger(__name__)


class NotFailed(Exception):
    """Only a FAILED order can be sent again; ``order`` is what stands there."""

    def __init__(self, order: Order) -> None:
        super().__init__(f"order {order.order_id} is {order.status}; only a FAILED order can be sent again")
        self.order = order


def redrive(order_id: str, actor: str, reason: str, system: System) -> Order:
    """Give a failed order a new epoch with all its attempts, and send it to the queue.

    Once the write is made the order is not lost: if the message could not be sent, the reconciler sends it.

    Args:
        order_id: the order.
        actor: who sends it again; the timeline says so.
        reason: why; the timeline says so.
        system: the ports.

    Returns:
        The order as it waits for fulfillment.

    Raises:
        OrderUnknown: there is no such order.
        NotFailed: it is not FAILED, or no longer; nothing was changed.
    """
    order = system.store.get(order_id)
    if order is None:
        raise OrderUnknown(f"there is no order {order_id}")
    if order.status is not Status.FAILED:
        raise NotFailed(order)
    write = Write(
        name="redrive", order_id=order_id, id=system.new_id(), at=system.now(), actor=actor, reason=reason, seen=order
    )
    try:
        waiting = system.store.apply(write)
    except TransitionRefused as refused:
        raise NotFailed(refused.order or order) from None
    try:
        system.queue.send(order_id)
    except Exception as error:  # the order waits on record, so whatever this is, it is not lost
        log.warning("order %s: not sent (%s); the reconciler will send it", order_id, type(error).__name__)
    return waiting
