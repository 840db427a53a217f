"""Routes that show statistics of the system: once, or as a stream of server-sent events."""

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

from service.api.dependencies import Offload, OperatorDep
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
    exact: bool = Field(description="False: the count is a lower bound.")


class OldestOpenView(BaseModel):
    """The open order with the oldest last change."""

    order_id: str
    status: Status
    since: Instant


class DepthView(BaseModel):
    """The approximate number of messages in a queue."""

    visible: int
    in_flight: int


class PercentilesView(BaseModel):
    """Percentiles of the time to fulfillment, in seconds."""

    p50: float
    p95: float
    p99: float
    orders: int = Field(description="The number of orders measured: the newest fulfilled ones, 100 at most.")


class MinuteView(BaseModel):
    """Orders that were fulfilled or failed within one minute."""

    at: Instant
    fulfilled: int
    failed: int


class LastHourView(BaseModel):
    """Orders that were fulfilled or failed in the last hour. An order counts with its latest status."""

    since: Instant = Field(description="One hour ago, or later if there were too many orders to count.")
    fulfilled: int
    failed: int
    success_rate: float | None
    seconds_to_fulfillment: PercentilesView | None
    minutes: list[MinuteView] = Field(description="60 minutes, the oldest first.")


class BrakeView(BaseModel):
    """The warehouse takes nothing; orders wait as PENDING."""

    since: Instant
    probe_at: Instant = Field(description="The time from which the next order is sent to find out.")


class StatsView(BaseModel):
    """Statistics of the system."""

    at: Instant
    orders: dict[Status, TallyView]
    failed: dict[FailureKind, TallyView]
    oldest_open: OldestOpenView | None
    queue: DepthView
    dead_letter_queue: DepthView
    brake: BrakeView | None = Field(description="Null while the warehouse takes orders.")
    last_hour: LastHourView


PAUSE_FACTOR = 5
"""The pause between two queries is at least this many times the duration of the last one, to bound the load."""


class StatsCache:
    """Caches the statistics, so that many clients cost no more than one."""

    def __init__(self) -> None:
        self._latest: Stats | None = None
        self._pause = timedelta()
        self._lock = asyncio.Lock()

    async def get(self, system: System, offload: Offload, max_age: timedelta) -> Stats:
        """Return statistics that are at most ``max_age`` old, or older if the queries are slow."""
        async with self._lock:
            if self._latest is None or system.now() >= self._latest.at + max(max_age, self._pause):
                began = monotonic()
                self._latest = await offload(stats.take, system)
                self._pause = PAUSE_FACTOR * timedelta(seconds=monotonic() - began)
            return self._latest


async def _stats_reader(request: Request, context: OperatorDep) -> Any:
    cache: StatsCache = request.app.state.stats_cache
    max_age = timedelta(seconds=context.settings.stats_every)

    async def get() -> dict[str, Any]:
        return stats_view(await cache.get(context.system, context.offload, max_age))

    return get


StatsReaderDep = Annotated[Any, Depends(_stats_reader)]


@router.get(
    "/stats",
    response_model=StatsView,
    responses={status: {"model": Problem} for status in (401, 403, 422, 503)},
)
async def show_stats(read_stats: StatsReaderDep) -> JSONResponse:
    """Show statistics of the system.

    The cost is bounded for any number of orders: with 8 shards, 176 index queries of up to 1,000 entries each.
    A count above this limit is not `exact`.
    """
    return JSONResponse(await read_stats())


@live_router.get("/stats/live", response_class=EventSourceResponse)
async def show_stats_live(read_stats: StatsReaderDep, context: OperatorDep) -> AsyncIterator[dict[str, Any]]:
    """Stream the statistics as server-sent events, one for each update."""
    sent_at = None
    while True:
        try:
            view = await read_stats()
        except Exception as error:  # the client reconnects, and `/stats` returns the error
            log.warning("GET /stats/live: stream closed after %s", error_name(error))
            return
        if view["at"] != sent_at:
            sent_at = view["at"]
            yield view
        await asyncio.sleep(context.settings.stats_every)
