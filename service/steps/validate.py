"""The workflow's first step: is it a valid order?"""

from collections.abc import Mapping
from typing import Any

from service import logs
from service.orders import strict_json
from service.orders.lifecycle import Status
from service.orders.metric import Metric
from service.orders.model import FieldError, Order
from service.orders.ports import OrderExists, OrderUnknown, System
from service.orders.submission import KeyReused, OrderInvalid, received
from service.orders.trace import begun, trace_id
from service.orders.validation import validate
from service.steps.events import carried, names_an_order, note, order_id_of, traceparent_of


def run(task: Mapping[str, Any], system: System) -> dict[str, str]:
    """Judge the order of an execution; receive it first when the execution was started by hand with a raw order.

    Args:
        task: ``input``, the execution's input, and ``execution``, its name.
        system: the ports.

    Returns:
        The order's id and its trace, which is all that the next steps carry.

    Raises:
        OrderInvalid: the order is not valid; the workflow catches it and has the order rejected.
        OrderUnknown: there is no such order.
    """
    order = find_or_receive(task, system)
    if order.status not in (Status.RECEIVED, Status.REJECTED):
        return carried(order)  # a replay, or the customer was faster and cancelled
    errors = judge(order)
    if errors:
        raise OrderInvalid(errors, order.order_id)
    return carried(order)


def judge(order: Order) -> tuple[FieldError, ...]:
    """Everything that is wrong with what was submitted, by the same rules as at the API's edge."""
    return validate(order.document).errors


def find_or_receive(task: Mapping[str, Any], system: System) -> Order:
    """The row of the execution's order; of a raw order it is written first.

    Raises:
        OrderUnknown: the execution names an order that has no row.
        KeyReused: an execution of the same name was started by hand before, with another order.
    """
    order_id = order_id_of(task)
    note(task, order_id)
    order = system.store.get(order_id)
    if names_an_order(task):
        if order is None:
            raise OrderUnknown(f"order {order_id} has no row; was the execution started by hand?")
        return _told(order)
    raw = _raw_order(order_id, task, system)
    if order is None:
        try:
            order = system.store.create(raw)
            system.metrics.record(Metric.ORDERS_RECEIVED)
            return _told(order)
        except OrderExists as exists:
            order = exists.order
    if order.fingerprint != raw.fingerprint:
        raise KeyReused(f"the execution's name was used before, for another order, {order_id}; choose another name")
    return _told(order)


def _told(order: Order) -> Order:
    """The order, whose trace the lines from here on say."""
    logs.note(trace_id=trace_id(order.traceparent))
    return order


def _raw_order(order_id: str, task: Mapping[str, Any], system: System) -> Order:
    submitted = strict_json.from_python(task["input"]["order"])
    if not isinstance(submitted, dict):
        submitted = {"order": submitted}  # a row needs an object; the verdict on it is the same: not an order
    content = validate(submitted).document or submitted
    if len(strict_json.canonical_text(content).encode()) > strict_json.MAX_SIZE:
        raise strict_json.MalformedDocument(f"The order is larger than {strict_json.MAX_SIZE} bytes.")
    return received(
        content,
        order_id=order_id,
        owner="workflow",
        actor="workflow",
        at=system.now(),
        write_id=system.new_id(),
        traceparent=traceparent_of(task) or begun(system.new_id),
    )
