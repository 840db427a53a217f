"""A stand-in for API Gateway: calls the function with proxy events."""

import json
from dataclasses import replace
from typing import Any

from service.handler import dispatch
from tests import events
from tests.support import SETTINGS, Context, MemorySystem

EXACT = ("/", "/order", "/warehouse/events")
"""Paths that have a resource of their own in ``terraform/api.tf``."""


class GatewaySystem(MemorySystem):
    """A hashable system, since the function caches one application for each system."""

    __eq__ = object.__eq__
    __hash__ = object.__hash__


class Gateway:
    """A deployment behind API Gateway. ``caller`` is the gateway's part of the event that identifies the caller."""

    def __init__(self, **settings: Any) -> None:
        self.system = GatewaySystem(settings=replace(SETTINGS, **settings))
        self.caller: dict[str, Any] = {}

    def call(self, event: dict[str, Any]) -> dict[str, Any]:
        identity = self.caller.get("identity", {})
        event["requestContext"]["identity"] |= identity
        event["requestContext"] |= {name: value for name, value in self.caller.items() if name != "identity"}
        answer = dispatch(event, Context(), self.system)
        assert json.loads(json.dumps(answer)) == answer
        return answer

    def get(self, path: str, **changes: Any) -> dict[str, Any]:
        return self.call(at(path, events.load("api_get_order")) | changes)

    def post(self, path: str = "/order", body: Any = None, headers: Any = None) -> dict[str, Any]:
        event = at(path, events.load("api_post_order"))
        if body is not None:
            event["body"] = body if isinstance(body, str) else json.dumps(body)
        for name, value in (headers or {}).items():
            event["headers"][name] = value
            event["multiValueHeaders"][name] = [value]
        return self.call(event)


def at(path: str, event: dict[str, Any], stage: str = "/dev", base: str = "") -> dict[str, Any]:
    """Return the event with another path, as ``terraform/api.tf`` maps it; with the base path of a custom domain."""
    event["path"], event["requestContext"]["path"] = base + path, (base or stage) + path
    event["resource"] = event["requestContext"]["resourcePath"] = path if path in EXACT else "/{proxy+}"
    event["pathParameters"] = {"proxy": path[1:]} if event["resource"] == "/{proxy+}" else None
    return event


def content(answer: dict[str, Any]) -> Any:
    """Return the JSON document of a response, which must not be base64."""
    assert answer["isBase64Encoded"] is False
    return json.loads(answer["body"])


def problem(answer: dict[str, Any]) -> tuple[int, str]:
    """Return the status and the type of a problem."""
    document = content(answer)
    assert answer["headers"]["content-type"] == "application/problem+json"
    assert document["status"] == answer["statusCode"]
    return answer["statusCode"], document["type"].removeprefix("urn:dofs:problem:")
