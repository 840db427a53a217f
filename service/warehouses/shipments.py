"""Reads the parcels that a warehouse reports: strictly what was shipped, and leniently how it is described."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from service.orders.lines import line_id
from service.orders.shipments import MAX_SHIPMENTS, Lines, Shipment
from service.orders.timestamps import YEARS, parse, to_the_millisecond
from service.warehouses.malformed import Malformed

if TYPE_CHECKING:
    from datetime import datetime

    from service.orders.model import Order

MAX_ID = 128
"""Characters of a parcel's id."""
MAX_DESCRIPTION = {"carrier": 64, "tracking_number": 64, "tracking_url": 512}
"""Characters of the members that describe a parcel."""
MAX_QUANTITY = 1_000_000_000


def read_shipments(document: Any, order: Order, delivery: int) -> tuple[Shipment, ...]:
    """Read the list of a delivery's parcels.

    Args:
        document: the member ``shipments``; None if there is none.
        order: the order.
        delivery: the number of the delivery.

    Raises:
        Malformed: it is no list of parcels of this order, or names one parcel twice.
    """
    if document is None:
        return ()
    if not isinstance(document, list):
        raise Malformed("shipments is not a list")
    if len(document) > MAX_SHIPMENTS:
        raise Malformed(f"there are more than {MAX_SHIPMENTS} shipments")
    positions = _positions(order)
    shipments = tuple(_read_shipment(each, positions, delivery) for each in document)
    if len({shipment.id for shipment in shipments}) < len(shipments):
        raise Malformed("two shipments have the same id")
    return shipments


def read_shipment(document: Any, order: Order, delivery: int) -> Shipment:
    """Read one parcel. A description that is malformed or too long is left out. Arguments: as ``read_shipments``.

    Raises:
        Malformed: it has no id, or its lines are not lines of this order.
    """
    return _read_shipment(document, _positions(order), delivery)


def read_time(value: Any) -> datetime | None:
    """A time of the warehouse, cut to the millisecond; None if it is no timestamp with a time zone."""
    try:
        instant = parse(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return to_the_millisecond(instant) if instant.year in YEARS else None


def _read_shipment(document: Any, positions: Mapping[str, int], delivery: int) -> Shipment:
    if not isinstance(document, dict):
        raise Malformed("a shipment is not a JSON object")
    name = document.get("id")
    if not (isinstance(name, str) and 0 < len(name) <= MAX_ID and name.isprintable()):
        raise Malformed(f"the id of a shipment is not a text of 1 to {MAX_ID} printable characters")
    return Shipment(
        delivery=delivery,
        id=name,
        lines=_read_lines(document.get("items"), positions),
        shipped_at=read_time(document.get("shipped_at")),
        **{member: _read_description(document.get(member), member) for member in MAX_DESCRIPTION},
    )


def _positions(order: Order) -> dict[str, int]:
    """The positions of the order's lines, by their ids at the warehouse."""
    try:
        return {line_id(item, position): position for position, item in enumerate(order.document["items"], 1)}
    except (KeyError, TypeError, AttributeError):  # an order that was rejected as invalid
        raise Malformed("the order has no lines") from None


def _read_lines(items: Any, positions: Mapping[str, int]) -> Lines:
    if not isinstance(items, list) or not items:
        raise Malformed("the items of a shipment are not a list of lines")
    quantities: Counter[int] = Counter()
    for item in items:
        if not isinstance(item, dict):
            raise Malformed("a line of a shipment is not a JSON object")
        name, quantity = item.get("line_id"), item.get("quantity")
        if not (isinstance(name, str) and name in positions):
            raise Malformed("a shipment has a line that the order does not have")
        if not (type(quantity) is int and 1 <= quantity <= MAX_QUANTITY):
            raise Malformed("the quantity of a shipment's line is not a whole number above 0")
        quantities[positions[name]] += quantity
    return tuple(sorted(quantities.items()))


def _read_description(value: Any, member: str) -> str | None:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_DESCRIPTION[member] or not value.isprintable():
        return None
    # The console and e-mails of shops show it as a link.
    if member == "tracking_url" and not re.fullmatch(r"https?://[^\s\"'<>\\]+", value):
        return None
    return value
