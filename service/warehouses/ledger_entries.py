"""The entries of a simulated warehouse's ledger."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from service.orders.warehouse import State


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a delivery. Its name and its SKU are no part of its identity."""

    line_id: str
    product_id: str
    quantity: int
    name: str = field(default="", compare=False)
    sku: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Parcel:
    """A parcel that was shipped.

    ``number`` is its place in the ledger, from 1. ``shipment_id`` is unique within its delivery, and only there.
    ``lines`` maps the id of a line to the quantity in the parcel.
    """

    number: int
    key: str
    shipment_id: str
    tracking_number: str
    shipped_at: datetime
    lines: Mapping[str, int]

    @property
    def order_id(self) -> str:
        """The order that the parcel belongs to."""
        return order_of(self.key)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery and its present state. ``number`` is its place in the ledger, from 1; ``items`` are sorted by line.

    ``details`` are the other members of the request: the reference, the address, the service level and the note.
    ``due_at`` is the time that was named for an accepted delivery; ``cancel_asked`` is true while a cancellation waits
    for a decision; ``events`` counts the events.
    """

    number: int
    key: str
    items: tuple[Item, ...]
    received_at: datetime
    status: State
    reason: str = ""
    parcels: tuple[Parcel, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    due_at: datetime | None = None
    cancel_asked: bool = False
    events: int = 0

    @property
    def order_id(self) -> str:
        """The order that the delivery belongs to."""
        return order_of(self.key)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a delivery. ``type`` is that of its callback; a shipped parcel is in ``parcel``."""

    id: str
    type: str
    key: str
    occurred_at: datetime
    parcel: Parcel | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Doubled:
    """A line of an order of which more was shipped than ordered, over all deliveries of the order."""

    order_id: str
    line_id: str
    ordered: int
    parcels: tuple[Parcel, ...]

    @property
    def shipped(self) -> int:
        """The quantity in all parcels together."""
        return sum(parcel.lines[self.line_id] for parcel in self.parcels)


@dataclass(frozen=True, slots=True)
class Extract:
    """A part of the ledger at one moment: all counts, and some of the entries, newest first.

    ``counts`` has the number of deliveries in each state. ``doubled_orders`` counts orders, ``doubled`` lists lines.
    """

    counts: Mapping[State, int]
    parcel_count: int
    doubled_orders: int
    doubled: tuple[Doubled, ...]
    deliveries: tuple[Delivery, ...]
    parcels: tuple[Parcel, ...]


def order_of(key: str) -> str:
    """Return the order of a delivery key: the key without ``-d`` and the number of the delivery."""
    return re.sub(r"-d[1-9][0-9]*\Z", "", key)


def event_id(seed: str, key: str, kind: str, number: int) -> str:
    """Return the id of an event by its type and its number among the events of its delivery."""
    digest = hashlib.sha256(f"{seed}\n{key}\n{kind}\n{number}".encode()).hexdigest()
    return f"evt_{digest[:24]}"


T = TypeVar("T")


def select_before(entries: Sequence[T], before: int | None, limit: int) -> list[T]:
    """Return the last ``limit`` entries whose number, counted from 1, is below ``before``, the last one first.

    Args:
        entries: the entries, oldest first.
        before: the number; by default, the newest entry is the first.
        limit: the most entries.
    """
    end = len(entries) if before is None else min(max(before - 1, 0), len(entries))
    return list(reversed(entries[max(end - limit, 0) : end]))
