"""The API behind API Gateway: Mangum between the proxy event and the application."""

import logging
import re
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from mangum import Mangum
from mangum.handlers import APIGateway

from service.api.app import create_app
from service.api.dependencies import inline
from service.api.problems import MEDIA_TYPE

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from service.wiring import LiveSystem


ORDERS = re.compile("/orders?(/.*)?")
"""Most of what is asked for; an environment that starts for one of these loads nothing else of the API."""

logging.getLogger("mangum").setLevel(logging.WARNING)  # its line for each request quotes the path, which a caller wrote


class Unreadable(Exception):
    """The event has the marks of a proxy event and not the parts; API Gateway sends none such."""


def respond(event: dict[str, Any], context: Any, system: "LiveSystem") -> Any:
    """Answer one REST proxy event.

    Raises:
        Unreadable: it is none.
    """
    adapter = _adapter(system, ORDERS.fullmatch(event["path"]) is not None)
    try:
        return adapter(event, context)
    except Exception:
        if not _is_readable(APIGateway(event, context, adapter.config)):
            raise Unreadable from None
        raise


def _is_readable(reader: APIGateway) -> bool:
    """Whether Mangum gets through the event; it takes for granted what API Gateway sends."""
    try:
        _ = reader.scope, reader.body
    except (AttributeError, LookupError, TypeError, ValueError):
        return False
    return True


@cache
def _adapter(system: "LiveSystem", only_orders: bool) -> Mangum:
    app = create_app(system.settings, inline, system, only_orders=only_orders)

    async def below_the_stage(scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Say where the API is mounted, which links need, and decode the path, as a server would (ASGI, HTTP scope)."""
        event = scope["aws.event"]
        whole, path = event["requestContext"].get("path"), event["path"]
        stage = whole.removesuffix(path) if isinstance(whole, str) and whole.endswith(path) else ""
        scope["root_path"], scope["path"] = stage, stage + unquote(path)
        await app(scope, receive, send)

    return Mangum(
        below_the_stage,
        lifespan="off",
        custom_handlers=[APIGateway],
        text_mime_types=["text/", "application/json", "application/javascript", "image/svg+xml", MEDIA_TYPE],
    )
