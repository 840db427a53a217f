"""What the workflow does with an invalid order: it goes on record as REJECTED, with its errors."""

import json
from collections.abc import Mapping
from typing import Any

from service.orders.lifecycle import Status
from service.orders.metric import Metric
from service.orders.model import Write
from service.orders.ports import System, TransitionRefused
from service.steps.validate import find_or_receive, judge

CAUSE_LIMIT = 30_000  # characters; Step Functions cuts the cause of a Fail state at 32,768


def run(task: Mapping[str, Any], system: System) -> dict[str, Any]:
    """Judge the order once more, which gives the same errors, and record them.

    Returns:
        The order's id, and the errors as the text that becomes the cause of the failed execution.

    Raises:
        TransitionRefused: the order is not there, or has moved on and is not REJECTED.
    """
    order = find_or_receive(task, system)
    errors = judge(order)
    if errors:
        write = Write(
            name="reject",
            order_id=order.order_id,
            id=system.new_id(),
            at=system.now(),
            actor="workflow",
            reason="it is not a valid order",
            values={"errors": errors},
        )
        try:
            order = system.store.apply(write)
            system.metrics.record(Metric.ORDERS_REJECTED)
        except TransitionRefused as refused:
            if refused.order is None or refused.order.status not in (Status.REJECTED, Status.CANCELLED):
                raise
    return {"order_id": order.order_id, "cause": cause(order.order_id, errors)}


def cause(order_id: str, errors: tuple[Any, ...]) -> str:
    """The cause of a rejection, as JSON; errors that do not fit are counted."""
    shown = [{"pointer": error.pointer, "detail": error.detail} for error in errors]
    while (
        len(text := json.dumps({"order_id": order_id, "errors": shown, "more": len(errors) - len(shown)})) > CAUSE_LIMIT
    ):
        shown = shown[: len(shown) // 2]
    return text
