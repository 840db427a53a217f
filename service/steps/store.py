"""The workflow's second step: the order is accepted and waits for fulfillment."""

from collections.abc import Mapping
from typing import Any

from service.orders.metric import Metric
from service.orders.model import Write
from service.orders.ports import OrderUnknown, System, TransitionRefused
from service.steps.events import carried, note, order_id_of


def run(task: Mapping[str, Any], system: System) -> dict[str, str]:
    """Move an order from RECEIVED to PENDING. What is returned is the message that has it fulfilled.

    An order that is already past RECEIVED is as good as stored: the step was replayed, or the customer cancelled
    meanwhile. The message that follows finds that out, so the execution goes on.

    Raises:
        OrderUnknown: there is no such order.
    """
    order_id = order_id_of(task)
    note(task, order_id)
    write = Write(name="store", order_id=order_id, id=system.new_id(), at=system.now(), actor="workflow")
    try:
        order = system.store.apply(write)
    except TransitionRefused as refused:
        if refused.order is None:
            raise OrderUnknown(f"order {order_id} has no row; was the execution started by hand?") from None
        return carried(refused.order)
    system.metrics.record(Metric.ORDERS_STORED)
    return carried(order)
