"""Requests for every route of the application, and the routes that need no identity."""

from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI
from starlette.routing import Route

from tests import events
from tests.api.client import Api
from tests.api.proxy import Gateway, at
from tests.support import valid_order

OPEN = {
    "GET /",
    "GET /docs",
    "GET /docs/{name}",
    "GET /openapi.json",
    "GET /console",
    "GET /console/{name}",
    "GET /health",
    "GET /ready",
}
"""Pages, which hold nothing, and what tells that the service is there."""

SIGNED = {"POST /warehouse/events"}
"""Routes that answer to a signature alone, whoever API Gateway says that the caller is."""

SERVERS_ONLY = "GET /stats/live"
"""Its answer has no end."""

PARTS = {"/docs/{name}": "swagger-ui.css", "/console/{name}": "main.js"}
QUERIES = {"GET /orders": ({"status": "RECEIVED"}, {"status": "FAILED"}, {"customer_id": "cust_123"})}
BODIES: dict[str, Any] = {"POST /order": valid_order(), "POST /orders": valid_order()}
NOTE = {"note": "again"}


@dataclass(frozen=True)
class Asked:
    """One request to a route."""

    route: str
    method: str
    path: str
    query: dict[str, str]
    body: Any

    def of(self, api: Api, **headers: str) -> httpx.Response:
        """Send the request to a server."""
        body = {} if self.body is None else {"json": self.body}
        return api.request(self.method, self.path, params=self.query, headers=headers, **body)

    def event(self, **headers: str) -> dict[str, Any]:
        """Return API Gateway's event for the request."""
        event = at(self.path, events.load("api_post_order" if self.method == "POST" else "api_get_order"))
        event["httpMethod"] = event["requestContext"]["httpMethod"] = self.method
        event["multiValueQueryStringParameters"] = {name: [value] for name, value in self.query.items()} or None
        event["body"] = None if self.body is None else httpx.Request("POST", "/", json=self.body).content.decode()
        for name, value in headers.items():
            event["headers"][name], event["multiValueHeaders"][name] = value, [value]
        return event

    def behind(self, gateway: Gateway, **headers: str) -> dict[str, Any]:
        """Send the request to a deployment behind API Gateway."""
        return gateway.call(self.event(**headers))


def every_route(app: FastAPI) -> list[str]:
    """Each method of each path, as ``GET /orders/{order_id}``."""
    routes = [route for route in app.routes if isinstance(route, Route)]
    assert len(routes) == len(app.routes)
    return sorted(f"{method} {route.path}" for route in routes for method in (route.methods or set()) - {"HEAD"})


def every_request(app: FastAPI, order_id: str = "ord_1") -> list[Asked]:
    """Return a valid request for each route. Those about an order use the same order."""
    asked = []
    for route in every_route(app):
        method, template = route.split(" ")
        path = template.replace("{order_id}", order_id).replace("{name}", PARTS.get(template, "{name}"))
        assert "{" not in path, f"say in PARTS what {route} is to be asked for"
        body = BODIES.get(route, NOTE) if method == "POST" else None
        asked += [Asked(route, method, path, query, body) for query in QUERIES.get(route, ({},))]
    return asked
