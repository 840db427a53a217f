"""The order store on DynamoDB."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from service.aws.clients import Clients
from service.aws.expressions import compile_write
from service.aws.records import from_failed_order, from_order, to_failed_order, to_order
from service.orders.lifecycle import UNSUCCESSFUL, Status
from service.orders.model import FailedOrder, FailureKind, Order, Write
from service.orders.ports import Metrics, OrderExists, TransitionRefused, Unavailable
from service.orders.row_reader import RowReader
from service.orders.transition_rules import after_write, check_complete, failed_row
from service.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from service.aws.failed_order_index import FailedOrderIndex
    from service.aws.order_index import OrderIndex
    from service.orders.counts import Ended, Tally
    from service.orders.listing import Listing
    from service.orders.paging import Page, Position, Span


class DynamoDbOrderStore:
    """Stores orders in two tables. Every write is one conditional request without a read before it.

    Args:
        clients: the AWS clients.
        settings: name the tables.
        metrics: counts the rows that a list omits because they cannot be read; None if nobody does.
    """

    def __init__(self, clients: Clients, settings: Settings, metrics: Metrics | None = None) -> None:
        self._clients = clients
        self._reader = RowReader(metrics)
        self._orders = settings.orders_table
        self._failed_orders = settings.failed_orders_table
        self._shards = settings.status_shards
        self._settings = settings

    @property
    def _dynamodb(self) -> DynamoDBClient:
        return self._clients.dynamodb

    @cached_property
    def _index(self) -> OrderIndex:
        from service.aws.order_index import OrderIndex

        return OrderIndex(self._clients, self._settings, self._reader)

    @cached_property
    def _failures(self) -> FailedOrderIndex:
        from service.aws.failed_order_index import FailedOrderIndex

        return FailedOrderIndex(self._clients, self._settings, self._reader)

    def create(self, order: Order) -> Order:
        try:
            self._dynamodb.put_item(
                TableName=self._orders,
                Item=from_order(order, self._shards),
                ConditionExpression="attribute_not_exists(order_id)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException as error:
            existing = to_order(_item(error.response))
            if existing.write_id != order.write_id:
                raise OrderExists(existing) from None
            return existing
        return order

    def apply(self, write: Write) -> Order:
        check_complete(write)
        if write.transition.failed_orders and write.seen:
            return self._transact(write, write.seen)
        return self._update(write)

    def get(self, order_id: str) -> Order | None:
        answer = self._dynamodb.get_item(TableName=self._orders, Key=_key(order_id), ConsistentRead=True)
        return to_order(answer["Item"]) if "Item" in answer else None

    def get_failed(self, order_id: str) -> FailedOrder | None:
        answer = self._dynamodb.get_item(TableName=self._failed_orders, Key=_key(order_id), ConsistentRead=True)
        return to_failed_order(answer["Item"]) if "Item" in answer else None

    def list_orders(self, listing: Listing, limit: int, after: Position | None = None) -> Page[Order]:
        return self._index.page(listing, limit, after)

    def list_waiting(self, status: Status, before: datetime, page: int) -> Iterator[tuple[Order, ...]]:
        return self._index.list_waiting(status, before, page)

    def list_failed(self, kind: FailureKind, page: int) -> Iterator[tuple[Order, ...]]:
        for order_ids in self._failures.walk(kind, page):
            yield tuple(order for order in self._index.read(order_ids) if order.status in UNSUCCESSFUL)

    def failed_orders(
        self, kind: FailureKind | None, span: Span, limit: int, after: Position | None = None
    ) -> Page[FailedOrder]:
        return self._failures.page(kind, span, limit, after)

    def tally(self, group: Status | FailureKind, most: int) -> Tally:
        return self._index.tally(group, most) if isinstance(group, Status) else self._failures.tally(group, most)

    def list_ended(self, status: Status, since: datetime, most: int) -> Ended:
        return self._index.list_ended(status, since, most)

    def durations(self, order_ids: Sequence[str]) -> list[timedelta]:
        return self._index.durations(order_ids)

    def ready(self) -> None:
        self.get("ready")
        self.get_failed("ready")

    def _update(self, write: Write) -> Order:
        try:
            answer = self._dynamodb.update_item(
                TableName=self._orders,
                Key=_key(write.order_id),
                **compile_write(write, self._shards).parameters(),
                ReturnValues="NONE" if write.seen else "ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException as error:
            return _own_write_or_refuse(write, _item(error.response))
        return after_write(write.seen, write) if write.seen else to_order(answer["Attributes"])

    def _transact(self, write: Write, seen: Order) -> Order:
        """Write the order and its failed-orders row in one transaction, whose token makes retries idempotent."""
        moved = after_write(seen, write)
        update: Any = {
            "TableName": self._orders,
            "Key": _key(write.order_id),
            **compile_write(write, self._shards).parameters(),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        failed: Any = {"Delete": {"TableName": self._failed_orders, "Key": _key(write.order_id)}}
        if write.transition.failed_orders == "put" and write.failure:
            item = from_failed_order(failed_row(moved, write, write.failure), self._shards)
            failed = {"Put": {"TableName": self._failed_orders, "Item": item}}
        try:
            self._dynamodb.transact_write_items(TransactItems=[{"Update": update}, failed], ClientRequestToken=write.id)
        except self._dynamodb.exceptions.TransactionCanceledException as error:
            answer: Any = error.response
            reasons = answer["CancellationReasons"]
            if reasons[0].get("Code") != "ConditionalCheckFailed":
                codes = ", ".join(reason.get("Code", "unknown") for reason in reasons)
                raise Unavailable(f"dynamodb TransactWriteItems: cancelled by {codes}") from error
            return _own_write_or_refuse(write, _item(reasons[0]))
        return moved


def _item(answer: Any) -> Mapping[str, Any]:
    """Return the item on which a condition failed (``ReturnValuesOnConditionCheckFailure``); empty if none exists."""
    item: Mapping[str, Any] = answer.get("Item") or {}
    return item


def _own_write_or_refuse(write: Write, item: Mapping[str, Any]) -> Order:
    """Return the order if this write made it, or raise. After a retry by botocore, a write can find its own result."""
    order = to_order(item) if item else None
    if order is not None and order.write_id == write.id:
        return order
    raise TransitionRefused(write, order)


def _key(order_id: str) -> dict[str, Any]:
    return {"order_id": {"S": order_id}}
