"""The warehouse under test: signed requests, also wrongly signed ones, and a record of its answers."""

import itertools
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from service.orders.model import Order
from service.warehouses import signatures
from service.warehouses.conformance.replies import WITH_STATE, Reply, read_answer
from service.warehouses.conformance.results import NotSeen, Wrong
from service.warehouses.sockets import NotConnected
from service.warehouses.transport import NoAnswer, Response, Transport
from service.warehouses.wire import read_retry_after, write_order

REQUEST_SECONDS = 10.0
"""The time of one try of a request."""
TRIES = 5
FIRST_PAUSE = 0.2
"""Seconds between two tries; each pause is twice as long as the one before, or as long as Retry-After asks for."""
NOT_TAKEN = (429, 503)
ALL_STATUSES = range(100, 1000)


@dataclass(frozen=True, slots=True)
class Signing:
    """How a request is signed.

    Args:
        key: the key of the secret; None for no signature.
        offset: seconds that the time of the request differs from the present time.
        other_body: whether the signature is that of another body.
    """

    key: bytes | None
    offset: int = 0
    other_body: bool = False

    def headers(self, request_id: str, body: bytes) -> dict[str, str]:
        """The headers that sign a request."""
        if self.key is None:
            return {}
        signed = body + b" " if self.other_body else body
        return signatures.sign(self.key, request_id, int(time.time()) + self.offset, signed)


class WarehouseUnderTest:
    """Sends requests to a warehouse, and remembers the answers. Several threads can share one instance.

    A request that was not taken, or has no answer, is repeated under its key, as DOFS does.

    Args:
        url: the base URL.
        keys: the keys of the secrets; the first one signs.
        ends_at: the end of the run, on the monotonic clock.
    """

    def __init__(self, url: str, keys: Sequence[bytes], ends_at: float) -> None:
        self.keys = keys
        self.replies: list[Reply] = []
        """The answers that should have the state of a delivery."""
        self.retry_after: list[str | None] = []
        """The headers Retry-After of the answers 429 and 503."""
        self.unanswered = 0
        self.seconds: list[float] = []
        """The duration of each request that was answered."""
        self._transport = Transport(url)
        self._ends_at = ends_at
        self._tries = itertools.count(1)

    def ask(self, order: Order, signing: Signing | None = None, body: bytes | None = None) -> Reply:
        """Ask for a delivery.

        Args:
            order: the order.
            signing: how to sign; with the first secret by default.
            body: another body than that of the order.

        Raises: as ``look``.
        """
        headers = {"Content-Type": "application/json", "Idempotency-Key": f'"{order.delivery_key}"'}
        return self._send("POST", "/orders", order, signing, headers, write_order(order) if body is None else body)

    def look(self, order: Order, signing: Signing | None = None) -> Reply:
        """Look at a delivery.

        Args:
            order: the order.
            signing: how to sign; with the first secret by default.

        Raises:
            Wrong: there is no answer, however often the request is sent.
            NotSeen: no try was taken, or no time is left.
        """
        return self._send("GET", _path_of(order), order, signing)

    def cancel(self, order: Order, signing: Signing | None = None) -> Reply:
        """Cancel a delivery. Raises: as ``look``."""
        return self._send("PUT", f"{_path_of(order)}/cancel", order, signing)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def _send(
        self,
        method: str,
        path: str,
        order: Order,
        signing: Signing | None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Reply:
        signing = signing or Signing(self.keys[0])
        refusal: Exception = NotSeen("no time was left")
        for tried in range(1, TRIES + 1):
            left = self._ends_at - time.monotonic()
            if left <= 0:
                break
            request_id = f"{order.delivery_key}-check-{next(self._tries)}-{os.urandom(4).hex()}"
            signed = {**signing.headers(request_id, body), **(headers or {})}
            started, pause = time.monotonic(), FIRST_PAUSE * 2 ** (tried - 1)
            try:
                response = self._transport.send(
                    method, path, signed, body, min(left, REQUEST_SECONDS), with_body=ALL_STATUSES
                )
            except NotConnected as error:
                refusal = NotSeen(f"no connection: {error}")
            except NoAnswer as error:
                if error.status is not None:
                    return self._record(method, order, started, Response(error.status, {}, b""), str(error))
                self.unanswered += 1
                refusal = Wrong(f"{method} {tried} times under {order.delivery_key}", "an answer", str(error))
            else:
                self.seconds.append(time.monotonic() - started)
                if response.status in NOT_TAKEN:
                    asked_for = response.headers.get("Retry-After")
                    self.retry_after.append(asked_for)
                    pause = max(pause, read_retry_after(asked_for, datetime.now(UTC)) or 0)
                    refusal = NotSeen(f"{method} was not taken: HTTP {response.status}")
                elif response.status >= 500:
                    self.unanswered += 1
                    what = f"{method} {tried} times under {order.delivery_key}"
                    refusal = Wrong(what, "an answer of the contract", f"HTTP {response.status}")
                else:
                    return self._record(method, order, started, response)
            if tried < TRIES:
                time.sleep(max(0.0, min(pause, self._ends_at - time.monotonic())))
        raise refusal

    def _record(self, method: str, order: Order, started: float, response: Response, problem: str = "") -> Reply:
        answer, body = None, response.body or b""
        if not problem:
            answer, problem = read_answer(method, response.status, body, order)
        reply = Reply(
            *(method, order.delivery_key, response.status, response.headers, body, started, time.monotonic()),
            answer=answer,
            problem=problem,
        )
        if response.status in WITH_STATE[method]:
            self.replies.append(reply)
        return reply


def _path_of(order: Order) -> str:
    return f"/orders/{quote(order.delivery_key, safe='')}"
