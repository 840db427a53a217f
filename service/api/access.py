"""What is told of each request, and the trace that it belongs to: around the whole application, as plain ASGI."""

import logging
import re
from typing import TYPE_CHECKING, Any

from service import logs
from service.orders.identity import is_id
from service.orders.trace import accepted, begun, of_xray, trace_id

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

QUIET = re.compile("/(health|ready|docs(/[^/]+)?|openapi.json|console(/.*)?|stats(/live)?)?")
"""What is asked for by machines and pages, again and again; a line for each would bury the others."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OURS = re.compile("ord_[0-9a-f]{32}")
"""The ids that the API gives. Where there may be no such order, any other is no more than what a caller wrote."""


class Access:
    """Gives each request its trace, and has its last line say the route and the status.

    Behind API Gateway the invocation's own last line says so. On a server a request is an invocation.
    """

    def __init__(self, app: "ASGIApp") -> None:
        self._app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if "aws.event" in scope:
            logs.note(gateway_request_id=logs.aws_id(scope["aws.event"]["requestContext"].get("requestId")))
            await self._answer(scope, receive, send)
            return
        system = scope["app"].state.system
        level = logging.DEBUG if QUIET.fullmatch(scope["path"]) else logging.INFO
        try:
            with logs.invocation("api", level, request_id=system.new_id()):
                await self._answer(scope, receive, send)
        finally:
            system.metrics.flush()

    async def _answer(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        scope["traceparent"] = _traceparent(scope)
        logs.note(trace_id=trace_id(scope["traceparent"]))

        async def observed(message: "Message") -> None:
            if message["type"] == "http.response.start":
                _note(scope, message["status"])
            await send(message)

        await self._app(scope, receive, observed)


def _note(scope: "Scope", status: int) -> None:
    """Have the log say the route and the order of a request: what is ours of it, and not what a caller wrote."""
    method = scope["method"] if scope["method"] in METHODS else "other"
    route = getattr(scope.get("route"), "path", "no route")
    order_id = scope.get("path_params", {}).get("order_id")
    there_is = status < 400 or status == 409
    known = isinstance(order_id, str) and (is_id(order_id) if there_is else OURS.fullmatch(order_id))
    logs.note(route=f"{method} {route}", outcome=str(status), order_id=order_id if known else None)


def _traceparent(scope: "Scope") -> str:
    """The caller's trace if there is one, else the one that API Gateway began, else one of our own."""
    given: dict[bytes, Any] = dict(scope["headers"])
    return (
        accepted(_text(given.get(b"traceparent")))
        or of_xray(_text(given.get(b"x-amzn-trace-id")))
        or begun(scope["app"].state.system.new_id)
    )


def _text(header: bytes | None) -> str | None:
    return header.decode("latin-1") if header is not None else None
