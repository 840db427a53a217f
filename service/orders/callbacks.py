"""Decides what follows from an event that the warehouse sent: the matrix of the states and the types of events.

The functions are pure. ``WarehouseEvents`` applies the decision. A parcel is written down as it was reported. Every
other event is only a reason to look: the ends of a delivery are written from a look, whose answer has all parcels.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, auto
from typing import Any

from service.orders.lifecycle import UNSUCCESSFUL, Status
from service.orders.lines import exceeds, left
from service.orders.model import Order
from service.orders.outcomes import Outcome
from service.orders.shipments import Lines, Shipment, merge
from service.orders.transitions import TransitionName


class EventType(StrEnum):
    """The type of an event, as the warehouse names it."""

    ACCEPTED = "accepted"
    SHIPPED = "shipped"  # one parcel
    REFUSED = "refused"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    CANCEL_REFUSED = "cancel_refused"


ENDS = frozenset({EventType.REFUSED, EventType.CLOSED, EventType.CANCELLED})


@dataclass(frozen=True, slots=True)
class Event:
    """An event about a delivery. ``shipment`` is the parcel; SHIPPED has one, and no other type."""

    type: EventType
    order_id: str
    delivery: int
    shipment: Shipment | None = None
    reason: str = ""


class Verdict(StrEnum):
    """What becomes of an event. Its names are reasons of the metric ``WarehouseEvents``."""

    TAKEN = auto()  # the outcome is written
    LOOK = auto()  # the warehouse is asked for the delivery's whole state
    REPEATED = auto()  # the parcel is known
    IGNORED = auto()  # it changes nothing
    TOO_EARLY = auto()  # an attempt is running, whose write comes first: send it again
    UNKNOWN = auto()  # the warehouse was never asked for this delivery


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict on an event.

    Args:
        verdict: the verdict.
        outcome: the transition, if the event is TAKEN.
        is_unexpected: whether the parcel contradicts the order, so that a person must act.
        cancels: whether the present delivery is to be cancelled at the warehouse, because it asks for lines that an
            older delivery has shipped.
    """

    verdict: Verdict
    outcome: Outcome | None = None
    is_unexpected: bool = False
    cancels: bool = False


def after_event(order: Order, event: Event, now: datetime) -> Decision:
    """Return what follows from an event.

    Args:
        order: the order as it was read.
        event: the event.
        now: the present time; a lease that has not ended by then belongs to a running attempt.

    Raises:
        TooManyShipments: the order would have too many parcels.
    """
    if event.delivery > order.delivery:
        return Decision(Verdict.UNKNOWN)
    is_running = order.status is Status.PROCESSING and order.lease_until is not None and order.lease_until >= now
    if event.shipment:
        if event.shipment.key in {shipment.key for shipment in order.shipments}:
            return Decision(Verdict.REPEATED)
        return Decision(Verdict.TOO_EARLY) if is_running else _after_parcel(order, event.shipment)
    if order.status in (Status.RECEIVED, Status.REJECTED):
        return Decision(Verdict.UNKNOWN)
    if event.delivery < order.delivery:
        return Decision(Verdict.IGNORED)
    if is_running:
        return Decision(Verdict.TOO_EARLY)
    if not order.asked or not (order.is_open or order.status in UNSUCCESSFUL):
        return Decision(Verdict.IGNORED)
    if event.type is EventType.CANCEL_REFUSED:
        if not (order.is_open and order.cancel_asked):
            return Decision(Verdict.IGNORED)
        reason = "the warehouse does not cancel it" + (f": {event.reason}" if event.reason else "")
        return Decision(Verdict.TAKEN, Outcome("cancel_refused", reason))
    if event.type in ENDS or order.status not in (Status.AT_WAREHOUSE, Status.PARTLY_FULFILLED):
        return Decision(Verdict.LOOK)
    return Decision(Verdict.IGNORED)


def _after_parcel(order: Order, shipment: Shipment) -> Decision:
    parcels = merge(order.shipments, (shipment,))
    values: dict[str, Any] = {"shipments": parcels, "parcels": len(parcels)}
    if not (order.is_open or order.status in UNSUCCESSFUL) or order.status is Status.RECEIVED:
        reason = f"the warehouse shipped a parcel of an order that is {order.status}"
        return Decision(Verdict.TAKEN, Outcome("ship_contradiction", reason, None, values), is_unexpected=True)
    is_old = shipment.delivery < order.delivery or not order.asked
    unexpected = is_old or exceeds(order, parcels)
    rest = left(order, parcels)
    late = order.status in UNSUCCESSFUL
    cancels = bool(is_old and order.asked and order.is_open)
    reason = "the warehouse shipped a parcel" + (" of an older delivery" if is_old else "")
    if not rest:
        name: TransitionName = "ship_late_last" if late else "ship_last"
        return Decision(
            Verdict.TAKEN, Outcome(name, f"{reason}; it was the last one", None, values), unexpected, cancels
        )
    # What was asked for is frozen: the warehouse compares it with what it has under the key.
    lines: Lines = order.lines if order.asked else rest
    outcome = Outcome("ship_late" if late else "ship", reason, None, values | {"lines": lines})
    return Decision(Verdict.TAKEN, outcome, unexpected, cancels)
