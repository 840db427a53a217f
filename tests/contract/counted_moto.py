"""Fills moto's tables with any number of orders, and counts requests and responses.

moto scans and sorts a whole table for each query, so that its time says nothing about DynamoDB.
"""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict

from service.aws.clients import Clients
from service.aws.records import from_failed_order, from_order, shard_key
from service.aws.store import DynamoDbOrderStore
from service.orders.timestamps import text
from service.settings import Settings
from tests.contract import growth
from tests.contract.growth import OPERATIONS, Reads, system_of


def fill(settings: Settings, orders: int) -> None:
    """Fill moto's tables with numbered orders, as after writing each order.

    Writing items through the API takes a millisecond each. Items of one status share all values but their keys.
    """
    tables = dynamodb_backends[DEFAULT_ACCOUNT_ID][settings.region].tables
    shards = settings.status_shards
    rows, failures = tables[settings.orders_table].items, tables[settings.failed_orders_table].items
    patterns = [_attributes(from_order(growth.numbered(number), shards)) for number in range(len(growth.STATUSES))]
    for number in range(orders):
        at = {"S": text(growth.stamp(number))}
        partition = shard_key(growth.status(number), growth.order_id(number), shards)
        stamps = dict.fromkeys(("created_at", "updated_at", "lease_until"), DynamoType(at))
        _put(rows, number, patterns[number % len(patterns)], stamps | {"status_shard": DynamoType({"S": partition})})
    for number in growth.failed(orders):
        _put(failures, number, _attributes(from_failed_order(growth.numbered_failure(number), shards)), {})


class SharedValue(DynamoType):
    """A value that many items share. It is not copied, although moto copies every item that a query reads."""

    def __deepcopy__(self, _: Any) -> "SharedValue":
        return self


def _attributes(item: dict[str, Any]) -> dict[str, DynamoType]:
    return {name: SharedValue(value) for name, value in item.items()}


def _put(items: Any, number: int, pattern: dict[str, DynamoType], keys: dict[str, DynamoType]) -> None:
    """Put an item without moto's check of its size for each attribute."""
    item = Item.__new__(Item)
    item.hash_key, item.range_key = DynamoType({"S": growth.order_id(number)}), None
    item.attrs = LimitedSizeDict.__new__(LimitedSizeDict)
    dict.update(item.attrs, pattern, order_id=item.hash_key, **keys)
    items[item.hash_key] = item


@contextmanager
def counted(clients: Clients) -> Iterator[Counter[Any]]:
    """Count requests to DynamoDB with their limits, and the entries and rows that they read."""
    counts: Counter[Any] = Counter()
    lock = Lock()

    def ask(model: Any, params: dict[str, Any], **_: Any) -> None:
        with lock:
            counts[model.name, json.loads(params["body"]).get("Limit")] += 1

    def answer(model: Any, parsed: Any, **_: Any) -> None:
        with lock:
            counts["entries"] += parsed.get("ScannedCount", 0)
            counts["rows"] += sum(map(len, parsed.get("Responses", {}).values())) + ("Item" in parsed)

    events = clients.dynamodb.meta.events
    events.register("before-call.dynamodb", ask)
    events.register("after-call.dynamodb", answer)
    try:
        yield counts
    finally:
        events.unregister("before-call.dynamodb", ask)
        events.unregister("after-call.dynamodb", answer)


def measure(clients: Clients, settings: Settings, orders: int) -> Iterator[tuple[str, Reads, Counter[Any]]]:
    """The reads of each operation on tables with a number of orders, and its requests by limit."""
    system = system_of(DynamoDbOrderStore(clients, settings), orders, settings)
    for name, operation in OPERATIONS.items():
        with counted(clients) as counts:
            operation(system, orders)
        entries, rows = counts.pop("entries"), counts.pop("rows")
        yield name, Reads(counts.total(), entries, rows), counts
