"""Converts orders and failed orders to DynamoDB items and back."""

import zlib
from collections.abc import Mapping
from typing import Any

from service.aws.attributes import from_attribute, to_attribute
from service.orders.lifecycle import Status
from service.orders.model import FailedOrder, FailureKind, FieldError, Order, TimelineEntry, link
from service.orders.timestamps import parse, text

KINDS = frozenset(FailureKind)


def shard_key(value: Status | FailureKind, order_id: str, shards: int) -> str:
    """Return the index partition of an order by its status or its kind of failure, such as ``PENDING#3``."""
    return f"{value}#{zlib.crc32(order_id.encode()) % shards}"


def from_order(order: Order, shards: int) -> dict[str, Any]:
    """Convert an order to an item of the orders table. None is omitted, as index keys cannot be null."""
    values = {
        "order_id": order.order_id,
        "owner": order.owner,
        "customer_id": order.customer_id,
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
        "write_id": order.write_id,
        "lease_owner": order.lease_owner,
        "lease_until": order.lease_until,
        "errors": order.errors,
        "timeline": from_timeline(order.timeline),
    }
    return {name: to_attribute(value) for name, value in values.items() if value is not None}


def to_order(item: Mapping[str, Any]) -> Order:
    """Convert an item of the orders table to an order."""
    row = {name: from_attribute(value) for name, value in item.items()}
    return Order(
        order_id=row["order_id"],
        owner=row["owner"],
        customer_id=row.get("customer_id"),
        submission=row["submission"],
        fingerprint=row["fingerprint"],
        traceparent=row.get("traceparent"),
        created_at=parse(row["created_at"]),
        updated_at=parse(row["updated_at"]),
        status=Status(row["status"]),
        version=row["version"],
        epoch=row["epoch"],
        attempts=row["attempts"],
        resends=row["resends"],
        restarts=row["restarts"],
        delivery=row.get("delivery", 1),
        asked=row.get("asked", 0),
        cancel_asked=row.get("cancel_asked", 0),
        looks=row.get("looks", 0),
        write_id=row["write_id"],
        lease_owner=row.get("lease_owner"),
        lease_until=parse(row["lease_until"]) if row.get("lease_until") else None,
        errors=tuple(FieldError(error["pointer"], error["detail"]) for error in row["errors"]),
        timeline=link(tuple(_entry(entry) for entry in row["timeline"])),
    )


def from_failed_order(failed: FailedOrder, shards: int) -> dict[str, Any]:
    """Convert a failed order to an item of the failed-orders table."""
    values = {
        "order_id": failed.order_id,
        "customer_id": failed.customer_id,
        "reason_shard": shard_key(failed.kind, failed.order_id, shards),
        "failed_at": failed.failed_at,
        "reason": failed.kind,
        "detail": failed.detail,
        "attempts": failed.attempts,
        "epoch": failed.epoch,
        "message_id": failed.message_id,
    }
    return {name: to_attribute(value) for name, value in values.items() if value is not None}


def to_failed_order(item: Mapping[str, Any]) -> FailedOrder:
    """Convert an item of the failed-orders table to a failed order. A kind of a newer version is shown as an error."""
    row = {name: from_attribute(value) for name, value in item.items()}
    return FailedOrder(
        order_id=row["order_id"],
        customer_id=row.get("customer_id"),
        kind=FailureKind(row["reason"]) if row["reason"] in KINDS else FailureKind.ERROR,
        detail=row["detail"] if row["reason"] in KINDS else f"{row['reason']}: {row['detail']}",
        attempts=row["attempts"],
        epoch=row["epoch"],
        failed_at=parse(row["failed_at"]),
        message_id=row.get("message_id"),
    )


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
