"""Reads the events that the warehouse sends, strictly: an event that leaves a doubt is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from service.orders.callbacks import Event, EventType
from service.orders.identity import ID_PATTERN
from service.warehouses.malformed import Malformed
from service.warehouses.shipments import MAX_ID, read_shipment
from service.warehouses.wire import clean_reason, read_object

if TYPE_CHECKING:
    from service.orders.model import Order

DELIVERY_KEY = re.compile(f"({ID_PATTERN})-d([1-9][0-9]{{0,8}})")


@dataclass(frozen=True, slots=True)
class WireEvent:
    """An event whose order is not read yet.

    ``order_id`` is empty if no delivery can have the key. ``shipment`` is the parcel as the warehouse describes it;
    SHIPPED has one, and no other type.
    """

    type: EventType
    order_id: str
    delivery: int
    shipment: Any
    reason: str

    def about(self, order: Order) -> Event:
        """The event, with the lines of its parcel.

        Args:
            order: the order of ``order_id``.

        Raises:
            Malformed: the shipment is not a parcel of this order.
        """
        shipment = None if self.shipment is None else read_shipment(self.shipment, order, self.delivery)
        return Event(self.type, order.order_id, self.delivery, shipment, clean_reason(self.reason, order))


def read_event(body: bytes) -> WireEvent:
    """Read an event. Members that this version does not know are ignored.

    Args:
        body: the body of the request.

    Raises:
        Malformed: the body is not an event.
    """
    document = read_object(body)
    name, kind, key = (document.get(member) for member in ("id", "type", "order_id"))
    if not (isinstance(name, str) and 0 < len(name) <= MAX_ID):
        raise Malformed(f"id is not a text of 1 to {MAX_ID} characters")
    if not isinstance(kind, str) or kind not in [*EventType]:
        raise Malformed(f"type is not one of {', '.join(EventType)}")
    if not isinstance(key, str):
        raise Malformed("order_id is not a string")
    shipment, reason = document.get("shipment"), document.get("reason")
    if (kind == EventType.SHIPPED) is (shipment is None):
        raise Malformed(f"shipment must be there if type is {EventType.SHIPPED}, and only then")
    if not (reason is None or isinstance(reason, str)):
        raise Malformed("reason is not a string")
    found = DELIVERY_KEY.fullmatch(key)
    order_id, delivery = (found[1], int(found[2])) if found else ("", 0)
    return WireEvent(EventType(kind), order_id, delivery, shipment, reason or "")
