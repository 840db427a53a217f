"""FastAPI dependencies of the routes, as annotated aliases.

All are async: FastAPI runs a sync dependency in a thread for each request. Most routes need the caller, the ports and
the settings. These are one dependency, ``RequestContext``, because FastAPI's overhead for each dependency is as large
as reading an order.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Protocol, TypeVar

import anyio.to_thread
from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError

from service.api.authentication import Caller, authenticate
from service.api.problems import NotOperator
from service.orders.json_views import customer_view, operator_view
from service.orders.model import Order
from service.orders.ports import System
from service.settings import Settings

T = TypeVar("T")
UNREADABLE = "\ufffd"  # bytes that are not UTF-8


class Offload(Protocol):
    """Runs a function that may block on a call of AWS."""

    def __call__(self, function: Callable[..., T], *args: Any) -> Awaitable[T]: ...


async def run_inline(function: Callable[..., T], *args: Any) -> T:
    """Run the function in the event loop. A Lambda environment handles one request at a time."""
    return function(*args)


async def run_in_thread(function: Callable[..., T], *args: Any) -> T:
    """Run the function in a worker thread. The event loop of a server handles other requests meanwhile."""
    return await anyio.to_thread.run_sync(partial(function, *args))


@dataclass(frozen=True, slots=True)
class RequestContext:
    """The caller of a request, the ports, the settings, and how to run blocking calls."""

    caller: Caller
    system: System
    settings: Settings
    offload: Offload

    def view(self, order: Order) -> dict[str, Any]:
        """Return an order as the caller sees it."""
        return operator_view(order, self.system.now()) if self.caller.is_operator else customer_view(order)


async def _system(request: Request) -> System:
    system: System = request.app.state.system
    return system


async def _offload(request: Request) -> Offload:
    offload: Offload = request.app.state.offload
    return offload


def _check_query(given: Sequence[tuple[str, str]]) -> None:
    """Refuse parameters of which a route would read another value than the one that was sent."""
    times = Counter(name for name, _ in given)
    wrong = {name: "must be given only once" for name in times if times[name] > 1}
    wrong |= {name: "is not UTF-8: percent-encode the bytes of UTF-8" for name, value in given if UNREADABLE in value}
    if wrong:
        raise RequestValidationError([{"type": "query", "loc": ("query", name), "msg": wrong[name]} for name in wrong])


async def _context(request: Request) -> RequestContext:
    state = request.app.state
    _check_query(request.query_params.multi_items())
    return RequestContext(authenticate(request, state.settings), state.system, state.settings, state.offload)


async def _operator_context(request: Request) -> RequestContext:
    context = await _context(request)
    if not context.caller.is_operator:
        raise NotOperator
    return context


SystemDep = Annotated[System, Depends(_system)]
OffloadDep = Annotated[Offload, Depends(_offload)]
ContextDep = Annotated[RequestContext, Depends(_context)]
OperatorDep = Annotated[RequestContext, Depends(_operator_context)]
