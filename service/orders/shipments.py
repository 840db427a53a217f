"""The parcels of an order.

A parcel is known by the number of its delivery and by the id that the warehouse gave it. A parcel that is reported
again changes nothing.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

MAX_SHIPMENTS = 50
"""The most parcels of an order: more could let its row exceed 400 KB, the limit of DynamoDB."""

Lines = tuple[tuple[int, int], ...]
"""Lines with their quantities, sorted by line. A line is named by its position in the submitted document, from 1."""


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
