"""The FastAPI application."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.openapi.utils import get_openapi

from service import __version__
from service.api import orders, problems
from service.api.access import Access
from service.api.dependencies import Offload, inline
from service.orders.ports import System
from service.orders.validation import OrderItemRequest, OrderRequest
from service.settings import Settings

SIGV4_HEADERS = ("X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Content-Sha256")
DESCRIPTION = """\
Takes orders and carries each one, without ever losing or doubling it, through validation, storage and fulfillment.
Errors are problem details (RFC 9457).
"""


def create_app(
    settings: Settings,
    offload: Offload,
    system: System | None = None,
    lifespan: Callable[..., Any] | None = None,
    *,
    only_orders: bool = False,
) -> FastAPI:
    """Put the application together.

    Args:
        settings: those of the process.
        offload: how a request waits for AWS: in place on Lambda, in a thread under a server.
        system: the ports; None when ``lifespan`` sets ``app.state.system``.
        lifespan: what to do when a server starts and stops.
        only_orders: leave out what no path below ``/order`` and ``/orders`` needs, which takes a while to load.
    """
    app = FastAPI(
        title="DOFS",
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # nothing here collects it
    )
    app.state.settings, app.state.offload, app.state.system = settings, offload, system
    for router in (orders.router, *(() if only_orders else _others(app))):
        app.router.routes += router.routes  # one list; of an included router FastAPI matches each route several times
    problems.install(app)
    origins = [origin.strip() for origin in settings.cors_origins.split(",") if origin.strip()]
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["GET", "POST"],
            allow_headers=[
                "Content-Type",
                "Idempotency-Key",
                "Prefer",
                "Authorization",
                "X-Api-Key",
                "Traceparent",
                *SIGV4_HEADERS,
            ],
            expose_headers=["Location", "Idempotency-Replayed", "Preference-Applied", "Retry-After"],
        )
    names = frozenset(origin.partition("://")[2].encode() for origin in origins)
    app.add_middleware(Access, names=names)  # the outermost: whatever answers, it is told
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


def _others(app: FastAPI) -> tuple[APIRouter, ...]:
    """The routers of all that is not about single orders."""
    from service.api import console, docs, failed_orders, health, stats

    if not app.state.settings.serves_operators:
        return health.router, docs.router
    app.state.figures = stats.Figures()
    # Behind API Gateway an answer is sent whole, so there is no stream.
    live = () if app.state.offload is inline else (stats.live_router,)
    return health.router, docs.router, failed_orders.router, stats.router, console.router, *live


def _openapi(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document: FastAPI's, with problems under their own media type and the body that routes read raw."""
    from service.api.failed_orders import BulkRedriveRequest, RedriveRequest

    if app.openapi_schema:
        return app.openapi_schema
    schema = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes, openapi_version="3.1.0"
    )
    reference = "#/components/schemas/{model}"
    operators = (RedriveRequest, BulkRedriveRequest) if app.state.settings.serves_operators else ()
    for model in (OrderRequest, OrderItemRequest, *operators):
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
    """A parameter can be left out; there is no way to send null as one."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    return {**kinds[0], **rest} if len(kinds) == 1 else schema
