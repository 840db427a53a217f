"""Answers of the warehouse under test."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from service.orders import strict_json
from service.orders.lines import exceeds
from service.orders.model import Order
from service.orders.warehouse import Answer
from service.warehouses.conformance.results import NotSeen, Wrong
from service.warehouses.malformed import Malformed
from service.warehouses.wire import read_state

WITH_STATE = {"POST": (200, 202, 422), "GET": (200,), "PUT": (200, 202, 409)}
"""The HTTP statuses of answers that have the state of the delivery, by method."""
EXCERPT = 120  # characters


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer.

    Args:
        method: the method of the request, which names it: a POST asks, a GET looks, and a PUT cancels.
        key: the delivery key.
        status: the HTTP status.
        headers: the headers.
        body: the body.
        started: when the request was sent, on the monotonic clock.
        ended: when the answer was complete.
        answer: the state of the delivery; None if the answer has none.
        problem: why the answer is not the state that it should be; empty if it need not be one.
    """

    method: str
    key: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    started: float
    ended: float
    answer: Answer | None = None
    problem: str = ""

    @property
    def state(self) -> Answer:
        """The state of the delivery.

        Raises:
            NotSeen: the answer is malformed, which another check reports.
        """
        if self.answer is None:
            raise NotSeen(f"the answer to {self.method} is not the state of the delivery: {self.problem}")
        return self.answer

    @property
    def document(self) -> dict[str, Any]:
        """The body as a JSON object; empty if it is none."""
        try:
            document = strict_json.parse(self.body)
        except strict_json.MalformedDocument:
            return {}
        return document if isinstance(document, dict) else {}

    def expect(self, sent: str, statuses: Collection[int]) -> None:
        """Check the HTTP status.

        Args:
            sent: the request, in a few words.
            statuses: the statuses that are right.

        Raises:
            Wrong: it is another one.
        """
        if self.status not in statuses:
            raise Wrong(f"{sent} under {self.key}", f"HTTP {' or '.join(map(str, statuses))}", self.describe())

    def describe(self) -> str:
        """The answer in a few words."""
        if self.answer is None:
            text = " ".join(self.body[: 4 * EXCERPT].decode(errors="replace").split())[:EXCERPT]
            return f"HTTP {self.status}{text and f': {text}'}"
        parcels = ", ".join(parcel.id for parcel in self.answer.shipments)[:EXCERPT]
        return f"HTTP {self.status}, {self.answer.state}, {f'parcels {parcels}' if parcels else 'no parcels'}"


def read_answer(method: str, status: int, body: bytes, order: Order) -> tuple[Answer | None, str]:
    """Read the state of a delivery as DOFS does.

    Returns:
        The state, or None; and why there is none although there should be one.
    """
    if status not in WITH_STATE[method]:
        return None, ""
    try:
        return read_state(body, order), ""
    except Malformed as error:
        return None, str(error)


def ships_too_much(order: Order, replies: Iterable[Reply]) -> bool:
    """Whether the parcels of some answers about an order have more of a line than it asks for.

    A parcel that several answers name counts once, as it was named first.
    """
    named = [parcel for reply in replies if reply.answer for parcel in reply.answer.shipments]
    return exceeds(order, tuple({parcel.id: parcel for parcel in reversed(named)}.values()))
