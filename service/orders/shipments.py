"""The parcels of an order, and the lines that are left.

A line is named by its position in the submitted document, counted from 1. A parcel is known by the number of its
delivery and by the id that the warehouse gave it. A parcel that is reported again changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from service.orders.model import Order

MAX_SHIPMENTS = 50
"""The most parcels of an order: more could let its row exceed 400 KB, the limit of DynamoDB."""

Lines = tuple[tuple[int, int], ...]
"""Lines with their quantities: pairs of position and quantity, sorted by position."""


class TooManyShipments(Exception):
    """An order would have more than ``MAX_SHIPMENTS`` parcels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """A parcel that the warehouse has shipped.

    ``id`` is the warehouse's, and unique within its ``delivery``. ``lines`` are the lines in the parcel.
    """

    delivery: int
    id: str
    lines: Lines
    carrier: str | None = None
    tracking_number: str | None = None
    tracking_url: str | None = None
    shipped_at: datetime | None = None

    @property
    def key(self) -> tuple[int, str]:
        """What the parcel is known by."""
        return self.delivery, self.id


def ordered(document: Mapping[str, Any]) -> Lines:
    """The lines of a submitted document. A quantity may have been stored as ``2.0``."""
    return tuple((position, int(item["quantity"])) for position, item in enumerate(document["items"], 1))


def asked_for(order: Order) -> Lines:
    """The lines that the present delivery asks for."""
    return order.lines or ordered(order.document)


def whole(order: Order) -> Shipment:
    """One parcel with all lines of the present delivery, for a warehouse that names no parcel."""
    return Shipment(delivery=order.delivery, id=order.delivery_key, lines=asked_for(order))


def merge(known: tuple[Shipment, ...], reported: Iterable[Shipment]) -> tuple[Shipment, ...]:
    """Add the parcels that are not known yet. A known parcel stays as it was first reported.

    Raises:
        TooManyShipments: there would be more than ``MAX_SHIPMENTS``.
    """
    found = {shipment.key: shipment for shipment in known}
    for shipment in reported:
        found.setdefault(shipment.key, shipment)
    if len(found) > MAX_SHIPMENTS:
        raise TooManyShipments(f"more than {MAX_SHIPMENTS} parcels")
    # The order of reports must not show in the row: any order of the same callbacks ends in the same row.
    return tuple(found[key] for key in sorted(found))


def shipped(shipments: Iterable[Shipment]) -> Counter[int]:
    """The quantity that was shipped of each line, by its position."""
    total: Counter[int] = Counter()
    for shipment in shipments:
        total.update(dict(shipment.lines))
    return total


def left(order: Order, shipments: tuple[Shipment, ...]) -> Lines:
    """The lines of an order that were not shipped, with the quantities that are left.

    Args:
        order: the order.
        shipments: its parcels; they may be more than those of its row.
    """
    sent = shipped(shipments)
    rest = ((position, quantity - sent[position]) for position, quantity in ordered(order.document))
    return tuple((position, quantity) for position, quantity in rest if quantity > 0)


def exceeds(order: Order, shipments: tuple[Shipment, ...]) -> bool:
    """Whether more was shipped of a line than was ordered. Arguments are those of ``left``."""
    quantities = dict(ordered(order.document))
    return any(quantity > quantities.get(position, 0) for position, quantity in shipped(shipments).items())
