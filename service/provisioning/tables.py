"""The tables of the orders and of the failed orders, with their indexes."""

from typing import Any

from service.provisioning.deployment import Deployment


def create_tables(deployment: Deployment) -> None:
    """Create the tables that do not exist. Existing tables keep their orders."""
    dynamodb, settings = deployment.client("dynamodb"), deployment.settings
    orders = orders_table(settings.orders_table, by_owner=settings.has_owner_index)
    for table in (orders, failed_orders_table(settings.failed_orders_table)):
        try:
            dynamodb.create_table(**table)
        except dynamodb.exceptions.ResourceInUseException:
            continue
        dynamodb.get_waiter("table_exists").wait(TableName=table["TableName"], WaiterConfig={"Delay": 1})


def orders_table(name: str, *, by_owner: bool = False) -> dict[str, Any]:
    """Return the ``CreateTable`` parameters of the orders table. See ``service/aws/order_index.py`` for its indexes.

    Args:
        name: the table's name.
        by_owner: whether it has the index ``by-owner``.
    """
    return _table(
        name,
        {
            "by-customer": ("customer_id", "created_at"),
            "by-status": ("status_shard", "updated_at"),
            "by-reference": ("owner_reference", "created_at"),
            **({"by-owner": ("owner", "created_at")} if by_owner else {}),
        },
    )


def failed_orders_table(name: str) -> dict[str, Any]:
    """Return the ``CreateTable`` parameters of the failed-orders table. Its index is sharded like those of orders."""
    return _table(name, {"by-reason": ("reason_shard", "failed_at")})


def _table(name: str, indexes: dict[str, tuple[str, str]]) -> dict[str, Any]:
    attributes = ["order_id", *dict.fromkeys(key for keys in indexes.values() for key in keys)]
    return {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": attribute, "AttributeType": "S"} for attribute in attributes],
        "KeySchema": [{"AttributeName": "order_id", "KeyType": "HASH"}],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": index,
                "KeySchema": [
                    {"AttributeName": partition, "KeyType": "HASH"},
                    {"AttributeName": sort, "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
            for index, (partition, sort) in indexes.items()
        ],
    }
