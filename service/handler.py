"""Dispatches events: each event of Lambda goes to the workflow step, the batch or the API that handles it.

Each destination is imported when its first event arrives, so a workflow step or a batch never loads the web framework.
"""

import logging
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from service import logs

if TYPE_CHECKING:
    from service.wiring import LiveSystem

SecondsLeft = Callable[[], float]
"""Returns the time until Lambda ends the invocation."""


class UnknownEvent(Exception):
    """No handler exists for this event. The message names the event's top-level keys."""

    def __init__(self, event: object) -> None:
        keys = ", ".join(sorted(map(str, event))[:20]) if isinstance(event, Mapping) else type(event).__name__
        super().__init__(f"no handler for an event with the keys: {keys or 'none'}")


def dispatch(event: Any, context: Any, system: "LiveSystem") -> Any:
    """Handle one invocation with the given ports, and log its outcome.

    Raises:
        UnknownEvent: the event is not a task, an SQS event or an API Gateway REST proxy event.
        Exception: the exception of a workflow step; the workflow catches it by its class name.
    """
    kind = _kind(event)
    request_id = getattr(context, "aws_request_id", None)
    level = logging.DEBUG if kind == "reconcile" else logging.INFO  # the reconciler logs its own summary each minute
    try:
        with logs.invocation(kind, level, request_id=request_id, cold_start=logs.cold_start()):
            return _handle(kind, event, context, system)
    finally:
        system.metrics.flush()


def _kind(event: Any) -> str:
    """Classify an event: the name of a task, ``batch``, ``api`` or ``unknown``."""
    if not isinstance(event, dict):
        return "unknown"
    if event.keys() == {"dofs"}:
        task = event["dofs"]
        name = task.get("task") if isinstance(task, dict) else None
        return name if isinstance(name, str) and name in TASKS else "unknown"
    if _is_sqs(event):
        return "batch"
    return "api" if _is_api(event) else "unknown"


def _handle(kind: str, event: Any, context: Any, system: "LiveSystem") -> Any:
    def seconds_left() -> float:
        return float(context.get_remaining_time_in_millis() / 1000)

    if kind == "unknown":
        raise UnknownEvent(event)
    if kind == "batch":
        from service.steps import fulfill

        return fulfill.run(event["Records"], system, seconds_left)
    if kind == "api":
        return _api(event, context, system)
    return TASKS[kind](event["dofs"], system, seconds_left)


def _validate(task: dict[str, Any], system: "LiveSystem", _: SecondsLeft) -> Any:
    from service.steps import validate

    return validate.run(task, system)


def _store(task: dict[str, Any], system: "LiveSystem", _: SecondsLeft) -> Any:
    from service.steps import store

    return store.run(task, system)


def _reject(task: dict[str, Any], system: "LiveSystem", _: SecondsLeft) -> Any:
    from service.steps import reject

    return reject.run(task, system)


def _reconcile(task: dict[str, Any], system: "LiveSystem", seconds_left: SecondsLeft) -> Any:
    from service.steps import reconcile

    return reconcile.run(task, system, seconds_left)


TASKS: dict[str, Callable[[dict[str, Any], "LiveSystem", SecondsLeft], Any]] = {
    "validate": _validate,
    "store": _store,
    "reject": _reject,
    "reconcile": _reconcile,
}
"""The tasks of the workflow and of the schedule. Each function imports its step when it is first called."""


def _is_sqs(event: dict[str, Any]) -> bool:
    records = event.get("Records")
    return (
        event.keys() == {"Records"}
        and isinstance(records, list)
        and bool(records)
        and all(isinstance(record, dict) and record.get("eventSource") == "aws:sqs" for record in records)
        and all(isinstance(record.get("messageId"), str) for record in records)
    )


def _is_api(event: dict[str, Any]) -> bool:
    required = {"resource": str, "httpMethod": str, "path": str, "requestContext": dict}
    return "dofs" not in event and all(isinstance(event.get(name), kind) for name, kind in required.items())


def _api(event: dict[str, Any], context: Any, system: "LiveSystem") -> Any:
    from service.api.gateway import NotAProxyEvent, respond

    try:
        return respond(event, context, system)
    except NotAProxyEvent:
        raise UnknownEvent(event) from None


@cache
def live_system() -> "LiveSystem":
    """Create the ports of this process from its environment variables.

    Raises:
        SettingsError: a setting is missing or wrong.
    """
    from service.settings import Settings
    from service.wiring import LiveSystem

    settings = Settings.load()
    logs.configure(settings)
    return LiveSystem(settings)
