"""Our own events: ``{"dofs": {"task": …, …}}`` and nothing beside it.

Whatever a user wrote is at least one level below, so no order can pass for another kind of event.
"""

from collections.abc import Mapping
from typing import Any

from service import logs
from service.orders.identity import derived_id, is_id
from service.orders.model import Order
from service.orders.trace import accepted, trace_id


class BadTask(Exception):
    """A task of ours came without something that it needs; the workflow or the schedule is wrong, not an order."""


def order_id_of(task: Mapping[str, Any]) -> str:
    """The order that a workflow task is about.

    An execution that was started by hand carries a raw order instead of an id; its order's id is derived from the
    execution, so that every retry of the step means the same order.

    Raises:
        BadTask: the task names neither.
    """
    given = task.get("input")
    for place in (task, given):
        if isinstance(place, Mapping) and (order_id := text(place, "order_id", needed=False)):
            return order_id
    if isinstance(given, Mapping) and "order" in given:
        return derived_id("execution", text(task, "execution"))
    raise BadTask('a workflow needs the input {"order_id": …} or {"order": {…}}')


def traceparent_of(task: Mapping[str, Any]) -> str | None:
    """The trace that a workflow task belongs to, where its execution was given one."""
    given = task.get("input")
    return accepted(given.get("traceparent")) if isinstance(given, Mapping) else None


def note(task: Mapping[str, Any], order_id: str) -> None:
    """Have the log say which order and which execution a workflow task is about."""
    execution = task.get("execution")
    logs.note(
        order_id=order_id if is_id(order_id) else None,
        execution=execution if is_id(execution) else None,
        trace_id=trace_id(traceparent_of(task)),
    )


def carried(order: Order) -> dict[str, str]:
    """What the next steps of a workflow get of an order, and at last its message: its id and its trace."""
    trace = {"traceparent": order.traceparent} if order.traceparent else {}
    return {"order_id": order.order_id, **trace}


def names_an_order(task: Mapping[str, Any]) -> bool:
    """Whether a workflow task names an order by its id; otherwise it carries a raw one."""
    given = task.get("input")
    return "order_id" in task or (isinstance(given, Mapping) and "order_id" in given)


def text(task: Mapping[str, Any], name: str, *, needed: bool = True) -> str:
    """A text field of a task.

    Raises:
        BadTask: it is missing although it is needed, or it is not a text.
    """
    value = task.get(name)
    if isinstance(value, str) and value and value.isprintable():  # half a character is not, and no key can hold it
        return value
    if needed or value is not None:
        raise BadTask(f"the field {name!r} of the task is missing or is not a text")
    return ""
