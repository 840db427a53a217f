"""The brake's row in the orders table. No index holds it, because it has no customer and no status."""

from typing import Any

from service.aws.attributes import from_attribute, to_attribute
from service.aws.clients import Clients
from service.orders.brake import Brake
from service.orders.timestamps import parse

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
        row = {name: from_attribute(value) for name, value in (item or {}).items()}
        times = {name: parse(row[name]) for name in TIMES if row.get(name)}
        return Brake(refusals=row.get("refusals", 0), version=row.get("version", 0), **times)

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
