"""Starting the workflow of an order that has its row."""

import logging

from service.orders.model import Order
from service.orders.ports import System, error_name

log = logging.getLogger(__name__)


def start(order: Order, name: str, system: System) -> bool:
    """Start the workflow of an order that has its row; a failure is logged and left to the reconciler."""
    try:
        system.workflow.start(order.order_id, name, order.traceparent)
    except Exception as error:  # the row stands, so whatever this is, the order is not lost
        log.warning(
            "order %s: workflow not started (%s); the reconciler will start it",
            order.order_id,
            error_name(error),
            extra={"order_id": order.order_id},
        )
        return False
    return True
