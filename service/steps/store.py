"""The workflow's second step: accept the order for fulfillment."""

from collections.abc import Mapping
from typing import Any

from service.orders.orders import Orders
from service.orders.ports import System
from service.steps.events import next_state_input, note_task, order_id_of


def run(task: Mapping[str, Any], system: System) -> dict[str, str]:
    """Move an order from RECEIVED to PENDING.

    An order in a later state is not changed: the step was replayed, or the customer cancelled the order meanwhile.
    Fulfillment handles its message accordingly, so the execution goes on.

    Returns:
        The body of the message that the workflow sends to the queue.

    Raises:
        OrderUnknown: there is no such order.
    """
    order_id = order_id_of(task)
    note_task(task, order_id)
    return next_state_input(Orders(system).store(order_id))
