"""The API over HTTP: what is sent, and when it is sent again."""

import asyncio
import secrets
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx

from service.cli.http_api import TIMEOUT, ApiEndpoint, answer

PASSING = frozenset({408, 429, 502, 503, 504})
"""Answers after which the same request may succeed in a moment."""
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0  # seconds
TRIES = 6
_chance = secrets.SystemRandom()


class Api:
    """One request after the other. What may be done twice is sent again; a redrive only if it was not begun."""

    def __init__(self, endpoint: ApiEndpoint) -> None:
        self._endpoint = endpoint
        self._client = httpx.Client(**endpoint.options)
        self._answered = False

    def order(self, order_id: str) -> Any:
        return self._ask("GET", f"/orders/{quoted(order_id)}", f"Order {order_id}")

    def submit(self, order: Mapping[str, Any], key: str) -> Any:
        """Submit an order; the key makes it one order however often it is sent."""
        return self._ask("POST", "/order", "The order", json=order, headers={"Idempotency-Key": key})

    def orders(self, query: Mapping[str, str], limit: int, cursor: Any) -> Any:
        return self._page("/orders", query, limit, cursor)

    def cancel(self, order_id: str) -> Any:
        return self._ask("POST", f"/orders/{quoted(order_id)}/cancel", f"Order {order_id}")

    def failed_orders(self, query: Mapping[str, str], limit: int, cursor: Any) -> Any:
        return self._page("/failed-orders", query, limit, cursor)

    def failed_order(self, order_id: str) -> Any:
        return self._ask("GET", f"/failed-orders/{quoted(order_id)}", f"Order {order_id}")

    def redrive(self, selection: Mapping[str, Any]) -> Any:
        # What failed again after a redrive whose answer was lost would be redriven unseen.
        return self._ask("POST", "/failed-orders/redrive", "Redrive", unbegun_only=True, json=dict(selection))

    def stats(self) -> Any:
        return self._ask("GET", "/stats", "Stats")

    def close(self) -> None:
        self._client.close()

    def _page(self, path: str, query: Mapping[str, str], limit: int, cursor: Any) -> Any:
        following = {"cursor": cursor} if cursor else {}
        return self._ask("GET", path, "The list", params={**query, "limit": limit, **following})

    def _ask(self, method: str, path: str, about: str, *, unbegun_only: bool = False, **request: Any) -> Any:
        tried = 0
        while True:
            result: httpx.Response | httpx.TransportError
            try:
                result = self._client.request(method, path, **request)
                self._answered = True
            except httpx.TransportError as error:
                result = error
            tried += 1
            pause = pause_before_next(tried, result, self._answered)
            if pause is None or (unbegun_only and not _is_unbegun(result)):
                return answer(result, self._endpoint, about)
            time.sleep(pause)


def _is_unbegun(result: httpx.Response | httpx.TransportError) -> bool:
    """Whether a request that came to nothing has certainly done nothing."""
    if isinstance(result, httpx.Response):
        return result.status_code in (429, 503)
    return isinstance(result, httpx.ConnectError | httpx.ConnectTimeout)


class AsyncApi:
    """Requests side by side, in an event loop."""

    def __init__(self, endpoint: ApiEndpoint, at_once: int) -> None:
        self.endpoint = endpoint
        # A connection is closed before the server may close it under a request: uvicorn does after 5 s.
        limits = httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once, keepalive_expiry=2)
        # Whoever asks waits for a free connection as long as it takes; that is not the API's delay.
        timeout = httpx.Timeout(TIMEOUT, pool=None)
        self.client = httpx.AsyncClient(**{**endpoint.options, "timeout": timeout}, limits=limits)
        self._answered = False

    async def send(self, method: str, path: str, tries: int = TRIES, **request: Any) -> httpx.Response:
        """Send a request, again if need be.

        Raises:
            httpx.TransportError: no answer came, in none of the tries.
        """
        tried = 0
        while True:
            result: httpx.Response | httpx.TransportError
            try:
                result = await self.client.request(method, path, **request)
                self._answered = True
            except httpx.TransportError as error:
                result = error
            tried += 1
            pause = pause_before_next(tried, result, self._answered) if tried < tries else None
            if pause is not None:
                await asyncio.sleep(pause)
            elif isinstance(result, httpx.Response):
                return result
            else:
                raise result

    async def get(self, path: str, about: str, **params: Any) -> Any:
        """The JSON of a resource.

        Raises:
            CliError: there is none to be had.
        """
        try:
            return answer(await self.send("GET", path, params=params), self.endpoint, about)
        except httpx.TransportError as error:
            raise self.endpoint.unreachable(error) from None


def pause_before_next(tried: int, result: httpx.Response | Exception, answered: bool) -> float | None:
    """How long to wait before a request is sent again, in seconds; None when it is not.

    Args:
        tried: how often it was sent.
        result: what came of it the last time.
        answered: whether the API has answered anything yet; if not, an address without a server is simply wrong.
    """
    if tried >= TRIES or (isinstance(result, httpx.ConnectError) and not answered):
        return None
    asked_for = 0.0
    if isinstance(result, httpx.Response):
        if result.status_code not in PASSING:
            return None
        written = result.headers.get("retry-after", "")
        asked_for = float(written) if written.isdecimal() and len(written) < 4 else 0.0
    elif isinstance(result, httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        return None
    jitter = _chance.uniform(0.5, 1) * FIRST_PAUSE * 2.0 ** (tried - 1)
    return min(max(jitter, asked_for), LONGEST_PAUSE)


def quoted(order_id: str) -> str:
    """An order's id as a part of a path."""
    return quote(order_id, safe="")
