"""Cancelling an order that fulfillment has not begun."""

from service.orders.lifecycle import Status
from service.orders.metric import Metric
from service.orders.model import Order, Write
from service.orders.ports import OrderUnknown, System, TransitionRefused


class TooLate(Exception):
    """The order can no longer be cancelled."""

    def __init__(self, order: Order) -> None:
        super().__init__(f"order {order.order_id} is {order.status}")
        self.order = order


def cancel(order_id: str, actor: str, reason: str, system: System) -> Order:
    """Move an order to CANCELLED; to do it again changes nothing.

    Args:
        order_id: the order.
        actor: who cancels it; the timeline says so.
        reason: why; the timeline says so.
        system: the ports.

    Raises:
        OrderUnknown: there is none.
        TooLate: it is being fulfilled, or has come to another end.
    """
    write = Write(name="cancel", order_id=order_id, id=system.new_id(), at=system.now(), actor=actor, reason=reason)
    try:
        cancelled = system.store.apply(write)
    except TransitionRefused as refused:
        if refused.order is None:
            raise OrderUnknown(f"there is no order {order_id}") from None
        if refused.order.status is not Status.CANCELLED:
            raise TooLate(refused.order) from None
        return refused.order
    system.metrics.record(Metric.ORDERS_CANCELLED)
    return cancelled
