"""The workflow's step for an invalid order: reject it, with its field errors."""

import json
from collections.abc import Mapping
from typing import Any

from service.orders.model import FieldError
from service.orders.orders import Orders
from service.orders.ports import System
from service.steps.validate import find_or_receive

CAUSE_LIMIT = 30_000  # characters; Step Functions cuts the cause of a Fail state at 32,768


def run(task: Mapping[str, Any], system: System) -> dict[str, Any]:
    """Validate the order again, which gives the same errors, and store them with it.

    Returns:
        The order's id, and the errors as the text that becomes the cause of the failed execution.

    Raises:
        TransitionRefused: the order does not exist, or is PENDING, PROCESSING, FULFILLED or FAILED.
    """
    order = find_or_receive(task, system)
    return {"order_id": order.order_id, "cause": cause(order.order_id, Orders(system).reject(order))}


def cause(order_id: str, errors: tuple[FieldError, ...]) -> str:
    """The cause of a rejection, as JSON. ``more`` counts the errors that do not fit.

    An error of the whole document is first: it may say how many more errors there are beside all of these.
    """
    first = sorted(errors, key=lambda error: error.pointer != "")
    shown = [{"pointer": error.pointer, "detail": error.detail} for error in first]
    while (
        len(text := json.dumps({"order_id": order_id, "errors": shown, "more": len(errors) - len(shown)})) > CAUSE_LIMIT
    ):
        shown = shown[: len(shown) // 2]
    return text
