"""The API behind API Gateway: Mangum between the proxy event and the application."""

from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from mangum import Mangum

from service.api.app import create_app
from service.api.dependencies import inline
from service.api.problems import MEDIA_TYPE

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from service.wiring import LiveSystem


def respond(event: dict[str, Any], context: Any, system: "LiveSystem") -> Any:
    """Answer one REST proxy event."""
    return _adapter(system)(event, context)


@cache
def _adapter(system: "LiveSystem") -> Mangum:
    app = create_app(system.settings, inline, system)

    async def below_the_stage(scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Say where the API is mounted, which links need, and decode the path, as a server would (ASGI, HTTP scope)."""
        event = scope["aws.event"]
        whole, path = event["requestContext"].get("path") or "", event["path"]
        stage = whole.removesuffix(path) if whole.endswith(path) else ""
        scope["root_path"], scope["path"] = stage, stage + unquote(path)
        await app(scope, receive, send)

    return Mangum(
        below_the_stage,
        lifespan="off",
        text_mime_types=["text/", "application/json", "application/javascript", MEDIA_TYPE],
    )
