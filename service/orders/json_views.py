"""Orders, failed orders and statistics as JSON: the form that the API and ``dofs --aws`` share.

They are plain dictionaries, so that the command line needs no FastAPI; ``service/api/views.py`` describes them for
OpenAPI.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from service.orders.brake import Brake
from service.orders.counts import Depth, Tally
from service.orders.lifecycle import OPEN, UNSUCCESSFUL, Status
from service.orders.lines import line_id
from service.orders.model import FailedOrder, FieldError, Order
from service.orders.redrive import BulkResult
from service.orders.shipments import Shipment, shipped
from service.orders.stats import LastHour, Stats
from service.orders.timestamps import text


def operator_view(order: Order, now: datetime) -> dict[str, Any]:
    """Show an order to an operator: with its owner, and its delivery at the warehouse.

    Args:
        order: the order.
        now: the time by which it is overdue or not.
    """
    view = customer_view(order)
    is_there = order.status is Status.AT_WAREHOUSE
    delivery = {
        "key": order.delivery_key,
        "asked": order.asked,
        "lines": _lines(order.lines, _line_ids(view["items"])) if order.lines else None,
        "at_warehouse_since": text(_since(order)) if is_there else None,
        "overdue": is_there and order.due_at is not None and order.due_at < now,
        "looks": order.looks,
    }
    return {**view, "owner": order.owner, "delivery": delivery}


def customer_view(order: Order) -> dict[str, Any]:
    """Show an order with its timeline."""
    submitted = order.document
    items, metadata = submitted.get("items"), submitted.get("metadata")
    items = items if isinstance(items, list) else []
    line_ids = _line_ids(items) if order.shipments else {}
    due_at = order.due_at if order.status is Status.AT_WAREHOUSE else None
    optional = ("adjustments", "ship_to", "service_level", "note", "placed_at")
    return {
        "order_id": order.order_id,
        "status": order.status,
        "customer_id": order.customer_id,
        "reference": order.reference,
        "owner": None,
        "currency": submitted.get("currency"),
        "total_amount": submitted.get("total_amount"),
        "items": items,
        "metadata": metadata if isinstance(metadata, dict) else {},
        **{name: submitted.get(name) for name in optional},
        "shipped": _lines(sorted(shipped(order.shipments).items()), line_ids),
        "shipments": [_shipment(shipment, line_ids) for shipment in order.shipments],
        "due_at": text(due_at) if due_at else None,
        "attempts": order.attempts,
        "cancel_asked": order.cancel_asked > 0 and order.asked > 0 and order.status in OPEN | UNSUCCESSFUL,
        "delivery": None,
        "created_at": text(order.created_at),
        "updated_at": text(order.updated_at),
        "errors": error_views(order.errors),
        "submission": submitted if order.status is Status.REJECTED else None,
        "timeline": [
            {
                "at": text(entry.at),
                "from": entry.source,
                "to": entry.target,
                "actor": entry.actor,
                "reason": entry.reason,
                "failure": entry.failure,
            }
            for entry in order.timeline
        ],
    }


def _line_ids(items: list[Any]) -> dict[int, str]:
    """The ids of an order's lines, by their positions. The document of a REJECTED order may have items of any type."""
    positions = enumerate(items, 1)
    return {
        position: str(line_id(item, position) if isinstance(item, dict) else position) for position, item in positions
    }


def _lines(lines: Iterable[tuple[int, int]], line_ids: Mapping[int, str]) -> list[dict[str, Any]]:
    return [{"line_id": line_ids.get(position, str(position)), "quantity": quantity} for position, quantity in lines]


def _shipment(shipment: Shipment, line_ids: Mapping[int, str]) -> dict[str, Any]:
    return {
        "id": shipment.id,
        "delivery": shipment.delivery,
        "carrier": shipment.carrier,
        "tracking_number": shipment.tracking_number,
        "tracking_url": shipment.tracking_url,
        "shipped_at": text(shipment.shipped_at) if shipment.shipped_at else None,
        "items": _lines(shipment.lines, line_ids),
    }


def _since(order: Order) -> datetime:
    """The time since which an order has its present state, as far as its timeline goes back."""
    since = order.updated_at
    for entry in reversed(order.timeline):
        if entry.target is not order.status:
            break
        since = entry.at
    return since


def failed_order_view(failed: FailedOrder) -> dict[str, Any]:
    """Show why an order failed."""
    return {
        "order_id": failed.order_id,
        "customer_id": failed.customer_id,
        "reference": failed.reference,
        "reason": failed.kind,
        "detail": failed.detail,
        "attempts": failed.attempts,
        "epoch": failed.epoch,
        "failed_at": text(failed.failed_at),
        "message_id": failed.message_id,
    }


def bulk_result_view(done: BulkResult, next_cursor: object, *, dry_run: bool) -> dict[str, Any]:
    """Show the results of redriving many orders."""
    return {
        "dry_run": dry_run,
        "results": [
            {
                "order_id": each.order_id,
                "reference": each.reference,
                "outcome": each.outcome,
                "detail": each.detail,
            }
            for each in done.results
        ],
        "dead_letters_removed": done.messages_removed,
        "next_cursor": next_cursor,
    }


def error_views(errors: tuple[FieldError, ...]) -> list[dict[str, str]]:
    """Show the field errors of an order."""
    return [{"pointer": error.pointer, "detail": error.detail} for error in errors]


def stats_view(taken: Stats) -> dict[str, Any]:
    """Show the statistics of the system."""
    oldest = taken.oldest_open
    return {
        "at": text(taken.at),
        "orders": {status: _tally(tally) for status, tally in taken.orders.items()},
        "failed": {kind: _tally(tally) for kind, tally in taken.failed.items()},
        "oldest_open": (
            {"order_id": oldest.order_id, "status": oldest.status, "since": text(oldest.updated_at)} if oldest else None
        ),
        "queue": _depth(taken.queue),
        "dead_letter_queue": _depth(taken.dead_letters),
        "brake": _brake(taken.brake),
        "last_hour": _last_hour(taken.last_hour),
    }


def _brake(brake: Brake) -> dict[str, str] | None:
    """Show since when the warehouse takes nothing; None while the brake is off. A probe without a time is due."""
    if brake.since is None:
        return None
    return {"since": text(brake.since), "probe_at": text(brake.probe_at or brake.since)}


def _tally(tally: Tally) -> dict[str, Any]:
    return {"count": tally.count, "exact": tally.exact}


def _depth(depth: Depth) -> dict[str, int]:
    return {"visible": depth.visible, "in_flight": depth.in_flight}


def _last_hour(hour: LastHour) -> dict[str, Any]:
    rate, took = hour.success_rate, hour.to_fulfillment
    return {
        "since": text(hour.since),
        "fulfilled": hour.fulfilled,
        "failed": hour.failed,
        "success_rate": None if rate is None else round(rate, 4),
        "seconds_to_fulfillment": took
        and {
            "p50": took.p50.total_seconds(),
            "p95": took.p95.total_seconds(),
            "p99": took.p99.total_seconds(),
            "orders": took.orders,
        },
        "minutes": [
            {"at": text(minute.at), "fulfilled": minute.fulfilled, "failed": minute.failed} for minute in hour.minutes
        ],
    }
