"""The brake's row in the orders table. No index holds it, because it has no customer and no status."""

import logging
from typing import Any

from service.aws.attributes import to_attribute
from service.aws.clients import Clients
from service.aws.records import RowAttributes, name_unreadable
from service.orders.brake import Brake
from service.orders.errors import UnreadableRow
from service.orders.timestamps import parse

log = logging.getLogger(__name__)

KEY = "brake/warehouse"
"""Its key. No order has it, because no order's id has a slash."""
TIMES = ("since", "probe_at", "released_at")


class DynamoDbBrake:
    """Reads and writes the row; the version in the condition lets one of several writers win."""

    def __init__(self, clients: Clients, table: str) -> None:
        self._clients = clients
        self._table = table

    def read(self) -> Brake:
        key: Any = {"order_id": {"S": KEY}}
        item = self._clients.dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        if item is None:
            return Brake()
        try:
            return _to_brake(item)
        except UnreadableRow as error:  # the brake saves attempts, and guards nothing: orders pass
            log.error(
                "the row %s cannot be read, because of %s; the brake is off: delete the row", KEY, error.attribute
            )
            return Brake()

    def replace(self, brake: Brake) -> bool:
        values: dict[str, Any] = {"order_id": KEY, "refusals": brake.refusals, "version": brake.version}
        values |= {name: value for name in TIMES if (value := getattr(brake, name))}
        dynamodb = self._clients.dynamodb
        try:
            dynamodb.put_item(
                TableName=self._table,
                Item={name: to_attribute(value) for name, value in values.items()},
                ConditionExpression="attribute_not_exists(order_id) OR #version = :before",
                ExpressionAttributeNames={"#version": "version"},
                ExpressionAttributeValues={":before": to_attribute(brake.version - 1)},
            )
        except dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True


@name_unreadable
def _to_brake(row: RowAttributes) -> Brake:
    times = {name: parse(value) for name in TIMES if (value := row.get(name))}
    return Brake(refusals=row.number("refusals", 0), version=row.number("version"), **times)
