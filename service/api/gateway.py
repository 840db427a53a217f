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
    from service.wiring import LiveSystem


ORDER_PATHS = re.compile("(?!/orders/[^/]+/(look|give-up)$)/orders?(/.*)?")
"""The paths of most requests. An environment whose first request has one of these loads only the customers' routes."""

WRONG_FORM = (AttributeError, LookupError, TypeError, ValueError)
"""What reading an event raises that has not the form of API Gateway's."""

logging.getLogger("mangum").setLevel(logging.WARNING)  # its INFO line for each request quotes the caller's path


class NotAProxyEvent(Exception):
    """The event looks like a proxy event but lacks required parts. API Gateway never sends such an event."""


class ProxyEvent(APIGateway):  # type: ignore[misc]
    """A proxy event that Mangum reads, with the paths and the headers as a server has them (ASGI, HTTP scope).

    Mangum joins the headers of one name, and fails at the X-Forwarded-Port of two proxies: ``443, 80``.
    https://github.com/Kludex/mangum/issues/303
    """

    @property
    def scope(self) -> dict[str, Any]:
        event = self.event
        root, path = _split_path(event)
        single = event.get("headers") or {}
        headers = event.get("multiValueHeaders") or {name: [value] for name, value in single.items()}
        without_headers = APIGateway({**event, "headers": {}, "multiValueHeaders": {}}, self.context, self.config)
        return {
            **without_headers.scope,
            "aws.event": event,
            "headers": [(name.lower().encode(), value.encode()) for name in headers for value in headers[name]],
            "root_path": root,
            "path": root + unquote(path),
            "raw_path": event["path"].encode(),
        }


def respond(event: dict[str, Any], context: Any, system: "LiveSystem") -> Any:
    """Answer one REST proxy event.

    Raises:
        NotAProxyEvent: the event is not a complete proxy event.
    """
    try:
        path = _split_path(event)[1]
    except WRONG_FORM:
        raise NotAProxyEvent from None
    adapter = _adapter(system, only_orders=ORDER_PATHS.fullmatch(path) is not None)
    try:
        return adapter(event, context)
    except Exception:
        if not _is_readable(ProxyEvent(event, context, adapter.config)):
            raise NotAProxyEvent from None
        raise


def _is_readable(reader: ProxyEvent) -> bool:
    """Return whether Mangum can read the event. Mangum does not validate events."""
    try:
        _ = reader.scope, reader.body
    except WRONG_FORM:
        return False
    return True


def _split_path(event: dict[str, Any]) -> tuple[str, str]:
    """Split the path of the request into the root, which is not this API's, and the path of the route.

    The root is the stage, or the base path of a custom domain. ``path`` of the event contains the base path, but not
    the stage; ``path`` of the request's context contains either. So the route is as long as the resource that API
    Gateway has matched.
    """
    path, whole = event["path"], event["requestContext"].get("path")
    resource = str(event.get("resource") or "")
    proxy = (event.get("pathParameters") or {}).get("proxy")
    segments = _segments(path)
    if isinstance(proxy, str) and resource.endswith("/{proxy+}"):
        length = len(_segments(resource)) - 1 + len(_segments(proxy))
    elif resource.startswith("/") and "{" not in resource:
        length = len(_segments(resource))
    else:
        length = len(segments)
    length = min(length, len(segments))
    root = _segments(whole)[: len(_segments(whole)) - length] if isinstance(whole, str) else []
    route = segments[len(segments) - length :]
    return "".join(f"/{each}" for each in root), "/" + "/".join(route)


def _segments(path: str) -> list[str]:
    """The segments of a path; a slash at the end adds none."""
    inner = path.removeprefix("/").removesuffix("/")
    return inner.split("/") if inner else []


@cache
def _adapter(system: "LiveSystem", *, only_orders: bool) -> Mangum:
    app = create_app(system.settings, run_inline, system, only_orders=only_orders)
    return Mangum(
        app,
        lifespan="off",
        custom_handlers=[ProxyEvent],
        text_mime_types=["text/", "application/json", "application/javascript", "image/svg+xml", MEDIA_TYPE],
    )
