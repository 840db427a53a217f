"""Clients of the API that retry failed requests: one request at a time, or many at the same time."""

import asyncio
import secrets
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from service.cli.http_api import TIMEOUT, ApiEndpoint, read_answer

RETRYABLE = frozenset({408, 429, 502, 503, 504})  # statuses after which the same request may succeed
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0  # seconds
MAX_TRIES = 6
_random = secrets.SystemRandom()


class Api:
    """The operators' commands over the API, one request at a time."""

    def __init__(self, endpoint: ApiEndpoint) -> None:
        self._endpoint = endpoint
        self._client = httpx.Client(**endpoint.client_options)
        self._has_answered = False

    def order(self, order_id: str) -> Any:
        return self._request("GET", f"/orders/{quote_id(order_id)}", f"Order {order_id}")

    def submit(self, order: Mapping[str, Any], key: str) -> Any:
        """Submit an order. With the same idempotency key, a repeat creates no second order."""
        return self._request("POST", "/order", "The order", json=order, headers={"Idempotency-Key": key})

    def orders(self, query: Mapping[str, str], limit: int, cursor: Any) -> Any:
        return self._get_page("/orders", query, limit, cursor)

    def cancel(self, order_id: str) -> Any:
        return self._request("POST", f"/orders/{quote_id(order_id)}/cancel", f"Order {order_id}")

    def look(self, order_id: str) -> Any:
        # The API has asked the warehouse already: it need not be asked six times.
        return self._request("POST", f"/orders/{quote_id(order_id)}/look", f"Order {order_id}", idempotent=False)

    def give_up(self, order_id: str, note: str) -> Any:
        path = f"/orders/{quote_id(order_id)}/give-up"
        return self._request("POST", path, f"Order {order_id}", idempotent=False, json={"note": note})

    def failed_orders(self, query: Mapping[str, str], limit: int, cursor: Any) -> Any:
        return self._get_page("/failed-orders", query, limit, cursor)

    def failed_order(self, order_id: str) -> Any:
        return self._request("GET", f"/failed-orders/{quote_id(order_id)}", f"Order {order_id}")

    def redrive(self, selection: Mapping[str, Any]) -> Any:
        # If an answer is lost, a repeat would also redrive the orders that have failed again since then.
        return self._request("POST", "/failed-orders/redrive", "Redrive", idempotent=False, json=dict(selection))

    def stats(self) -> Any:
        return self._request("GET", "/stats", "Stats")

    def close(self) -> None:
        self._client.close()

    def _get_page(self, path: str, query: Mapping[str, str], limit: int, cursor: Any) -> Any:
        params = {**query, "limit": limit, **({"cursor": cursor} if cursor else {})}
        # Signature Version 4 needs %20; httpx writes a space as +.
        return self._request("GET", f"{path}?{urlencode(params, quote_via=quote, safe='')}", "The list")

    def _request(self, method: str, path: str, subject: str, *, idempotent: bool = True, **request: Any) -> Any:
        """Send a request, and retry it. If it is not idempotent, retry only when the API did not process it."""
        tries = 0
        while True:
            result: httpx.Response | httpx.TransportError
            try:
                result = self._client.request(method, path, **request)
                self._has_answered = True
            except httpx.TransportError as error:
                result = error
            tries += 1
            pause = retry_pause(tries, result, self._has_answered)
            if pause is None or not (idempotent or _was_not_processed(result)):
                return read_answer(result, self._endpoint, subject)
            time.sleep(pause)


def _was_not_processed(result: httpx.Response | httpx.TransportError) -> bool:
    """Return whether the failed request certainly had no effect."""
    if isinstance(result, httpx.Response):
        return result.status_code in (429, 503)
    return isinstance(result, httpx.ConnectError | httpx.ConnectTimeout)


class AsyncApi:
    """Sends many requests at the same time, in an event loop."""

    def __init__(self, endpoint: ApiEndpoint, concurrency: int) -> None:
        self.endpoint = endpoint
        # A server may close an idle connection after 5 s, uvicorn's default; the client must close it earlier, or it
        # may send into a closed connection.
        limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency, keepalive_expiry=2)
        # A request may wait for a free connection without a time limit: that is not a delay of the API.
        timeout = httpx.Timeout(TIMEOUT, pool=None)
        self.client = httpx.AsyncClient(**{**endpoint.client_options, "timeout": timeout}, limits=limits)
        self._has_answered = False

    async def send(self, method: str, path: str, max_tries: int = MAX_TRIES, **request: Any) -> httpx.Response:
        """Send a request, and retry it.

        Raises:
            httpx.TransportError: no try got an answer.
        """
        tries = 0
        while True:
            result: httpx.Response | httpx.TransportError
            try:
                result = await self.client.request(method, path, **request)
                self._has_answered = True
            except httpx.TransportError as error:
                result = error
            tries += 1
            pause = retry_pause(tries, result, self._has_answered) if tries < max_tries else None
            if pause is not None:
                await asyncio.sleep(pause)
            elif isinstance(result, httpx.Response):
                return result
            else:
                raise result

    async def get(self, path: str, subject: str, **params: Any) -> Any:
        """Return the JSON of a resource.

        Raises:
            CliError: the API does not return it.
        """
        try:
            return read_answer(await self.send("GET", path, params=params), self.endpoint, subject)
        except httpx.TransportError as error:
            raise self.endpoint.unreachable_error(error) from None


def retry_pause(tries: int, result: httpx.Response | Exception, has_answered: bool) -> float | None:
    """Return the seconds to wait before the next try; None if the request is not retried.

    Args:
        tries: the number of tries so far.
        result: the result of the last try.
        has_answered: whether the API has answered any request. If it has not, a refused connection means that the URL
            is wrong.
    """
    if tries >= MAX_TRIES or (isinstance(result, httpx.ConnectError) and not has_answered):
        return None
    retry_after = 0.0
    if isinstance(result, httpx.Response):
        if result.status_code not in RETRYABLE:
            return None
        header = result.headers.get("retry-after", "")
        retry_after = float(header) if header.isdecimal() and len(header) < 4 else 0.0
    elif isinstance(result, httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        return None
    backoff = _random.uniform(0.5, 1) * FIRST_PAUSE * 2.0 ** (tries - 1)
    return min(max(backoff, retry_after), LONGEST_PAUSE)


def quote_id(order_id: str) -> str:
    """Return an order's id as a segment of a path."""
    return quote(order_id, safe="")
