"""The lines of an order: what was ordered, what the present delivery asks for, and what is left."""

from collections.abc import Mapping
from typing import Any

from service.orders.model import Order
from service.orders.shipments import Lines, Shipment, shipped

UNNAMED = "*"
"""The id of a parcel that the warehouse did not name: short, because most rows have one, and pay by the kilobyte."""


def line_id(item: Mapping[str, Any], position: int) -> str:
    """The id of a line at the warehouse: the order's own, or its position."""
    return item.get("line_id") or str(position)


def ordered(document: Mapping[str, Any]) -> Lines:
    """The lines of a submitted document. A quantity may have been stored as ``2.0``."""
    return tuple((position, int(item["quantity"])) for position, item in enumerate(document["items"], 1))


def asked_for(order: Order) -> Lines:
    """The lines that the present delivery asks for."""
    return order.lines or ordered(order.document)


def unnamed(order: Order) -> tuple[Shipment, ...]:
    """One parcel with the lines of the present delivery that no known parcel has, for a warehouse that names none.

    What is left of the order is in it in any case: a parcel that came before the delivery was asked for is not among
    the lines that it asks for.
    """
    sent = shipped(shipment for shipment in order.shipments if shipment.delivery == order.delivery)
    rest = dict(left(order, order.shipments))
    asked = asked_for(order)
    quantities = ((position, max(number - sent[position], rest.get(position, 0))) for position, number in asked)
    lines = tuple((position, quantity) for position, quantity in quantities if quantity > 0)
    return (Shipment(delivery=order.delivery, id=UNNAMED, lines=lines),) if lines else ()


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
