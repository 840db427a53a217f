"""Builds the FastAPI application and its OpenAPI document."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.openapi.utils import get_openapi

from service import __version__
from service.api import orders, problems
from service.api.access import Access
from service.api.dependencies import Offload, run_inline
from service.orders.document import MODELS
from service.orders.ports import System
from service.settings import Settings

SIGV4_HEADERS = ("X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Content-Sha256")
DESCRIPTION = """\
Accepts orders, validates, stores and fulfills them, and never loses or duplicates an order.
Errors are problem details (RFC 9457). `HEAD` has the status and the headers of `GET`.
"""


def create_app(
    settings: Settings,
    offload: Offload,
    system: System | None = None,
    lifespan: Callable[..., Any] | None = None,
    *,
    only_orders: bool = False,
) -> FastAPI:
    """Build the application.

    Args:
        settings: the settings of the process.
        offload: how to run calls that block on AWS: inline on Lambda, in a thread on a server.
        system: the ports; None if ``lifespan`` sets ``app.state.system``.
        lifespan: runs when a server starts and stops.
        only_orders: load only the customers' routes of ``/order`` and ``/orders``, for a faster cold start.
    """
    app = FastAPI(
        title="DOFS",
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # nothing collects it
    )
    app.state.settings, app.state.offload, app.state.system = settings, offload, system
    for router in (orders.router, *(() if only_orders else _other_routers(app))):
        app.router.routes += router.routes  # include_router() would match each route several times for a request
    problems.install(app)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=["GET", "POST"],
            allow_headers=[
                "Content-Type",
                "Idempotency-Key",
                "Prefer",
                "Authorization",
                "X-Api-Key",
                "Traceparent",
                "Tracestate",
                "Baggage",
                *SIGV4_HEADERS,
            ],
            expose_headers=["Location", "Idempotency-Replayed", "Preference-Applied", "Retry-After"],
        )
    names = frozenset(origin.partition("://")[2].encode() for origin in settings.origins)
    app.add_middleware(Access, names=names)  # outermost, so that it logs every response
    app.openapi = lambda: _build_openapi(app)  # type: ignore[method-assign]
    return app


def _other_routers(app: FastAPI) -> tuple[APIRouter, ...]:
    """Import and return the routers beside the one of customers' orders."""
    from service.api import console, deliveries, docs, failed_orders, health, stats, warehouse_events

    everybodys = health.router, docs.router, warehouse_events.router
    if not app.state.settings.serves_operators:
        return everybodys
    app.state.stats_cache = stats.StatsCache()
    # API Gateway buffers responses, so it cannot stream events.
    live = () if app.state.offload is run_inline else (stats.live_router,)
    operators = (failed_orders.router, deliveries.router, stats.router, console.router)
    return *everybodys, *operators, *live


def _build_openapi(app: FastAPI) -> dict[str, Any]:
    """Build FastAPI's document. Add the media type of problems and the models of bodies that the routes parse."""
    from service.api.deliveries import GiveUpRequest
    from service.api.failed_orders import BulkRedriveRequest, RedriveRequest

    if app.openapi_schema:
        return app.openapi_schema
    schema = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes, openapi_version="3.1.0"
    )
    reference = "#/components/schemas/{model}"
    operators = (RedriveRequest, BulkRedriveRequest, GiveUpRequest) if app.state.settings.serves_operators else ()
    for model in (*MODELS, *operators):
        described = model.model_json_schema(ref_template=reference)
        described.pop("$defs", None)
        schema["components"]["schemas"][model.__name__] = described
    for path in schema["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", ()):
                parameter["schema"] = _without_null(parameter["schema"])
            for status, response in operation["responses"].items():
                content = response.get("content", {})
                if content.get("application/json", {}).get("schema", {}).get("$ref", "").endswith("/Problem"):
                    response["content"] = {problems.MEDIA_TYPE: content["application/json"]}
                    response["description"] = problems.TITLES[int(status)]
    app.openapi_schema = schema
    return schema


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Remove null from a parameter's types. A parameter may be omitted but cannot be null."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    return {**kinds[0], **rest} if len(kinds) == 1 else schema
