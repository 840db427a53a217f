"""A stubbed API: serves the console's files and scripted responses to a page, and records the page's API requests."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, Route

from service.api.console import MEDIA_TYPES, load_files

BASE = "http://console.test"
BROKEN = "the connection breaks before a response arrives"

AT = "2026-01-31T09:30:00.123Z"
UNAVAILABLE = (503, {"title": "A dependency does not respond", "status": 503})


@dataclass(frozen=True)
class ApiRequest:
    """A request that the page sent to the API."""

    method: str
    path: str
    query: dict[str, str]
    body: Any


@dataclass
class StubApi:
    """Responses by method and path. Several responses are sent in turn, and the last one for every later request."""

    responses: dict[tuple[str, str], list[Any]] = field(default_factory=dict)
    requests: list[ApiRequest] = field(default_factory=list)

    def on(self, method: str, path: str, *responses: Any) -> None:
        """Set the responses: a JSON body, a status and a JSON body, ``BROKEN``, or a function of the request."""
        self.responses[method, path] = list(responses)

    def sent(self, method: str, path: str) -> list[ApiRequest]:
        """The requests so far with this method and path."""
        return [request for request in self.requests if (request.method, request.path) == (method, path)]

    def install(self, page: Page) -> None:
        """Answer every request of a page."""
        page.route("**/*", self._answer)

    def _answer(self, route: Route) -> None:
        url = urlsplit(route.request.url)
        if file := re.fullmatch(r"/console(?:/([\w.-]+))?", url.path):
            name = file[1] or "index.html"
            route.fulfill(body=load_files()[name], content_type=MEDIA_TYPES[name.rpartition(".")[2]])
            return
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        body = route.request.post_data_json if route.request.post_data else None
        request = ApiRequest(route.request.method, url.path, query, body)
        self.requests.append(request)
        responses = self.responses.get((request.method, request.path), [(404, {"status": 404})])
        self._fulfill(route, responses.pop(0) if len(responses) > 1 else responses[0], request)

    def _fulfill(self, route: Route, response: Any, request: ApiRequest) -> None:
        if response is BROKEN:
            route.abort("connectionreset")
        elif isinstance(response, Callable):
            self._fulfill(route, response(request), request)
        elif isinstance(response, tuple):
            route.fulfill(status=response[0], json=response[1])
        else:
            route.fulfill(json=response)


def order(order_id: str = "ord_1", status: str = "FAILED", **changes: Any) -> dict[str, Any]:
    """An order as the API shows it."""
    entry = {"at": AT, "from": None, "to": status, "actor": "fulfillment", "reason": None}
    return {
        **{"order_id": order_id, "status": status, "customer_id": "cust_1", "currency": "USD", "total_amount": 1},
        **{"items": [], "metadata": {}, "attempts": 3, "created_at": AT, "updated_at": AT, "errors": []},
        **{"cancel_asked": False, "delivery": {"key": f"{order_id}-d1", "asked": 0}},
        "timeline": [entry],
        **changes,
    }


def failed_order(order_id: str = "ord_1", epoch: int = 0, reason: str = "declined") -> dict[str, Any]:
    """A failed order as the API lists it."""
    return {
        **{"order_id": order_id, "customer_id": "cust_1", "reason": reason, "detail": "out of stock"},
        **{"attempts": 3, "epoch": epoch, "failed_at": AT, "message_id": "m1"},
    }


def failed_page(*orders: dict[str, Any], cursor: str | None = None) -> dict[str, Any]:
    """A page of ``GET /failed-orders``."""
    return {"failed_orders": list(orders), "next_cursor": cursor}


def orders_page(*orders: dict[str, Any], cursor: str | None = None, sorted_by: str = "updated_at") -> dict[str, Any]:
    """A page of ``GET /orders``."""
    return {"orders": list(orders), "sorted_by": sorted_by, "next_cursor": cursor}


def redrive_page(*order_ids: str, cursor: str | None = None, outcome: str = "redriven") -> dict[str, Any]:
    """A response of ``POST /failed-orders/redrive``."""
    results = [{"order_id": order_id, "outcome": outcome, "detail": None} for order_id in order_ids]
    return {"dry_run": False, "results": results, "dead_letters_removed": 0, "next_cursor": cursor}
