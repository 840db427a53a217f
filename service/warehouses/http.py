"""A warehouse over HTTP: the adapter of ``Fulfiller`` for a service outside. docs/warehouse.md describes the wire.

The answers are sorted by one question: can the warehouse have the delivery? Only an answer of the contract, complete
and about this delivery, says what the delivery's state is. A request of which no byte was sent is *not taken*. Anything
else is unknown, and the caller repeats it under the same key.
"""

import http.client
import os
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import datetime
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import quote, urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.response import BaseHTTPResponse, HTTPResponse

from service import __version__
from service.orders.model import Order
from service.orders.ports import Unavailable
from service.orders.warehouse import Answer, OtherItems, State
from service.warehouses import sockets
from service.warehouses.malformed import Malformed
from service.warehouses.signer import NotSigned, Signer
from service.warehouses.wire import StrictResponse, read_retry_after, read_state, write_order

MAX_BODY = 1024 * 1024
"""Bytes of an answer, which names the lines of each parcel: 500 lines with the longest ids have less."""
MAX_IDLE = 4.0
"""Seconds for which a connection stays open without a request. Many servers close theirs after five."""
CONNECTIONS = 32
"""The most connections that stay open. More threads than these each open a connection for one request."""

_NOT_NOW = (429, 503)


class WarehouseError(Unavailable):
    """It is unknown whether the request had an effect. The message names the method, the HTTP status and the cause.

    It holds nothing of the order and nothing of the warehouse's answer.
    """


class HttpWarehouse:
    """A warehouse over HTTP. Several threads can share one instance.

    It follows no redirect, uses no proxy, and sends each request once: a retry is the caller's decision.

    Args:
        url: the base URL, as ``validate_url`` takes it.
        signer: signs the requests.
        now: the clock: the present time in UTC.
    """

    def __init__(self, url: str, signer: Signer, now: Callable[[], datetime]) -> None:
        parts = urlsplit(url)
        self._path = parts.path.rstrip("/")
        self._signer = signer
        self._now = now
        host = parts.hostname or ""
        self._pool: urllib3.HTTPConnectionPool
        if parts.scheme == "http":
            self._pool = _Pool(host, parts.port, maxsize=CONNECTIONS)
        else:
            self._pool = _TlsPool(host, parts.port, maxsize=CONNECTIONS, ssl_context=sockets.new_tls_context())

    def ask(self, order: Order, seconds: float) -> Answer:
        headers = {"Content-Type": "application/json", "Idempotency-Key": f'"{order.delivery_key}"'}
        request_id = f"{order.delivery_key}-{order.version}"
        try:
            reply = self._send(
                "POST",
                "/orders",
                request_id,
                seconds,
                with_state=(200, 202, 422),
                headers=headers,
                body=write_order(order),
            )
        except sockets.NotConnected as error:
            return Answer(State.NOT_TAKEN, str(error))
        if reply.status == 409:
            raise OtherItems("the warehouse has this delivery key with other items")
        if reply.status in _NOT_NOW:
            return self._not_taken(reply)
        answer = reply.read(order)
        if reply.status == 422 and answer.state is not State.REFUSED:
            raise reply.error(f"the state {answer.state} contradicts the HTTP status")
        return answer

    def look(self, order: Order, seconds: float) -> Answer:
        request_id = _unique_id(order, "look")
        try:
            reply = self._send("GET", _path_of(order), request_id, seconds, with_state=(200,))
        except sockets.NotConnected as error:
            return Answer(State.NOT_TAKEN, str(error))
        if reply.status == 404:
            return Answer(State.NOT_FOUND)
        if reply.status in _NOT_NOW:
            return self._not_taken(reply)
        return reply.read(order)

    def cancel(self, order: Order, seconds: float) -> Answer:
        path, request_id = f"{_path_of(order)}/cancel", _unique_id(order, "cancel")
        try:
            reply = self._send("PUT", path, request_id, seconds, with_state=(200, 202, 409))
        except sockets.NotConnected as error:
            raise WarehouseError(f"PUT: not sent: {error}") from None
        answer = reply.read(order)
        state = answer.state
        match reply.status:
            case 200 if state is State.CANCELLED:
                return answer
            case 202 if state is State.ACCEPTED:
                return Answer(State.CANCELLING)
            case 409 if state is not State.CANCELLED:
                return answer
        raise reply.error(f"the state {state} contradicts the HTTP status")

    def _not_taken(self, reply: "_Reply") -> Answer:
        return Answer(State.NOT_TAKEN, f"HTTP {reply.status}", read_retry_after(reply.retry_after, self._now()))

    def _send(
        self,
        method: str,
        path: str,
        request_id: str,
        seconds: float,
        *,
        with_state: tuple[int, ...],
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> "_Reply":
        """Send one signed request, and read the answer.

        Args:
            method: the HTTP method.
            path: the path below the base URL.
            request_id: the id of the request, for its signature.
            seconds: the time for all of it.
            with_state: HTTP statuses of answers that hold a state. The status alone decides about other answers: their
                bodies are not read, and their connections are closed.
            headers: more headers.
            body: the body.

        Raises:
            NotConnected: nothing was sent.
            WarehouseError: there is no complete answer.
        """
        ends = time.monotonic() + seconds
        try:
            signed = self._signer.sign(request_id, body, seconds)
        except NotSigned as error:
            raise sockets.NotConnected(str(error)) from None
        seconds = ends - time.monotonic()  # the secret may have been read
        if seconds <= 0:
            raise sockets.NotConnected("no time was left")
        fixed = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": f"dofs/{__version__}"}
        status = None
        try:
            with (
                sockets.limit_time(seconds),
                closing(
                    self._pool.urlopen(
                        method,
                        self._path + path,
                        body=body or None,
                        headers={**fixed, **signed, **(headers or {})},
                        retries=False,
                        redirect=False,
                        timeout=None,  # the sockets keep the time
                        preload_content=False,
                        decode_content=False,
                    )
                ) as response,
            ):
                status = response.status
                if status == HTTPStatus.UNAUTHORIZED:
                    self._signer.reload()
                content = _read_body(response) if status in with_state else None
                return _Reply(method, status, response.headers.get("Retry-After"), content)
        except Malformed as error:
            cause = str(error)
        except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as error:
            cause = _describe(error, seconds)
        # Outside of the handlers: the errors' own texts quote the answer, and would be this error's context.
        raise WarehouseError(f"{method}: {cause}" if status is None else f"{method}: HTTP {status}: {cause}")


class _Reply(NamedTuple):
    """An answer; ``body`` is None if the status alone decides about it."""

    method: str
    status: int
    retry_after: str | None
    body: bytes | None

    def error(self, cause: str) -> WarehouseError:
        return WarehouseError(f"{self.method}: HTTP {self.status}: {cause}")

    def read(self, order: Order) -> Answer:
        """The state that the answer holds. Raises WarehouseError if it holds none."""
        if self.body is None:
            raise self.error("not an answer of the contract")
        try:
            return read_state(self.body, order)
        except Malformed as error:
            raise self.error(str(error)) from None


class _Connection(HTTPConnection):
    """Connects within the request's time, and fails with ``NotConnected`` as long as nothing was sent.

    A server may close an idle connection in the moment in which a request is sent on it. Then nobody can say whether
    the request arrived: it counts as unknown. So that it happens rarely, a connection is used again only within
    ``MAX_IDLE``. The wall clock measures it, because the monotonic clock may stand still while Lambda freezes the
    process.
    """

    response_class = StrictResponse
    _used_at = float("-inf")

    def connect(self) -> None:
        self.sock = sockets.connect(self.host, self.port, None)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as in urllib3
        response = super().getresponse()
        self._used_at = time.time()
        return response

    @property
    def is_connected(self) -> bool:
        return 0 <= time.time() - self._used_at <= MAX_IDLE and super().is_connected


class _TlsConnection(_Connection, HTTPSConnection):
    def connect(self) -> None:
        self.sock = sockets.connect(self.host, self.port, self.ssl_context)
        self.is_verified = True


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


def _path_of(order: Order) -> str:
    return f"/orders/{quote(order.delivery_key, safe='')}"


def _unique_id(order: Order, purpose: str) -> str:
    """The id of a request that has no number: a receiver may refuse an id that it has seen."""
    return f"{order.delivery_key}-{purpose}-{os.urandom(8).hex()}"


def _read_body(response: BaseHTTPResponse) -> bytes:
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Malformed("the body has a content encoding")  # it may be small, and huge when it is decoded
    body = b""
    while chunk := response.read(MAX_BODY + 1 - len(body)):
        body += chunk
        if len(body) > MAX_BODY:
            raise Malformed(f"the body is longer than {MAX_BODY} bytes")
    return body


def _describe(error: Exception, seconds: float) -> str:
    """The cause in words of this module: the error's own text may quote the answer."""
    inner = error.args[-1] if error.args and isinstance(error.args[-1], Exception) else error
    if isinstance(inner, TimeoutError | urllib3.exceptions.TimeoutError):
        return f"no complete answer in {seconds:.1f} s"
    return f"no complete answer: {type(inner).__name__}"
