"""Writes requests to the warehouse, and reads its answers strictly: an answer that leaves a doubt is no answer."""

import http.client
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from service.orders import strict_json
from service.orders.lines import asked_for, line_id
from service.orders.model import Order
from service.orders.shipments import shipped
from service.orders.warehouse import Answer, State
from service.warehouses.malformed import Malformed
from service.warehouses.redaction import hide_personal_data
from service.warehouses.shipments import read_shipments, read_time

WIRE_STATES = frozenset({State.ACCEPTED, State.SHIPPED, State.DECLINED, State.REFUSED, State.CLOSED, State.CANCELLED})
"""The states that a warehouse names in an answer."""
MAX_REASON = 200  # characters
MAX_RETRY_AFTER = 3600.0  # seconds


class UnclearAnswer(http.client.HTTPException):
    """The headers of an answer are malformed, or leave open where its body ends."""


class StrictResponse(http.client.HTTPResponse):
    """Raises ``UnclearAnswer`` where http.client and urllib3 would guess, or log a part of the answer."""

    def begin(self) -> None:
        super().begin()
        encodings, lengths = (self.headers.get_all(name, []) for name in ("Transfer-Encoding", "Content-Length"))
        if (
            self.headers.defects
            or self.headers.get_payload()
            or len(encodings) + len(lengths) > 1
            or not all(each.lower() == "chunked" for each in encodings)
            or not all(re.fullmatch("[0-9]{1,18}", each) for each in lengths)
        ):
            raise UnclearAnswer

    def _read_next_chunk_size(self) -> int:
        # http.client also takes "-1", and then reads until the connection ends, however long the body is.
        size: int = super()._read_next_chunk_size()  # type: ignore[misc]
        if size < 0:
            raise UnclearAnswer
        return size


def write_order(order: Order) -> bytes:
    """The body that asks for a delivery: always the same bytes, and nothing that shipping does not need.

    A document that was stored as it was sent, because another version found it invalid, may have nulls, and a quantity
    such as ``2.0``.
    """
    document = order.document
    return strict_json.canonical_text(
        {
            "order_id": order.delivery_key,
            "items": [
                {
                    "line_id": line_id(document["items"][position - 1], position),
                    "product_id": document["items"][position - 1]["product_id"],
                    "quantity": quantity,
                    **_given(document["items"][position - 1], "name", "sku"),
                }
                for position, quantity in asked_for(order)
            ],
            "metadata": document.get("metadata") or {},
            **_given(document, "reference", "ship_to", "service_level", "note"),
        }
    ).encode()


def _given(part: dict[str, Any], *names: str) -> dict[str, Any]:
    given = {name: part[name] for name in names if part.get(name) is not None}
    return {name: _given(value, *value) if isinstance(value, dict) else value for name, value in given.items()}


def read_state(body: bytes, order: Order) -> Answer:
    """Read the state of a delivery. Members that this version does not know are ignored.

    Args:
        body: the body of the answer.
        order: the order; its present delivery was asked about.

    Raises:
        Malformed: the body is not the state of this delivery.
    """
    document = read_object(body)
    if document.get("order_id") != order.delivery_key:
        raise Malformed("order_id is not the delivery key of the request")
    status, reason = document.get("status"), document.get("reason")
    if not isinstance(status, str) or status not in WIRE_STATES:
        raise Malformed("status is not a state of a delivery")
    if not (reason is None or isinstance(reason, str)):
        raise Malformed("reason is not a string")
    shipments = read_shipments(document.get("shipments"), order, order.delivery)
    if status == State.SHIPPED and shipments:
        quantities = shipped(shipments)
        if any(quantities[position] < quantity for position, quantity in asked_for(order)):
            raise Malformed("the status is shipped, and the shipments do not have all lines")
    if status in (State.DECLINED, State.REFUSED) and shipments:
        raise Malformed(f"the status is {status}, and there are shipments")
    due_at = read_time(document.get("due_at")) if status == State.ACCEPTED else None
    return Answer(State(status), clean_reason(reason or "", order), shipments=shipments, due_at=due_at)


def read_object(body: bytes) -> dict[str, Any]:
    """Read a body that is a JSON object.

    Raises:
        Malformed: it is not.
    """
    try:
        document = strict_json.parse(body)
    except strict_json.MalformedDocument as error:
        raise Malformed(f"the body is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise Malformed("the body is not a JSON object")
    return document


def clean_reason(text: str, order: Order) -> str:
    """The text in one line of at most 200 characters, without invisible characters and without personal data."""
    visible = "".join(character if character.isprintable() else " " for character in text)
    line = " ".join(visible.split())
    return hide_personal_data(line, order.document)[:MAX_REASON] if line else ""


def read_retry_after(value: str | None, now: datetime) -> float | None:
    """The seconds of a ``Retry-After`` header, an hour at most.

    Args:
        value: the header: seconds, or an HTTP date.
        now: the present time in UTC.

    Returns:
        None if there is no header, or if it is neither of the two.
    """
    text = (value or "").strip()
    if re.fullmatch("[0-9]{1,100}", text):
        return min(float(text), MAX_RETRY_AFTER)
    if not re.fullmatch(r"[A-Za-z]{3,9}, [0-9]{2}[ -][A-Za-z]{3}[ -][0-9]{2,4} [0-9:]{8} GMT", text):
        return None
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return min(max((at.replace(tzinfo=UTC) - now).total_seconds(), 0.0), MAX_RETRY_AFTER)
