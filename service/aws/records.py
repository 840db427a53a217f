"""Converts orders and failed orders to DynamoDB items and back."""

import zlib
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar

from service.aws.attributes import from_attribute, to_attribute
from service.orders.errors import UnreadableRow
from service.orders.lifecycle import Status
from service.orders.model import FailedOrder, FailureKind, FieldError, Order, TimelineEntry, link
from service.orders.shipments import Lines, Shipment
from service.orders.timestamps import parse, text

KINDS = frozenset(FailureKind)


def shard_key(value: Status | FailureKind, order_id: str, shards: int) -> str:
    """Return the index partition of an order by its status or its kind of failure, such as ``PENDING#3``."""
    return f"{value}#{zlib.crc32(order_id.encode()) % shards}"


def owner_reference(owner: str, reference: str) -> str:
    """Return the index partition of an owner's orders with a reference. No other pair has the same."""
    return f"{len(owner)}:{owner}:{reference}"


def from_order(order: Order, shards: int) -> dict[str, Any]:
    """Convert an order to an item of the orders table. None is omitted, as index keys cannot be null."""
    values = {
        "order_id": order.order_id,
        "owner": order.owner,
        "customer_id": order.customer_id,
        "reference": order.reference,
        "owner_reference": owner_reference(order.owner, order.reference) if order.reference else None,
        "submission": order.submission,
        "fingerprint": order.fingerprint,
        "traceparent": order.traceparent,
        "created_at": order.created_at,
        "updated_at": order.updated_at,
        "status": order.status,
        "status_shard": shard_key(order.status, order.order_id, shards),
        "version": order.version,
        "epoch": order.epoch,
        "attempts": order.attempts,
        "resends": order.resends,
        "restarts": order.restarts,
        "delivery": order.delivery,
        "asked": order.asked,
        "cancel_asked": order.cancel_asked,
        "looks": order.looks,
        "lines": order.lines or None,
        "shipments": order.shipments or None,
        "parcels": order.parcels,
        "due_at": order.due_at,
        "write_id": order.write_id,
        "lease_owner": order.lease_owner,
        "lease_until": order.lease_until,
        "errors": order.errors,
        "timeline": from_timeline(order.timeline),
    }
    return {name: to_attribute(value) for name, value in values.items() if value is not None}


class RowAttributes:
    """The attributes of an item. It remembers the attribute that was read last, to name the one that cannot be read."""

    def __init__(self, item: Mapping[str, Any]) -> None:
        self._item = item
        self.attribute = "order_id"

    def __getitem__(self, name: str) -> Any:
        self.attribute = name
        return from_attribute(self._item[name])

    def get(self, name: str) -> Any:
        """The value of an optional attribute; None if the row lacks it."""
        return self[name] if name in self._item else None

    def number(self, name: str, default: int | None = None) -> int:
        """The value of a whole number; ``default`` if the row lacks it."""
        if default is not None and name not in self._item:
            return default
        value = self[name]
        if type(value) is not int:
            raise TypeError("not a whole number")
        return value


Converted = TypeVar("Converted")


def name_unreadable(convert: Callable[[RowAttributes], Converted]) -> Callable[[Mapping[str, Any]], Converted]:
    """Let a conversion raise ``UnreadableRow`` with the order and the attribute, and without the data."""

    @wraps(convert)
    def convert_or_raise(item: Mapping[str, Any]) -> Converted:
        row = RowAttributes(item)
        try:
            return convert(row)
        except Exception:  # any wrong value, of any attribute
            raise UnreadableRow(item["order_id"]["S"], row.attribute) from None

    return convert_or_raise


@name_unreadable
def to_order(row: RowAttributes) -> Order:
    """Convert an item of the orders table to an order.

    Raises:
        UnreadableRow: a newer version wrote it, or it is damaged.
    """
    return Order(
        order_id=row["order_id"],
        owner=row["owner"],
        customer_id=row.get("customer_id"),
        submission=row["submission"],
        fingerprint=row["fingerprint"],
        traceparent=row.get("traceparent"),
        reference=row.get("reference"),
        created_at=parse(row["created_at"]),
        updated_at=parse(row["updated_at"]),
        status=Status(row["status"]),
        version=row.number("version"),
        epoch=row.number("epoch"),
        attempts=row.number("attempts"),
        resends=row.number("resends"),
        restarts=row.number("restarts"),
        delivery=row.number("delivery", 1),
        asked=row.number("asked", 0),
        cancel_asked=row.number("cancel_asked", 0),
        looks=row.number("looks", 0),
        lines=_lines(row.get("lines") or ()),
        shipments=tuple(_shipment(shipment) for shipment in row.get("shipments") or ()),
        parcels=row.number("parcels", 0),
        due_at=parse(due_at) if (due_at := row.get("due_at")) else None,
        write_id=row["write_id"],
        lease_owner=row.get("lease_owner"),
        lease_until=parse(lease_until) if (lease_until := row.get("lease_until")) else None,
        errors=tuple(FieldError(error["pointer"], error["detail"]) for error in row["errors"]),
        timeline=link(tuple(_entry(entry) for entry in row["timeline"])),
    )


def from_failed_order(failed: FailedOrder, shards: int) -> dict[str, Any]:
    """Convert a failed order to an item of the failed-orders table."""
    values = {
        "order_id": failed.order_id,
        "customer_id": failed.customer_id,
        "reference": failed.reference,
        "reason_shard": shard_key(failed.kind, failed.order_id, shards),
        "failed_at": failed.failed_at,
        "reason": failed.kind,
        "detail": failed.detail,
        "attempts": failed.attempts,
        "epoch": failed.epoch,
        "message_id": failed.message_id,
    }
    return {name: to_attribute(value) for name, value in values.items() if value is not None}


@name_unreadable
def to_failed_order(row: RowAttributes) -> FailedOrder:
    """Convert an item of the failed-orders table to a failed order. A kind of a newer version is shown as an error.

    Raises:
        UnreadableRow: as for ``to_order``.
    """
    return FailedOrder(
        order_id=row["order_id"],
        customer_id=row.get("customer_id"),
        reference=row.get("reference"),
        kind=FailureKind(reason) if (reason := row["reason"]) in KINDS else FailureKind.ERROR,
        detail=row["detail"] if reason in KINDS else f"{reason}: {row['detail']}",
        attempts=row.number("attempts"),
        epoch=row.number("epoch"),
        failed_at=parse(row["failed_at"]),
        message_id=row.get("message_id"),
    )


@name_unreadable
def to_duration(row: RowAttributes) -> timedelta:
    """Return the time between the creation and the last change of an order. Errors are those of ``to_order``."""
    created_at = parse(row["created_at"])
    return parse(row["updated_at"]) - created_at


def from_timeline(entries: tuple[TimelineEntry, ...]) -> tuple[dict[str, Any], ...]:
    """Convert timeline entries to maps. ``from`` is stored only where the entry before does not give it."""
    return tuple(
        {"at": text(entry.at), "to": str(entry.target), "actor": entry.actor}
        | ({"from": str(entry.source)} if entry.source else {})
        | ({"reason": entry.reason} if entry.reason else {})
        | ({"failure": str(entry.failure)} if entry.failure else {})
        for entry in entries
    )


def _entry(row: Mapping[str, Any]) -> TimelineEntry:
    source = Status(row["from"]) if "from" in row else None
    failure = row.get("failure")
    known = FailureKind(failure) if failure in KINDS else None  # a newer version may know more kinds
    return TimelineEntry(parse(row["at"]), source, Status(row["to"]), row["actor"], row.get("reason"), known)


def _lines(rows: Any) -> Lines:
    lines = tuple((position, quantity) for position, quantity in rows)
    if any(type(number) is not int or number < 1 for line in lines for number in line):
        raise TypeError("not a list of lines")
    return lines


def _shipment(row: Mapping[str, Any]) -> Shipment:
    return Shipment(
        delivery=int(row["delivery"]),
        id=row["id"],
        lines=_lines(row["lines"]),
        carrier=row.get("carrier"),
        tracking_number=row.get("tracking_number"),
        tracking_url=row.get("tracking_url"),
        shipped_at=parse(shipped_at) if (shipped_at := row.get("shipped_at")) else None,
    )
