"""The key that seals cursors: a row in the orders table, which the first process that needs it writes.

All processes of the deployment share it. A reader of this row can read every order, too, so that the key needs no
better place. No index has the row.
"""

import os
from typing import Any

from service.aws.clients import Clients

KEY = "key/cursors"
"""Its key. No order has it, because no order's id has a slash."""
KEY_BYTES = 32


def read_or_create(clients: Clients, table: str) -> bytes:
    """Read the key. A missing or damaged row is replaced, which makes all earlier cursors invalid.

    Raises:
        Unavailable: DynamoDB does not answer.
    """
    dynamodb = clients.dynamodb
    place: Any = {"order_id": {"S": KEY}}
    try:
        item: Any = dynamodb.get_item(TableName=table, Key=place, ConsistentRead=True).get("Item", {})
        found: bytes = item.get("key", {}).get("B", b"")
        if len(found) == KEY_BYTES:
            return found
        key = os.urandom(KEY_BYTES)
        dynamodb.put_item(
            TableName=table,
            Item={**place, "key": {"B": key}},
            ConditionExpression="NOT (attribute_type(#key, :binary) AND size(#key) = :bytes)",
            ExpressionAttributeNames={"#key": "key"},
            ExpressionAttributeValues={":binary": {"S": "B"}, ":bytes": {"N": str(KEY_BYTES)}},
        )
    except dynamodb.exceptions.ConditionalCheckFailedException:  # another process was first
        return read_or_create(clients, table)
    return key
