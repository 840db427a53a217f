"""Lists of orders, read from the indexes of the orders table.

The indexes hold keys only: an order is written four times or more and listed seldom, so a list reads its rows from
the table, where they are also never stale. Each status is spread over several partitions, so that no single one
takes every write; they are read side by side and merged.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from service.aws.clients import Clients
from service.aws.records import to_order
from service.orders.lifecycle import Status
from service.orders.model import Order
from service.orders.paging import Key, Position, cut, needed
from service.orders.ports import Page, Unavailable
from service.orders.timestamps import parse, text
from service.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

BY_CUSTOMER, BY_STATUS = "by-customer", "by-status"
BATCH_GET_KEYS = 100  # the most that one BatchGetItem takes
BATCH_GET_TRIES = 5


@dataclass(frozen=True, slots=True)
class _Partition:
    """One partition of an index, sorted by a time stamp."""

    index: str
    key: str
    value: str
    stamp: str


class OrderIndex:
    """Reads the indexes ``by-customer`` and ``by-status``."""

    def __init__(self, clients: Clients, settings: Settings) -> None:
        self._clients = clients
        self._table = settings.orders_table
        self._shards = settings.read_shards

    @property
    def _dynamodb(self) -> "DynamoDBClient":
        return self._clients.dynamodb

    def by_customer(self, customer_id: str, limit: int, after: Position | None) -> Page:
        """A customer's orders, newest first."""
        partition = _Partition(BY_CUSTOMER, "customer_id", customer_id, "created_at")
        return self._page((partition,), limit, after, lambda _: True)

    def by_status(self, status: Status, limit: int, after: Position | None) -> Page:
        """The orders of a state, the most lately changed first, less those that have moved on meanwhile."""
        return self._page(self._partitions(status), limit, after, lambda order: order.status is status)

    def waiting(self, status: Status, before: datetime, limit: int) -> tuple[Order, ...]:
        """Orders that have stood in a state since ``before``, the longest first."""
        partitions = self._partitions(status)
        queries = [
            {"comparison": "<", "at": before, "forward": True, "limit": limit, "partition": partition}
            for partition in partitions
        ]
        keys = sorted(self._query_all(queries))[:limit]
        rows = self._rows([key.order_id for key in keys])
        return tuple(order for order in rows if order.status is status and order.updated_at < before)

    def _page(
        self, partitions: Sequence[_Partition], limit: int, after: Position | None, fits: Callable[[Order], bool]
    ) -> Page:
        at = after.at if after else None
        queries = [
            {"comparison": "<=", "at": at, "forward": False, "limit": needed(limit, after), "partition": partition}
            for partition in partitions
        ]
        ids, following = cut(self._query_all(queries), limit, after)
        return Page(tuple(filter(fits, self._rows(ids))), following)

    def _partitions(self, status: Status) -> tuple[_Partition, ...]:
        return tuple(
            _Partition(BY_STATUS, "status_shard", f"{status}#{shard}", "updated_at") for shard in range(self._shards)
        )

    def _query_all(self, queries: list[dict[str, Any]]) -> list[Key]:
        if len(queries) == 1:
            return self._query(**queries[0])
        with ThreadPoolExecutor(len(queries), thread_name_prefix="index") as pool:
            return [key for keys in pool.map(lambda query: self._query(**query), queries) for key in keys]

    def _query(
        self, partition: _Partition, comparison: str, at: datetime | None, forward: bool, limit: int
    ) -> list[Key]:
        condition, names, values = "#key = :key", {"#key": partition.key}, {":key": {"S": partition.value}}
        if at is not None:
            condition += f" AND #stamp {comparison} :stamp"
            names["#stamp"] = partition.stamp
            values[":stamp"] = {"S": text(at)}
        answer = self._dynamodb.query(
            TableName=self._table,
            IndexName=partition.index,
            KeyConditionExpression=condition,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
            ScanIndexForward=forward,
            Limit=limit,
        )
        return [Key(parse(item[partition.stamp]["S"]), item["order_id"]["S"]) for item in answer["Items"]]

    def _rows(self, order_ids: list[str]) -> list[Order]:
        """The rows of some orders, in the order of the ids; one that is gone is left out."""
        rows: dict[str, Order] = {}
        for start in range(0, len(order_ids), BATCH_GET_KEYS):
            batch = order_ids[start : start + BATCH_GET_KEYS]
            keys: Any = {self._table: {"Keys": [{"order_id": {"S": order_id}} for order_id in batch]}}
            for tried in range(BATCH_GET_TRIES):
                answer = self._dynamodb.batch_get_item(RequestItems=keys)
                rows |= {item["order_id"]["S"]: to_order(item) for item in answer["Responses"].get(self._table, [])}
                keys = answer.get("UnprocessedKeys")
                if not keys:
                    break
                time.sleep(0.05 * 2**tried)
            else:
                raise Unavailable(f"DynamoDB left keys of {self._table} unprocessed {BATCH_GET_TRIES} times")
        return [rows[order_id] for order_id in order_ids if order_id in rows]
