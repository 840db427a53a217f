"""Which event is this?

Only what an event needs is imported: a workflow step or a queue batch never loads the web framework.
"""

import logging
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from service import logs

if TYPE_CHECKING:
    from service.wiring import LiveSystem

TASKS = frozenset({"validate", "store", "reject", "reconcile"})


class UnknownEvent(Exception):
    """Nobody here handles such an event; the message names its top-level keys."""

    def __init__(self, event: object) -> None:
        keys = ", ".join(sorted(map(str, event))[:20]) if isinstance(event, Mapping) else type(event).__name__
        super().__init__(f"no handler for an event with the keys: {keys or 'none'}")


def dispatch(event: Any, context: Any, system: "LiveSystem") -> Any:
    """Handle one invocation with the given ports; its last line in the log says how it went.

    Raises:
        UnknownEvent: it is no task of ours, no SQS event, and no API Gateway REST proxy event.
        Exception: what a workflow step raises, by whose class name the workflow catches it.
    """
    kind = _kind(event)
    request_id = getattr(context, "aws_request_id", None)
    level = logging.DEBUG if kind == "reconcile" else logging.INFO  # once a minute, and it tells what it does itself
    try:
        with logs.invocation(kind, level, request_id=request_id, cold_start=logs.cold_start()):
            return _handle(kind, event, context, system)
    finally:
        system.metrics.flush()


def _kind(event: Any) -> str:
    """What sort of event it is: the name of a task of ours, ``batch``, ``api`` or ``unknown``."""
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
    return _task(kind, event["dofs"], system, seconds_left)


def _task(name: str, task: dict[str, Any], system: "LiveSystem", seconds_left: Callable[[], float]) -> Any:
    if name == "reconcile":
        from service.steps import reconcile

        return reconcile.run(task, system, seconds_left)
    return import_module(f"service.steps.{name}").run(task, system)


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
    marks = {"resource": str, "httpMethod": str, "path": str, "requestContext": dict}
    return "dofs" not in event and all(isinstance(event.get(name), kind) for name, kind in marks.items())


def _api(event: dict[str, Any], context: Any, system: "LiveSystem") -> Any:
    from service.api.gateway import NotAProxyEvent, respond

    try:
        return respond(event, context, system)
    except NotAProxyEvent:
        raise UnknownEvent(event) from None


@cache
def live_system() -> "LiveSystem":
    """The ports of this process, as its environment has them.

    Raises:
        SettingsError: a setting is missing or wrong.
    """
    from service.settings import Settings
    from service.wiring import LiveSystem

    settings = Settings.load()
    logs.configure(settings)
    return LiveSystem(settings)
