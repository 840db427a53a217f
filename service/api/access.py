"""ASGI middleware around the application: rejects unknown hosts, adds security headers, logs each request."""

import logging
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from service import logs
from service.api.problems import MISDIRECTED, NOT_FOUND, STREAM, problem
from service.orders.identity import is_id
from service.orders.trace import from_xray, new_traceparent, trace_id, valid_traceparent

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

QUIET_PATHS = re.compile("/(health|ready|docs(/[^/]+)?|openapi.json|console(/.*)?|stats(/live)?)?")
"""Paths that probes and pages request periodically. These requests are logged at DEBUG."""

OTHER_SLASHES = re.compile("%2f|//", re.IGNORECASE)
ROUTE_WORD = re.compile("[a-z][a-z.-]*\n?")
"""A segment of a route's path, and no id of an order. Starlette's routes also match with a line feed at the end."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
ORDER_ID_PATTERN = re.compile("ord_[0-9a-f]{32}")
"""Order ids that the API generates. An unknown id of any other form is a caller's text and is not logged."""

HEADERS = {
    b"cache-control": b"no-store",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
}
"""Headers that every response gets unless it sets them itself."""

UNREGISTRABLE_HOSTS = re.compile(
    rb"([\w-]+|[0-9.]+|\[[0-9a-f:.]+\]|([\w-]+\.)+(localhost|internal|test|local|lan|home\.arpa))\.?(:[0-9]+)?",
    re.IGNORECASE,
)
"""IP addresses, single-label names, and names below a top-level domain that cannot be registered."""


ABSOLUTE_FORM = re.compile(rb"https?://([^/]*)(/.*)?", re.IGNORECASE)
"""A request target as a client sends it to a proxy, which may pass it on."""


class Access:
    """Rejects unknown hosts, sets the trace and the security headers, and logs each request's route and status.

    Behind API Gateway, the invocation's last log line has the route and the status. A server has no invocation, so
    this class begins one for each request.

    The host check prevents DNS rebinding. A server does not authenticate callers. A web page whose domain resolves to
    the server's address could read everything. The check accepts hosts that cannot be registered, and ``names``.
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
            await self._handle(scope, receive, send)
            return
        scope = _in_origin_form(scope)
        system = scope["app"].state.system
        level = logging.DEBUG if QUIET_PATHS.fullmatch(scope["path"]) else logging.INFO
        try:
            with logs.invocation("api", level, request_id=system.new_id()):
                await self._handle(scope, receive, send)
        finally:
            system.metrics.flush()

    async def _handle(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        method, path = scope["method"], scope["path"]
        if path != f"{scope.get('root_path', '')}/":
            path = path.removesuffix("/")
        # A copy, because the server reads the method again. The response to HEAD is the one to GET, without its body.
        scope = {**scope, "path": path, "traceparent": _traceparent(scope)}
        if method == "HEAD" and not path.endswith(STREAM):
            scope["method"] = "GET"
        logs.note(trace_id=trace_id(scope["traceparent"]))

        async def send_with_headers(message: "Message") -> None:
            if message["type"] == "http.response.body" and method == "HEAD":
                message["body"] = b""
            if message["type"] == "http.response.start":
                _log_request(scope, method, message["status"])
                present = {name for name, _ in message["headers"]}
                added = (header for header in HEADERS.items() if header[0] not in present)
                message["headers"] = [*message["headers"], *added]
            await send(message)

        app = self._app if "aws.event" in scope or self._is_known_host(scope) else problem(MISDIRECTED)
        if _is_disguised((scope.get("raw_path") or b"").decode("latin-1")):
            app = problem(NOT_FOUND)
        await app(scope, receive, send_with_headers)

    def _is_known_host(self, scope: "Scope") -> bool:
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        return all(host in self._names or UNREGISTRABLE_HOSTS.fullmatch(host) for host in hosts)


def _in_origin_form(scope: "Scope") -> "Scope":
    """Return the scope of a request without the host in its target, which replaces the header.

    https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2
    """
    root = scope.get("root_path", "")
    absolute = ABSOLUTE_FORM.fullmatch((scope.get("raw_path") or b"").removeprefix(root.encode()))
    if absolute is None:
        return scope
    host, path = absolute[1], absolute[2] or b"/"
    headers = [*((name, value) for name, value in scope["headers"] if name != b"host"), (b"host", host)]
    raw_path = root.encode() + path
    return {**scope, "path": root + unquote(path), "raw_path": raw_path, "headers": headers}


def _is_disguised(raw_path: str) -> bool:
    """Return whether a path could lead to a route and pass a policy of API Gateway that denies the route by its path.

    It has an encoded slash, two slashes, or encoded characters in a word of the route, as in ``/orders/x/c%61ncel``.
    """
    encoded = (segment for segment in raw_path.split("/") if "%" in segment)
    return bool(OTHER_SLASHES.search(raw_path)) or any(ROUTE_WORD.fullmatch(unquote(each)) for each in encoded)


def _log_request(scope: "Scope", method: str, status: int) -> None:
    """Add the route, the status and the order id to the request's log line, but no text that a caller wrote."""
    method = method if method in METHODS else "other"
    route = getattr(scope.get("route"), "path", "no route")
    order_id = scope.get("path_params", {}).get("order_id")
    exists = status < 400 or status == 409
    is_loggable = isinstance(order_id, str) and (is_id(order_id) if exists else ORDER_ID_PATTERN.fullmatch(order_id))
    logs.note(route=f"{method} {route}", outcome=str(status), order_id=order_id if is_loggable else None)


def _traceparent(scope: "Scope") -> str:
    """Return the caller's trace, or API Gateway's, or a new one."""
    headers: dict[bytes, Any] = dict(scope["headers"])
    return (
        valid_traceparent(_decode(headers.get(b"traceparent")))
        or from_xray(_decode(headers.get(b"x-amzn-trace-id")))
        or new_traceparent(scope["app"].state.system.new_id)
    )


def _decode(header: bytes | None) -> str | None:
    return header.decode("latin-1") if header is not None else None
