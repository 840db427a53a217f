"""The warehouse's answers about a delivery.

A delivery is what the warehouse is asked for under one key. An order has one delivery at a time; it gets the next
number only after an answer that ended the one before.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from service.orders.shipments import Shipment


class State(StrEnum):
    """The state of a delivery at the warehouse. The first six are the states that the warehouse itself names."""

    ACCEPTED = "accepted"  # in work
    SHIPPED = "shipped"  # all of it
    DECLINED = "declined"  # not now; nothing was shipped
    REFUSED = "refused"  # never; nothing was shipped
    CLOSED = "closed"  # a part was shipped, and the rest will not be
    CANCELLED = "cancelled"
    NOT_TAKEN = "not taken"  # this request had no effect; it says nothing about earlier ones
    NOT_FOUND = "not found"  # the warehouse never had it
    CANCELLING = "being cancelled"  # a later look shows whether it is cancelled


@dataclass(frozen=True, slots=True)
class Answer:
    """A definite answer about a delivery.

    Args:
        state: the delivery's state.
        reason: the warehouse's reason, for operators; it never quotes the order.
        retry_after: seconds to wait before the next request, if the warehouse named them; with NOT_TAKEN only.
        shipments: all parcels of the delivery.
        due_at: the time by which the delivery should have ended, if the warehouse named one; with ACCEPTED only.
    """

    state: State
    reason: str = ""
    retry_after: float | None = None
    shipments: tuple[Shipment, ...] = ()
    due_at: datetime | None = None


class OtherItems(Exception):
    """The warehouse has a delivery of this key with other items (HTTP 409): an error of this system."""
