"""A client of the API with in-memory ports, and the form of every problem."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import httpx

from service.api.app import create_app
from service.api.dependencies import run_inline
from tests.support import SETTINGS, MemorySystem

JSON = {"Content-Type": "application/json"}
LENIENT = {"Prefer": "handling=lenient"}
PROBLEM = "application/problem+json"


class Api:
    """The application with an in-memory system. Each call sends one request, or several concurrently."""

    def __init__(self, system: MemorySystem | None = None, offload: Any = run_inline, **settings: Any) -> None:
        self.system = system or MemorySystem(settings=replace(SETTINGS, **settings))
        self.app = create_app(self.system.settings, offload, self.system)

    @property
    def stored(self) -> Mapping[str, Any]:
        return self.system.store.orders

    def request(self, method: str, path: str, **given: Any) -> httpx.Response:
        return self.together((method, path, given))[0]

    def get(self, path: str, **given: Any) -> httpx.Response:
        return self.request("GET", path, **given)

    def post(self, path: str, **given: Any) -> httpx.Response:
        return self.request("POST", path, **given)

    def send(self, content: Any, headers: Any = None) -> httpx.Response:
        """Post a raw body to /order as JSON."""
        return self.post("/order", content=content, headers=[*JSON.items(), *httpx.Headers(headers).multi_items()])

    def together(self, *requests: tuple[str, str, dict[str, Any]]) -> list[httpx.Response]:
        """Send requests concurrently."""
        return asyncio.run(self._together(requests))

    async def _together(self, requests: Any) -> list[httpx.Response]:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as client:
            return await asyncio.gather(*(client.request(method, path, **given) for method, path, given in requests))


def assert_problem(response: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    """Check that the response is a problem with this status and type, and return its document."""
    document = response.json()
    assert (response.status_code, document.get("type")) == (status, f"urn:dofs:problem:{slug}"), response.text
    assert response.headers["content-type"] == PROBLEM
    assert document["status"] == status
    assert document["title"]
    assert document.keys() <= {"type", "title", "status", "detail", "errors", "order_status", "trace_id"}
    return document
