"""Liveness and readiness: whether the process runs, and whether its dependencies respond."""

import asyncio
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from service import __version__
from service.api.dependencies import OffloadDep, SystemDep
from service.api.problems import ProblemRoute
from service.orders.ports import error_name

router = APIRouter(route_class=ProblemRoute, tags=["health"])


@router.get("/health", response_model=dict[str, str])
async def health() -> JSONResponse:
    """Report that the process runs. Dependencies are not checked."""
    return JSONResponse({"status": "ok", "version": __version__})


@router.get("/ready", response_model=dict[str, Any], responses={503: {"model": dict[str, Any]}})
async def ready(system: SystemDep, offload: OffloadDep) -> JSONResponse:
    """Check each dependency. 503 names the dependencies that do not respond."""
    checks: dict[str, Callable[[], None]] = {
        "orders store": system.store.ready,
        "fulfillment queue": system.queue.ready,
        "order workflow": system.workflow.ready,
    }
    outcomes = await asyncio.gather(*(offload(check) for check in checks.values()), return_exceptions=True)
    dependencies = {
        name: "ok" if outcome is None else f"does not respond ({error_name(outcome)})"
        for name, outcome in zip(checks, outcomes, strict=True)
    }
    is_ready = all(outcome is None for outcome in outcomes)
    return JSONResponse(
        {"status": "ready" if is_ready else "not ready", "dependencies": dependencies}, 200 if is_ready else 503
    )
