"""What routes ask for, as annotated aliases, so that they read as plain functions.

All are async: a plain function would cost every request a thread. What nearly every route needs is one dependency, as
FastAPI takes as long for each as for reading the order.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Protocol, TypeVar

import anyio.to_thread
from fastapi import Depends, Request

from service.api.problems import NotOperator, OrderNotFound, Unauthenticated
from service.orders.model import Order
from service.orders.ports import System
from service.settings import Settings

T = TypeVar("T")

OPERATORS = "operators"
"""The group of a Cognito user pool whose members are operators. Callers with a key, or by IAM, all are."""


class Offload(Protocol):
    """Runs a function that may block on AWS."""

    def __call__(self, function: Callable[..., T], *args: Any) -> Awaitable[T]: ...


async def inline(function: Callable[..., T], *args: Any) -> T:
    """Run it here: a Lambda environment handles one request at a time, so there is nobody to hold up."""
    return function(*args)


async def in_thread(function: Callable[..., T], *args: Any) -> T:
    """Run it in a worker thread, so that the event loop goes on serving others."""
    return await anyio.to_thread.run_sync(partial(function, *args))


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends a request; whether other callers' orders are visible to them, and whether they act as operators."""

    name: str
    sees_all: bool
    operates: bool

    def sees(self, order: Order) -> bool:
        """Whether an order is visible to this caller."""
        return self.sees_all or order.owner == self.name

    def check_may_see(self, order: Order) -> None:
        """Raise OrderNotFound for somebody else's order: its existence is not disclosed either."""
        if not self.sees(order):
            raise OrderNotFound


async def _system(request: Request) -> System:
    system: System = request.app.state.system
    return system


async def _offload(request: Request) -> Offload:
    offload: Offload = request.app.state.offload
    return offload


@dataclass(frozen=True, slots=True)
class Call:
    """A request's caller, and what it is answered with: the ports, the settings, and how it waits for AWS."""

    caller: Caller
    system: System
    settings: Settings
    offload: Offload


async def _call(request: Request) -> Call:
    state = request.app.state
    return Call(_caller(request, state.settings), state.system, state.settings, state.offload)


async def _operator_call(request: Request) -> Call:
    call = await _call(request)
    if not call.caller.operates:
        raise NotOperator
    return call


def _caller(request: Request, settings: Settings) -> Caller:
    """The caller as API Gateway authenticated them; never from anything that the caller wrote."""
    if settings.api_auth == "none":
        return Caller("anonymous", sees_all=True, operates=True)
    context = _part(request.scope.get("aws.event", {}), "requestContext")
    identity, claims = _part(context, "identity"), _part(_part(context, "authorizer"), "claims")
    name = {"api_key": identity.get("apiKeyId"), "iam": identity.get("userArn"), "cognito": claims.get("sub")}[
        settings.api_auth
    ]
    if not isinstance(name, str) or not name:
        raise Unauthenticated
    if settings.api_auth != "cognito":
        return Caller(f"{settings.api_auth}:{name}", sees_all=True, operates=True)
    groups = str(claims.get("cognito:groups", "")).split(",")
    operates = settings.serves_operators and OPERATORS in groups
    return Caller(f"{settings.api_auth}:{name}", sees_all=operates, operates=operates)


def _part(whole: dict[str, Any], name: str) -> dict[str, Any]:
    """An object of an object; API Gateway writes null for one that it has not."""
    part = whole.get(name)
    return part if isinstance(part, dict) else {}


TheSystem = Annotated[System, Depends(_system)]
TheOffload = Annotated[Offload, Depends(_offload)]
TheCall = Annotated[Call, Depends(_call)]
TheOperatorCall = Annotated[Call, Depends(_operator_call)]
