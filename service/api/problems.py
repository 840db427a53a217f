"""Every error of the API as problem details (RFC 9457): one table from exception to problem, one type per cause."""

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

from service.orders.cancel import TooLate
from service.orders.json_views import error_views
from service.orders.ports import OrderUnknown, Unavailable
from service.orders.redrive import NotFailed
from service.orders.strict_json import MalformedDocument
from service.orders.submission import KeyReused, OrderInvalid
from service.orders.trace import trace_id
from service.orders.validation import pointer

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:dofs:problem:"


class ProblemError(BaseModel):
    """One thing that is wrong with the request."""

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
    trace_id: str | None = Field(
        None, description="With 500 and 503: what the lines of the log about it have in common."
    )


class BadRequest(Exception):
    """A part of the request other than its body cannot be understood. The message is for the caller."""

    def __init__(self, slug: str, detail: str) -> None:
        super().__init__(detail)
        self.slug = slug


class BodyTooLarge(Exception):
    """The body is larger than the API takes."""


class BodyTooSlow(Exception):
    """The body has not arrived in time."""


class WrongMediaType(Exception):
    """The body is not JSON by its content type."""


class Unauthenticated(Exception):
    """The deployment authenticates its callers, and this request carries no identity."""


class NotOperator(Exception):
    """The caller is known, and may not do what operators do."""


class OrderNotFailed(Exception):
    """The order is not among the failed ones, or there is no such order."""


class OrderNotFound(Exception):
    """There is no such order, or it is somebody else's."""


@dataclass(frozen=True, slots=True)
class _Kind:
    status: int
    slug: str
    title: str


_KINDS: dict[type[Exception], _Kind] = {
    MalformedDocument: _Kind(400, "malformed-json", "The body is not acceptable JSON"),
    BadRequest: _Kind(400, "bad-request", "The request cannot be understood"),
    Unauthenticated: _Kind(401, "unauthenticated", "The request carries no identity"),
    NotOperator: _Kind(403, "not-operator", "Only operators may do this"),
    OrderNotFailed: _Kind(404, "order-not-failed", "The order is not among the failed ones"),
    OrderNotFound: _Kind(404, "order-not-found", "There is no such order"),
    OrderUnknown: _Kind(404, "order-not-found", "There is no such order"),
    BodyTooSlow: _Kind(408, "body-too-slow", "The body did not arrive in time"),
    NotFailed: _Kind(409, "not-failed", "Only a FAILED order can be sent again"),
    TooLate: _Kind(409, "too-late", "The order can no longer be cancelled"),
    BodyTooLarge: _Kind(413, "body-too-large", "The body is too large"),
    WrongMediaType: _Kind(415, "wrong-media-type", "The body must be application/json"),
    OrderInvalid: _Kind(422, "order-invalid", "The order is not valid"),
    KeyReused: _Kind(422, "idempotency-key-reused", "The idempotency key belongs to another order"),
    RequestValidationError: _Kind(422, "parameters-invalid", "The parameters are not valid"),
}
MISDIRECTED = _Kind(421, "misdirected", "This server does not go by that name")
_UNAVAILABLE = _Kind(503, "unavailable", "A part of the system does not answer; try again")
_INTERNAL = _Kind(500, "internal-error", "Something went wrong on our side")
TITLES = {
    status: "; or: ".join(
        dict.fromkeys(kind.title for kind in [*_KINDS.values(), _UNAVAILABLE] if kind.status == status)
    )
    for status in {kind.status for kind in [*_KINDS.values(), _UNAVAILABLE]}
}
"""What each status can mean, for the documentation."""

_HTTP_SLUGS = {404: "not-found", 405: "method-not-allowed"}


def problem(
    kind: _Kind, detail: str | None = None, headers: Mapping[str, str] | None = None, **members: Any
) -> JSONResponse:
    """Make a problem response; members that are None are left out."""
    content = {"type": TYPE_PREFIX + kind.slug, "title": kind.title, "status": kind.status, "detail": detail, **members}
    shown = {name: value for name, value in content.items() if value is not None}
    return JSONResponse(shown, kind.status, dict(headers) if headers else None, MEDIA_TYPE)


async def _known(_request: Request, error: Exception) -> JSONResponse:
    kind = next(_KINDS[each] for each in type(error).__mro__ if each in _KINDS)
    match error:
        case MalformedDocument():
            return problem(kind, str(error))
        case BadRequest():
            return problem(_Kind(kind.status, error.slug, kind.title), str(error))
        case BodyTooSlow():
            return problem(kind, headers={"Connection": "close"})  # what is left of it may never come
        case OrderInvalid():
            return problem(kind, errors=error_views(error.errors))
        case TooLate() | NotFailed():
            return problem(kind, f"It is {error.order.status}.", order_status=error.order.status)
        case RequestValidationError():
            return problem(kind, errors=[_parameter_error(each) for each in error.errors()])
        case _:
            return problem(kind)


async def _http(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    slug = _HTTP_SLUGS.get(error.status_code, f"http-{error.status_code}")
    headers = {"Allow": _allowed(request)} if error.status_code == 405 else error.headers
    return problem(_Kind(error.status_code, slug, str(error.detail)), headers=headers)


def _allowed(request: Request) -> str:
    """All methods of the resource (RFC 9110, section 15.5.6); the framework names those of one of its routes."""
    routes = (route for route in request.app.routes if isinstance(route, Route))
    matching = (route for route in routes if route.matches(request.scope)[0] is not Match.NONE)
    return ", ".join(sorted({method for route in matching for method in route.methods or ()}))


class ProblemRoute(APIRoute):
    """A route that answers what nobody expected.

    Starlette would do it outside of all other middleware, and a browser could not read an answer without CORS headers.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                return await handle(request)
            except Exception as error:
                if isinstance(error, (HTTPException, *_KINDS)):
                    raise
                return _unexpected(request, self.path, error)

        return guarded


def _unexpected(request: Request, path: str, error: Exception) -> JSONResponse:
    """Answer 503 where a dependency failed, which may pass, and 500 for any other error. The log names the error."""
    trace = trace_id(request.scope["traceparent"])
    if isinstance(error, Unavailable):
        log.warning("%s %s: %s", request.method, path, error)
        return problem(_UNAVAILABLE, headers={"Retry-After": "1"}, trace_id=trace)
    log.error("%s %s failed", request.method, path, exc_info=error)
    return problem(_INTERNAL, trace_id=trace)


def install(app: FastAPI) -> None:
    """Have an app answer every exception that it knows with its problem."""
    for exception in _KINDS:
        app.add_exception_handler(exception, _known)
    app.add_exception_handler(HTTPException, _http)


def _parameter_error(error: Mapping[str, Any]) -> dict[str, str]:
    place, *path = error["loc"]
    where = pointer(path)
    return {"pointer": where if place == "body" else where.removeprefix("/"), "detail": error["msg"]}
