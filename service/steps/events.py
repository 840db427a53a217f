"""The workflow's and the schedule's events: ``{"dofs": {"task": …, …}}``, and no key beside it.

A user's JSON is at least one level deeper, so no order can pass for another kind of event.
"""

from collections.abc import Mapping
from typing import Any

from service import logs
from service.orders.identity import derive_id, is_id
from service.orders.model import Order
from service.orders.trace import trace_id, valid_traceparent


class BadTask(Exception):
    """A task lacks a field that it needs: the workflow or the schedule is wrong, not an order."""


def order_id_of(task: Mapping[str, Any]) -> str:
    """The id of a workflow task's order.

    An execution that was started by hand has a raw order instead of an id. Its order's id is derived from the
    execution's name, so that each retry of the step has the same id.

    Raises:
        BadTask: the task has neither.
    """
    given = task.get("input")
    for place in (task, given):
        if isinstance(place, Mapping) and (order_id := text(place, "order_id", needed=False)):
            return order_id
    if isinstance(given, Mapping) and "order" in given:
        return derive_id("execution", text(task, "execution"))
    raise BadTask('a workflow needs the input {"order_id": …} or {"order": {…}}')


def traceparent_of(task: Mapping[str, Any]) -> str | None:
    """The trace of a workflow task, if its execution was given one."""
    given = task.get("input")
    return valid_traceparent(given.get("traceparent")) if isinstance(given, Mapping) else None


def note_task(task: Mapping[str, Any], order_id: str) -> None:
    """Add a workflow task's order, execution and trace to the log lines."""
    execution = task.get("execution")
    logs.note(
        order_id=order_id if is_id(order_id) else None,
        execution=execution if is_id(execution) else None,
        trace_id=trace_id(traceparent_of(task)),
    )


def next_state_input(order: Order) -> dict[str, str]:
    """The input of the workflow's next state, and at last the body of the message: the order's id and its trace."""
    trace = {"traceparent": order.traceparent} if order.traceparent else {}
    return {"order_id": order.order_id, **trace}


def names_an_order(task: Mapping[str, Any]) -> bool:
    """Whether a workflow task has an order's id; otherwise it has a raw order."""
    given = task.get("input")
    return "order_id" in task or (isinstance(given, Mapping) and "order_id" in given)


def text(task: Mapping[str, Any], name: str, *, needed: bool = True) -> str:
    """A text field of a task.

    Raises:
        BadTask: it is missing although it is needed, or it is not a text.
    """
    value = task.get(name)
    if isinstance(value, str) and value and value.isprintable():  # no key can hold an unpaired surrogate
        return value
    if needed or value is not None:
        raise BadTask(f"the field {name!r} of the task is missing or is not a text")
    return ""
