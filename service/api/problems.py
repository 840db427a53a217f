"""Maps every error to problem details (RFC 9457), in one table, with one type per cause."""

import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from service.orders.errors import (
    DeliveryOpen,
    KeyReused,
    ListingRefused,
    NotAtWarehouse,
    NotFailed,
    NoUsableAnswer,
    OrderInvalid,
    OrderUnknown,
    TooLate,
)
from service.orders.json_views import error_views
from service.orders.ports import Unavailable
from service.orders.strict_json import MalformedDocument
from service.orders.trace import trace_id
from service.orders.validation import describe, pointer

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:dofs:problem:"
STREAM = "/stats/live"
"""The path whose response has no end, so that it has no HEAD."""


class ProblemError(BaseModel):
    """One error in the request."""

    pointer: str = Field(description="JSON Pointer (RFC 6901) into the body, or the name of a query parameter.")
    detail: str


class Problem(BaseModel):
    """Problem details (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=[f"{TYPE_PREFIX}order-invalid"])
    title: str
    status: int
    detail: str | None = None
    errors: list[ProblemError] | None = None
    trace_id: str | None = Field(None, description="With 500 and 503: the trace id of the log lines of this request.")


class BadRequest(Exception):
    """The request is invalid in a part other than its body. The caller sees the message."""

    def __init__(self, slug: str, detail: str) -> None:
        super().__init__(detail)
        self.slug = slug


class BodyTooLarge(Exception):
    """The body has more than ``most`` bytes."""

    def __init__(self, most: int) -> None:
        super().__init__(f"the body has more than {most} bytes")
        self.most = most


class BodyTooSlow(Exception):
    """The body did not arrive in time."""


class WrongMediaType(Exception):
    """The content type is not JSON."""


class WrongContentEncoding(Exception):
    """The body is compressed."""


class Unauthenticated(Exception):
    """The deployment authenticates its callers, and the request has no identity."""


class NotOperator(Exception):
    """The caller is authenticated, but is not an operator."""


class OrderNotFailed(Exception):
    """The order is not FAILED, or does not exist."""


class OrderNotFound(Exception):
    """The order does not exist, or belongs to another caller."""


class DeliveryNotFound(Exception):
    """The warehouse was never asked for a delivery of this key."""


class EventInvalid(Exception):
    """The event of the warehouse is malformed. The warehouse sees the message."""


class EventTooEarly(Exception):
    """The event of the warehouse cannot be processed yet. The warehouse sends it again after ``seconds``."""

    def __init__(self, seconds: int) -> None:
        super().__init__("the event came too early")
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class _ProblemKind:
    status: int
    slug: str
    title: str
    detail: str | None = None


_PROBLEMS: dict[type[Exception], _ProblemKind] = {
    MalformedDocument: _ProblemKind(400, "malformed-json", "The body is not acceptable JSON"),
    BadRequest: _ProblemKind(400, "bad-request", "The request is not valid"),
    Unauthenticated: _ProblemKind(401, "unauthenticated", "The request is not authenticated"),
    NotOperator: _ProblemKind(403, "not-operator", "Only operators may do this"),
    OrderNotFailed: _ProblemKind(404, "order-not-failed", "There is no failed order with this id"),
    OrderNotFound: _ProblemKind(404, "order-not-found", "There is no such order"),
    OrderUnknown: _ProblemKind(404, "order-not-found", "There is no such order"),
    DeliveryNotFound: _ProblemKind(404, "delivery-not-found", "There is no such delivery"),
    BodyTooSlow: _ProblemKind(408, "body-too-slow", "The body did not arrive in time"),
    NotFailed: _ProblemKind(409, "not-failed", "Only a FAILED or PARTLY_FULFILLED order can be redriven"),
    DeliveryOpen: _ProblemKind(409, "delivery-open", "The warehouse can still ship the old delivery"),
    NotAtWarehouse: _ProblemKind(409, "not-at-warehouse", "The warehouse does not have the order"),
    TooLate: _ProblemKind(409, "too-late", "The order can no longer be cancelled"),
    EventTooEarly: _ProblemKind(409, "event-too-early", "The event came too early; send it again"),
    BodyTooLarge: _ProblemKind(413, "body-too-large", "The body is too large"),
    WrongMediaType: _ProblemKind(
        415, "wrong-media-type", "The body must be application/json", "Send the header Content-Type: application/json."
    ),
    WrongContentEncoding: _ProblemKind(415, "wrong-content-encoding", "The body must not be compressed"),
    OrderInvalid: _ProblemKind(422, "order-invalid", "The order is not valid"),
    KeyReused: _ProblemKind(422, "idempotency-key-reused", "The idempotency key belongs to another order"),
    EventInvalid: _ProblemKind(422, "event-invalid", "The event is not valid"),
    RequestValidationError: _ProblemKind(422, "parameters-invalid", "The parameters are not valid"),
    NoUsableAnswer: _ProblemKind(
        502, "no-usable-answer", "The warehouse gave no usable answer", "Nothing was changed. Try again later."
    ),
    ListingRefused: _ProblemKind(422, "parameters-invalid", "The parameters are not valid"),
}
NOT_FOUND = _ProblemKind(404, "not-found", "Not Found")
MISDIRECTED = _ProblemKind(421, "misdirected", "This server does not serve the host of the request")
_UNAVAILABLE = _ProblemKind(503, "unavailable", "A dependency does not respond; try again")
_INTERNAL = _ProblemKind(500, "internal-error", "Internal error")
TITLES = {
    status: "; or: ".join(
        dict.fromkeys(kind.title for kind in [*_PROBLEMS.values(), _UNAVAILABLE] if kind.status == status)
    )
    for status in {kind.status for kind in [*_PROBLEMS.values(), _UNAVAILABLE]}
}
"""The titles of each status, for the OpenAPI document."""

_HTTP_SLUGS = {404: "not-found", 405: "method-not-allowed"}


def problem(
    kind: _ProblemKind, detail: str | None = None, headers: Mapping[str, str] | None = None, **members: Any
) -> JSONResponse:
    """Build a problem response. Members that are None are omitted."""
    content: dict[str, Any] = {"type": TYPE_PREFIX + kind.slug, "title": kind.title, "status": kind.status}
    content |= {"detail": detail or kind.detail, **members}
    shown = {name: value for name, value in content.items() if value is not None}
    return JSONResponse(shown, kind.status, dict(headers) if headers else None, MEDIA_TYPE)


async def _handle_known(_request: Request, error: Exception) -> JSONResponse:
    kind = next(_PROBLEMS[each] for each in type(error).__mro__ if each in _PROBLEMS)
    match error:
        case MalformedDocument():
            return problem(kind, str(error))
        case BadRequest():
            return problem(_ProblemKind(kind.status, error.slug, kind.title), str(error))
        case BodyTooLarge():
            return problem(kind, f"It may have {error.most:,} bytes.")
        case EventInvalid():
            return problem(kind, str(error))
        case EventTooEarly():
            return problem(kind, headers={"Retry-After": str(error.seconds)})
        case BodyTooSlow():
            return problem(kind, headers={"Connection": "close"})  # the rest of the body may never arrive
        case WrongContentEncoding():  # https://www.rfc-editor.org/rfc/rfc7694#section-3
            return problem(kind, "Send it without Content-Encoding.", {"Accept-Encoding": "identity"})
        case OrderInvalid() | ListingRefused():
            return problem(kind, errors=error_views(error.errors))
        case TooLate() | NotFailed() | NotAtWarehouse():
            return problem(kind, error.detail, order_status=error.order.status)
        case DeliveryOpen():
            why = f"The order has no new delivery, because the old one is not cancelled: {error.detail}."
            return problem(kind, why, order_status=error.order.status)
        case KeyReused():
            what = f"The key was used for order {error.order_id}, with another document."
            return problem(kind, f"{what} Send a new order with a new key.")
        case RequestValidationError():
            return problem(kind, errors=[_parameter_error_view(each) for each in error.errors()])
        case _:
            return problem(kind)


async def _handle_http(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    slug = _HTTP_SLUGS.get(error.status_code, f"http-{error.status_code}")
    headers = {"Allow": _allowed_methods(request)} if error.status_code == 405 else error.headers
    return problem(_ProblemKind(error.status_code, slug, str(error.detail)), headers=headers)


def _allowed_methods(request: Request) -> str:
    """Return all methods of the resource (RFC 9110, section 15.5.6). Starlette returns those of one route only."""
    routes = (route for route in request.app.routes if isinstance(route, Route))
    matching = (route for route in routes if route.matches(request.scope)[0] is not Match.NONE)
    methods = {method for route in matching for method in route.methods or ()}
    has_head = "GET" in methods and not request.url.path.endswith(STREAM)
    return ", ".join(sorted(methods | ({"HEAD"} if has_head else set())))


class ProblemRoute(APIRoute):
    """A route that turns unexpected exceptions into problems.

    Starlette handles them outside all other middleware. Such a response has no CORS headers, so browsers block it.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_errors(request: Request) -> Response:
            try:
                return await handle(request)
            except Exception as error:
                if isinstance(error, (HTTPException, *_PROBLEMS)):
                    raise
                return _unexpected_problem(request, self.path, error)

        return handle_errors


def _unexpected_problem(request: Request, path: str, error: Exception) -> JSONResponse:
    """Return 503 for a failed dependency, which is transient, and 500 for any other error. The log has the cause."""
    trace = trace_id(request.scope["traceparent"])
    if isinstance(error, Unavailable):
        log.warning("%s %s: %s", request.method, path, error)
        return problem(_UNAVAILABLE, headers={"Retry-After": "1"}, trace_id=trace)
    log.error("%s %s failed", request.method, path, exc_info=error)
    return problem(_INTERNAL, trace_id=trace)


def install(app: FastAPI) -> None:
    """Register the exception handlers of an application."""
    for exception in _PROBLEMS:
        app.add_exception_handler(exception, _handle_known)
    app.add_exception_handler(HTTPException, _handle_http)


def _parameter_error_view(error: Mapping[str, Any]) -> dict[str, str]:
    place, *path = error["loc"]
    where, is_unknown = pointer(path), error["type"] == "extra_forbidden"
    detail = "is not a parameter or a field of this request" if is_unknown else describe(error)
    return {"pointer": where if place == "body" else where.removeprefix("/"), "detail": detail}
