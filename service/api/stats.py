"""Figures of the running system: once, or as they change."""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from time import monotonic
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from fastapi.sse import EventSourceResponse
from pydantic import BaseModel, Field

from service.api.dependencies import Offload, TheOperatorCall
from service.api.problems import Problem, ProblemRoute
from service.api.views import Instant
from service.orders import stats
from service.orders.json_views import stats_view
from service.orders.lifecycle import Status
from service.orders.model import FailureKind
from service.orders.ports import System, error_name
from service.orders.stats import Stats

log = logging.getLogger(__name__)

router = APIRouter(route_class=ProblemRoute, tags=["operators"])
live_router = APIRouter(route_class=ProblemRoute, include_in_schema=False)


class TallyView(BaseModel):
    """A number of orders."""

    count: int
    exact: bool = Field(description="False: at least so many.")


class OldestOpenView(BaseModel):
    """The open order that has stood unchanged for the longest time."""

    order_id: str
    status: Status
    since: Instant


class DepthView(BaseModel):
    """How many messages a queue holds, about."""

    visible: int
    in_flight: int


class PercentilesView(BaseModel):
    """Seconds that half, 95 % and 99 % of some orders took at most."""

    p50: float
    p95: float
    p99: float
    orders: int = Field(description="The newest fulfilled orders, 100 at most.")


class MinuteView(BaseModel):
    """What came to an end within one minute."""

    at: Instant
    fulfilled: int
    failed: int


class LastHourView(BaseModel):
    """What came to an end lately. An order that was redriven counts as what it became."""

    since: Instant = Field(description="An hour ago, or later when there was too much to look at.")
    fulfilled: int
    failed: int
    success_rate: float | None
    seconds_to_fulfillment: PercentilesView | None
    minutes: list[MinuteView] = Field(description="Sixty of them, the oldest first.")


class StatsView(BaseModel):
    """How the system does."""

    at: Instant
    orders: dict[Status, TallyView]
    failed: dict[FailureKind, TallyView]
    oldest_open: OldestOpenView | None
    queue: DepthView
    dead_letter_queue: DepthView
    last_hour: LastHourView


PAUSE = 5
"""How many times as long as a look took is waited before the next one, at least: watching must not slow the work."""


class Figures:
    """The figures that were taken last; many watchers cost no more than one."""

    def __init__(self) -> None:
        self._taken: Stats | None = None
        self._pause = timedelta()
        self._taking = asyncio.Lock()

    async def get(self, system: System, offload: Offload, good_for: timedelta) -> Stats:
        """The figures, no older than ``good_for``, unless it takes long to take them."""
        async with self._taking:
            if self._taken is None or system.now() >= self._taken.at + max(good_for, self._pause):
                began = monotonic()
                self._taken = await offload(stats.take, system)
                self._pause = PAUSE * timedelta(seconds=monotonic() - began)
            return self._taken


async def _figures(request: Request, call: TheOperatorCall) -> Any:
    figures: Figures = request.app.state.figures
    good_for = timedelta(seconds=call.settings.stats_every)

    async def get() -> dict[str, Any]:
        return stats_view(await figures.get(call.system, call.offload, good_for))

    return get


TheFigures = Annotated[Any, Depends(_figures)]


@router.get(
    "/stats",
    response_model=StatsView,
    responses={status: {"model": Problem} for status in (401, 403, 503)},
)
async def show_stats(figures: TheFigures) -> JSONResponse:
    """Show how the system does.

    The cost is bounded, however many orders there are: with 8 shards, 120 queries of an index, of 1,000 entries each
    at most. What there is more of is told as not `exact`.
    """
    return JSONResponse(await figures())


@live_router.get("/stats/live", response_class=EventSourceResponse)
async def show_stats_live(figures: TheFigures, call: TheOperatorCall) -> AsyncIterator[dict[str, Any]]:
    """Show how the system does, whenever it has been looked at anew, as server-sent events."""
    shown = None
    while True:
        try:
            view = await figures()
        except Exception as error:  # whoever listens comes again, and is told by `/stats` what is wrong
            log.warning("GET /stats/live: ended, %s", error_name(error))
            return
        if view["at"] != shown:
            shown = view["at"]
            yield view
        await asyncio.sleep(call.settings.stats_every)
