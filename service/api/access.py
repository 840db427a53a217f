"""Around the whole application, as plain ASGI: who is not answered, what every answer bears, what is told of it."""

import logging
import re
from typing import TYPE_CHECKING, Any

from service import logs
from service.api.problems import MISDIRECTED, problem
from service.orders.identity import is_id
from service.orders.trace import accepted, begun, of_xray, trace_id

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

QUIET = re.compile("/(health|ready|docs(/[^/]+)?|openapi.json|console(/.*)?|stats(/live)?)?")
"""What is asked for by machines and pages, again and again; a line for each would bury the others."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OURS = re.compile("ord_[0-9a-f]{32}")
"""The ids that the API gives. Where there may be no such order, any other is no more than what a caller wrote."""


HEADERS = {
    b"cache-control": b"no-store",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
}
"""What every answer bears that says nothing else of it: orders stay in no cache, and nothing is run or framed."""

NOBODYS = re.compile(rb"([\w-]+|[0-9.]+|\[[0-9a-f:.]+\]|([\w-]+\.)+(localhost|internal|test))(:[0-9]+)?", re.IGNORECASE)
"""Addresses, and names that nobody can register and point here: one word, or below a top level that is reserved."""


class Access:
    """Gives each request its trace and each answer its headers, and has its last line say the route and the status.

    Behind API Gateway the invocation's own last line says so. On a server a request is an invocation; and a server by
    itself knows no caller, so that a web page in a browser that reaches it could read all, if the page's own name led
    here. Such a name is not answered, unless it is one of ``names``.
    """

    def __init__(self, app: "ASGIApp", names: "Collection[bytes]") -> None:
        self._app = app
        self._names = names

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
                own = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(each for each in HEADERS.items() if each[0] not in own)]
            await send(message)

        app = self._app if "aws.event" in scope or self._is_named(scope) else problem(MISDIRECTED)
        await app(scope, receive, observed)

    def _is_named(self, scope: "Scope") -> bool:
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        return all(host in self._names or NOBODYS.fullmatch(host) for host in hosts)


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
