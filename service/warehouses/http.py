"""A warehouse over HTTP: the adapter of ``Fulfiller`` for a service outside. docs/warehouse.md describes the wire.

The answers are sorted by one question: can the warehouse have the delivery? Only an answer of the contract, complete
and about this delivery, says what the delivery's state is. A request of which no byte was sent is *not taken*. Anything
else is unknown, and the caller repeats it under the same key.
"""

import os
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import quote

from service.orders.model import Order
from service.orders.ports import Unavailable
from service.orders.warehouse import Answer, OtherItems, State
from service.warehouses import sockets
from service.warehouses.malformed import Malformed
from service.warehouses.signer import NotSigned, Signer
from service.warehouses.transport import NoAnswer, Transport
from service.warehouses.wire import read_retry_after, read_state, write_order

_NOT_NOW = (429, 503)


class WarehouseError(Unavailable):
    """It is unknown whether the request had an effect. The message names the method, the HTTP status and the cause.

    It holds nothing of the order and nothing of the warehouse's answer.
    """


class HttpWarehouse:
    """A warehouse over HTTP. Several threads can share one instance.

    It sends each request once: a retry is the caller's decision.

    Args:
        url: the base URL, as ``validate_url`` takes it.
        signer: signs the requests.
        now: the clock: the present time in UTC.
    """

    def __init__(self, url: str, signer: Signer, now: Callable[[], datetime]) -> None:
        self._transport = Transport(url)
        self._signer = signer
        self._now = now

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
        try:
            response = self._transport.send(method, path, {**signed, **(headers or {})}, body, seconds, with_state)
        except NoAnswer as error:
            cause = f"{error}" if error.status is None else f"HTTP {error.status}: {error}"
            raise WarehouseError(f"{method}: {cause}") from None
        if response.status == HTTPStatus.UNAUTHORIZED:
            self._signer.reload()
        return _Reply(method, response.status, response.headers.get("Retry-After"), response.body)


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


def _path_of(order: Order) -> str:
    return f"/orders/{quote(order.delivery_key, safe='')}"


def _unique_id(order: Order, purpose: str) -> str:
    """The id of a request that has no number: a receiver may refuse an id that it has seen."""
    return f"{order.delivery_key}-{purpose}-{os.urandom(8).hex()}"
