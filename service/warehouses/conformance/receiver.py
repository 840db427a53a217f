"""Receives the events of the warehouse under test, as DOFS does, and refuses the first ones to see them again."""

import http.server
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Self

from service.orders import strict_json
from service.orders.callbacks import Event
from service.orders.model import Order
from service.warehouses import signatures
from service.warehouses.conformance.orders import Orders
from service.warehouses.events import read_event
from service.warehouses.malformed import Malformed
from service.warehouses.server.http import Connection, HttpError, Reply, Request, json_reply

MAX_BODY = 128 * 1024  # bytes
POLL = 0.05  # seconds until the accepting thread sees that it must stop
REFUSALS = (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.CONFLICT)
"""The answers to the first events. Each event is taken when it comes again."""
RETRY_AFTER = "1"


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event that has arrived.

    Args:
        id: the id of the event; empty if it has none.
        key: the delivery key that the event names.
        body: the body as it arrived.
        status: the HTTP status that it was answered with.
        is_signed: whether the signature is valid.
        event: the event; None if it is malformed.
        problem: why it is malformed.
    """

    id: str
    key: str
    body: bytes
    status: int
    is_signed: bool
    event: Event | None
    problem: str = ""


class Receiver:
    """Listens for events, as a context manager. Events about orders of others are answered with 404, and forgotten.

    Args:
        host: the address to listen on.
        port: the port; 0 for a free one.
        keys: the keys of the secrets.
        orders: the orders of the run.

    Raises:
        OSError: the address cannot be used.
    """

    def __init__(self, host: str, port: int, keys: Sequence[bytes], orders: Orders) -> None:
        self.arrivals: list[Arrival] = []
        self._keys = keys
        self._orders = orders
        self._changed = threading.Condition()
        handler = type("ReceivingConnection", (Connection,), {"answer": staticmethod(self._answer)})
        self._server = http.server.ThreadingHTTPServer((host, port), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(POLL,), name="events", daemon=True)

    @property
    def url(self) -> str:
        """The URL at which this machine reaches it."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def wait(self, holds: Callable[[], bool], until: float) -> None:
        """Wait until a condition holds for the arrivals, or until a time on the monotonic clock."""
        with self._changed:
            self._changed.wait_for(holds, max(0.0, until - time.monotonic()))

    def _answer(self, request: Request) -> Reply:
        if request.method != "POST":
            raise HttpError(HTTPStatus.METHOD_NOT_ALLOWED, "Send events with POST.", {"Allow": "POST"})
        is_signed = self._is_signed(request)
        name, key = _names(request.body)
        if key and not key.startswith(self._orders.prefix):
            status = HTTPStatus.NOT_FOUND if is_signed else HTTPStatus.UNAUTHORIZED
            raise HttpError(status, "This is no event about an order of the conformance checks.")
        event, problem = _read(request, self._orders.by_key.get(key))
        with self._changed:
            status = self._choose_status(name, is_signed, problem)
            self.arrivals.append(Arrival(name, key, request.body, status, is_signed, event, problem))
            self._changed.notify_all()
        if status != HTTPStatus.OK:
            headers = {"Retry-After": RETRY_AFTER} if status in REFUSALS else None
            raise HttpError(status, problem or status.phrase, headers)
        return json_reply(status, {"result": "taken"})

    def _is_signed(self, request: Request) -> bool:
        try:
            signatures.verify(self._keys, request.headers, request.body, time.time())
        except signatures.BadSignature:
            return False
        return True

    def _choose_status(self, name: str, is_signed: bool, problem: str) -> HTTPStatus:
        if not is_signed:
            return HTTPStatus.UNAUTHORIZED
        if problem:
            return HTTPStatus.UNPROCESSABLE_ENTITY
        refused = [each for each in self.arrivals if each.status in REFUSALS]
        if len(refused) < len(REFUSALS) and name not in {each.id for each in self.arrivals}:
            return REFUSALS[len(refused)]
        return HTTPStatus.OK


def _names(body: bytes) -> tuple[str, str]:
    """The id and the key of an event; each is empty if the body names none."""
    try:
        document: Any = strict_json.parse(body)
    except strict_json.MalformedDocument:
        return "", ""
    members = document if isinstance(document, dict) else {}
    name, key = members.get("id"), members.get("order_id")
    return name if isinstance(name, str) else "", key if isinstance(key, str) else ""


def _read(request: Request, order: Order | None) -> tuple[Event | None, str]:
    """Read an event as DOFS does. Returns it, or why it is malformed."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in ("", "application/json"):
        return None, "Content-Type is not application/json"
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        return None, "the body has a content encoding"
    if len(request.body) > MAX_BODY:
        return None, f"the body is longer than {MAX_BODY} bytes"
    try:
        event = read_event(request.body)
        return (event.about(order), "") if order else (None, "order_id is not a delivery key of DOFS")
    except Malformed as error:
        return None, str(error)
