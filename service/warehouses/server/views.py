"""The JSON of the simulated warehouse: the state of a delivery, as the contract describes it, and the ledger."""

from typing import Any
from urllib.parse import urlencode

from service.orders import timestamps
from service.warehouses.ledger_entries import Delivery, Doubled, Event, Extract, Parcel
from service.warehouses.server.callback_entries import CallbackExtract

CARRIER = "Simulated Parcels"
PERSONAL_DATA = ("ship_to", "note")
TRACKING_URL = "https://parcels.example/"


def show_state(delivery: Delivery) -> dict[str, Any]:
    """The state of a delivery, in every answer of the contract."""
    return {
        "order_id": delivery.key,
        "status": delivery.status,
        **({"reason": delivery.reason} if delivery.reason else {}),
        **({"due_at": timestamps.text(delivery.due_at)} if delivery.due_at and delivery.status == "accepted" else {}),
        "shipments": [_show_shipment(parcel) for parcel in delivery.parcels],
    }


def show_event(event: Event) -> dict[str, Any]:
    """The body of the callback of an event, as the contract describes it."""
    return {
        "id": event.id,
        "type": event.type,
        "order_id": event.key,
        "occurred_at": timestamps.text(event.occurred_at),
        **({"shipment": _show_shipment(event.parcel)} if event.parcel else {}),
        **({"reason": event.reason} if event.reason else {}),
    }


def show_ledger(
    extract: Extract, callbacks: CallbackExtract | None, limit: int, with_personal_data: bool
) -> dict[str, Any]:
    """A page of the ledger. ``next`` is the path of the next page; after the last one it is None.

    Args:
        extract: the entries.
        callbacks: the callbacks; None if there are none. Each page has the latest ones.
        limit: the most entries of each kind.
        with_personal_data: whether deliveries show their address and note.
    """
    counts = {str(state): count for state, count in extract.counts.items()}
    return {
        "counts": {
            "deliveries": sum(counts.values()),
            **counts,
            "parcels": extract.parcel_count,
            "doubled_orders": extract.doubled_orders,
        },
        "doubled": [_show_doubled(each) for each in extract.doubled],
        "deliveries": [_show_delivery(each, with_personal_data) for each in extract.deliveries],
        "parcels": [_show_parcel(each) for each in extract.parcels],
        "callbacks": _show_callbacks(callbacks) if callbacks else None,
        "next": _next_page(extract, limit),
    }


def _next_page(extract: Extract, limit: int) -> str | None:
    """A list that has ended goes on before number 1, which is empty."""
    before = {
        "deliveries_before": extract.deliveries[-1].number if extract.deliveries else 1,
        "parcels_before": extract.parcels[-1].number if extract.parcels else 1,
    }
    ended = set(before.values()) == {1}
    return None if ended else f"/ledger?{urlencode({'limit': limit, **before})}"


def _show_delivery(delivery: Delivery, with_personal_data: bool) -> dict[str, Any]:
    return {
        "number": delivery.number,
        "key": delivery.key,
        "order_id": delivery.order_id,
        "status": delivery.status,
        "reason": delivery.reason,
        "received_at": timestamps.text(delivery.received_at),
        "due_at": timestamps.text(delivery.due_at) if delivery.due_at else None,
        "cancel_asked": delivery.cancel_asked,
        "items": [
            {
                "line_id": item.line_id,
                "product_id": item.product_id,
                "quantity": item.quantity,
                **{name: text for name, text in (("name", item.name), ("sku", item.sku)) if text},
            }
            for item in delivery.items
        ],
        **{name: value for name, value in delivery.details.items() if with_personal_data or name not in PERSONAL_DATA},
        "shipments": [parcel.shipment_id for parcel in delivery.parcels],
    }


def _show_shipment(parcel: Parcel) -> dict[str, Any]:
    return {
        "id": parcel.shipment_id,
        "carrier": CARRIER,
        "tracking_number": parcel.tracking_number,
        "tracking_url": f"{TRACKING_URL}{parcel.tracking_number}",
        "shipped_at": timestamps.text(parcel.shipped_at),
        "items": _show_lines(parcel),
    }


def _show_callbacks(callbacks: CallbackExtract) -> dict[str, Any]:
    return {
        **callbacks.counts,
        "pending": callbacks.pending,
        "latest": [
            {
                "id": each.event.id,
                "type": each.event.type,
                "key": each.event.key,
                "ended_at": timestamps.text(each.ended_at),
                "outcome": each.outcome,
                "answer": each.answer,
                "tries": each.tries,
            }
            for each in callbacks.latest
        ],
    }


def _show_parcel(parcel: Parcel) -> dict[str, Any]:
    return {
        "number": parcel.number,
        "key": parcel.key,
        "order_id": parcel.order_id,
        "id": parcel.shipment_id,
        "shipped_at": timestamps.text(parcel.shipped_at),
        "items": _show_lines(parcel),
    }


def _show_doubled(doubled: Doubled) -> dict[str, Any]:
    return {
        "order_id": doubled.order_id,
        "line_id": doubled.line_id,
        "ordered": doubled.ordered,
        "shipped": doubled.shipped,
        "parcels": [{"key": parcel.key, "id": parcel.shipment_id} for parcel in doubled.parcels],
    }


def _show_lines(parcel: Parcel) -> list[dict[str, Any]]:
    return [{"line_id": line_id, "quantity": quantity} for line_id, quantity in parcel.lines.items()]
