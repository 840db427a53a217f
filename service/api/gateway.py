"""The API behind API Gateway: Mangum translates between the proxy event and the application."""

import logging
import re
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from mangum import Mangum
from mangum.handlers import APIGateway

from service.api.app import create_app
from service.api.dependencies import run_inline
from service.api.problems import MEDIA_TYPE

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from service.wiring import LiveSystem


ORDER_PATHS = re.compile("/orders?(/.*)?")
"""The paths of most requests. An environment whose first request has one of these loads only the order routes."""

logging.getLogger("mangum").setLevel(logging.WARNING)  # its INFO line for each request quotes the caller's path


class NotAProxyEvent(Exception):
    """The event looks like a proxy event but lacks required parts. API Gateway never sends such an event."""


def respond(event: dict[str, Any], context: Any, system: "LiveSystem") -> Any:
    """Answer one REST proxy event.

    Raises:
        NotAProxyEvent: the event is not a complete proxy event.
    """
    adapter = _adapter(system, ORDER_PATHS.fullmatch(event["path"]) is not None)
    try:
        return adapter(event, context)
    except Exception:
        if not _is_readable(APIGateway(event, context, adapter.config)):
            raise NotAProxyEvent from None
        raise


def _is_readable(reader: APIGateway) -> bool:
    """Return whether Mangum can read the event. Mangum does not validate events."""
    try:
        _ = reader.scope, reader.body
    except (AttributeError, LookupError, TypeError, ValueError):
        return False
    return True


@cache
def _adapter(system: "LiveSystem", only_orders: bool) -> Mangum:
    app = create_app(system.settings, run_inline, system, only_orders=only_orders)

    async def app_with_root_path(scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Set ``root_path`` to the stage, which links need, and decode the path as a server does (ASGI, HTTP scope)."""
        event = scope["aws.event"]
        whole, path = event["requestContext"].get("path"), event["path"]
        stage = whole.removesuffix(path) if isinstance(whole, str) and whole.endswith(path) else ""
        scope["root_path"], scope["path"] = stage, stage + unquote(path)
        await app(scope, receive, send)

    return Mangum(
        app_with_root_path,
        lifespan="off",
        custom_handlers=[APIGateway],
        text_mime_types=["text/", "application/json", "application/javascript", "image/svg+xml", MEDIA_TYPE],
    )
