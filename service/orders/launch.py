"""Starting the workflow of an order that has its row."""

import logging

from service.orders.ports import System

log = logging.getLogger(__name__)


def start(order_id: str, name: str, system: System) -> bool:
    """Start the workflow of an order that has its row; a failure is logged and left to the reconciler."""
    try:
        system.workflow.start(order_id, name)
    except Exception as error:  # the row stands, so whatever this is, the order is not lost
        log.warning("order %s: workflow not started (%s); the reconciler will start it", order_id, type(error).__name__)
        return False
    return True
