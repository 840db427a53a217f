"""The parcels of an order.

A parcel is known by the number of its delivery and by the id that the warehouse gave it. A parcel that is reported
again changes nothing.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

MAX_SHIPMENTS = 50
"""The most parcels of an order."""
MAX_BYTES = 30_000
"""The most bytes of an order's parcels: with more, the largest order would exceed 400 KB, the limit of a row."""

Lines = tuple[tuple[int, int], ...]
"""Lines with their quantities, sorted by line. A line is named by its position in the submitted document, from 1."""


class TooManyShipments(Exception):
    """An order would have more than ``MAX_SHIPMENTS`` parcels, or more than ``MAX_BYTES``."""

    def __init__(self) -> None:
        super().__init__(f"the order would have more than {MAX_SHIPMENTS} parcels, or more than {MAX_BYTES:,} bytes")


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

    @property
    def size(self) -> int:
        """About as many bytes as a row needs for it, and no fewer."""
        texts = (self.id, self.carrier, self.tracking_number, self.tracking_url)
        return 130 + sum(len(text.encode()) for text in texts if text) + 20 * len(self.lines)


def merge(known: tuple[Shipment, ...], reported: Iterable[Shipment]) -> tuple[Shipment, ...]:
    """Add the parcels that are not known yet. A known parcel stays as it was first reported.

    Raises:
        TooManyShipments: there would be more than ``MAX_SHIPMENTS``, or more than ``MAX_BYTES``.
    """
    found = {shipment.key: shipment for shipment in known}
    for shipment in reported:
        found.setdefault(shipment.key, shipment)
    if len(found) > MAX_SHIPMENTS or sum(shipment.size for shipment in found.values()) > MAX_BYTES:
        raise TooManyShipments
    # The order of reports must not show in the row: any order of the same callbacks ends in the same row.
    return tuple(found[key] for key in sorted(found))


def shipped(shipments: Iterable[Shipment]) -> Counter[int]:
    """The quantity that was shipped of each line, by its position."""
    total: Counter[int] = Counter()
    for shipment in shipments:
        total.update(dict(shipment.lines))
    return total
