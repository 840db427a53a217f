"""The workflow's first step: validate the order."""

from collections.abc import Mapping
from typing import Any

from service import logs
from service.orders import strict_json
from service.orders.errors import OrderUnknown
from service.orders.model import Order
from service.orders.orders import Orders
from service.orders.ports import System
from service.orders.submission import new_order
from service.orders.trace import new_traceparent, trace_id
from service.orders.validation import validate
from service.steps.events import names_an_order, next_state_input, note_task, order_id_of, traceparent_of


def run(task: Mapping[str, Any], system: System) -> dict[str, str]:
    """Validate the order of an execution; store it first if the execution was started by hand with a raw order.

    Args:
        task: ``input``, the execution's input, and ``execution``, its name.
        system: the ports.

    Returns:
        The order's id and its trace, which are the input of the next step.

    Raises:
        OrderInvalid: the order is not valid; the workflow catches this and runs the Reject step.
        OrderUnknown: there is no such order.
    """
    order = find_or_receive(task, system)
    Orders(system).validate(order)
    return next_state_input(order)


def find_or_receive(task: Mapping[str, Any], system: System) -> Order:
    """Read the order of an execution; a raw order is stored first.

    Raises:
        OrderUnknown: the execution names an order that has no row.
        KeyReused: an execution of the same name was started by hand before, with another order.
    """
    order_id = order_id_of(task)
    note_task(task, order_id)
    if names_an_order(task):
        order = system.store.get(order_id)
        if order is None:
            raise OrderUnknown(f"order {order_id} has no row; was the execution started by hand?")
    else:
        order, _ = Orders(system).receive(_raw_order(order_id, task, system))
    logs.note(trace_id=trace_id(order.traceparent))
    return order


def _raw_order(order_id: str, task: Mapping[str, Any], system: System) -> Order:
    submitted = strict_json.from_python(task["input"]["order"])
    if not isinstance(submitted, dict):
        submitted = {"order": submitted}  # a row needs an object; this one is as invalid as the submitted value
    content = validate(submitted).document or submitted
    return new_order(
        content,
        order_id=order_id,
        owner="workflow",
        actor="workflow",
        at=system.now(),
        write_id=system.new_id(),
        traceparent=traceparent_of(task) or new_traceparent(system.new_id),
    )
