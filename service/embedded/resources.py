"""What the system consists of on AWS: the same tables, queues, function, workflow and schedule everywhere.

The embedded cloud creates them from here; the names, keys, indexes and attributes are those of ``terraform/``.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.settings import Settings

WORKFLOW_FILE = Path(__file__).parents[2] / "workflows" / "order_processing.asl.json"
QUEUE_RETENTION = 4 * 86_400  # seconds
DLQ_RETENTION = 14 * 86_400  # seconds; a message's age there counts from its first enqueue on the queue
BATCH_SIZE = 10
RECONCILE_EVENT = {"dofs": {"task": "reconcile"}}


@dataclass(frozen=True, slots=True)
class Names:
    """The names of a deployment, such as ``dofs-orders-dev``."""

    environment: str
    account: str
    region: str

    def _named(self, what: str) -> str:
        return f"dofs-{what}-{self.environment}"

    @property
    def orders_table(self) -> str:
        return self._named("orders")

    @property
    def failed_orders_table(self) -> str:
        return self._named("failed-orders")

    @property
    def queue(self) -> str:
        return self._named("fulfillment")

    @property
    def dead_letter_queue(self) -> str:
        return self._named("fulfillment-dlq")

    @property
    def state_machine(self) -> str:
        return self._named("order-processing")

    @property
    def function(self) -> str:
        return self._named("orders")

    @property
    def rule(self) -> str:
        return self._named("reconcile")

    @property
    def function_role(self) -> str:
        return self._named("lambda-execution-role")

    @property
    def workflow_role(self) -> str:
        return self._named("stepfunctions-execution-role")

    def queue_arn(self, queue: str) -> str:
        """The ARN of one of the two queues."""
        return f"arn:aws:sqs:{self.region}:{self.account}:{queue}"

    @property
    def state_machine_arn(self) -> str:
        return f"arn:aws:states:{self.region}:{self.account}:stateMachine:{self.state_machine}"

    @property
    def function_arn(self) -> str:
        return f"arn:aws:lambda:{self.region}:{self.account}:function:{self.function}"


def orders_table(name: str) -> dict[str, Any]:
    """The orders table, as ``CreateTable`` takes it. Its indexes hold keys only; see ``service/aws/index.py``."""
    return _table(
        name,
        {"by-customer": ("customer_id", "created_at"), "by-status": ("status_shard", "updated_at")},
    )


def failed_orders_table(name: str) -> dict[str, Any]:
    """The failed-orders table; listed newest first through an index that is sharded like that of the orders."""
    return _table(name, {"by-failed-at": ("failed_shard", "failed_at")}, projected=["reason"])


def queue_attributes(settings: Settings, dead_letter_queue_arn: str) -> dict[str, str]:
    """The fulfillment queue's attributes; the receives that it allows are the attempts that an order has."""
    redrive = {"deadLetterTargetArn": dead_letter_queue_arn, "maxReceiveCount": settings.max_attempts}
    return {
        "VisibilityTimeout": str(settings.visibility_timeout),
        "MessageRetentionPeriod": str(QUEUE_RETENTION),
        "RedrivePolicy": json.dumps(redrive),
    }


def dead_letter_queue_attributes() -> dict[str, str]:
    """The dead-letter queue's attributes."""
    return {"MessageRetentionPeriod": str(DLQ_RETENTION)}


def workflow_definition(function_arn: str, queue_url: str) -> str:
    """The state machine's definition: the file that all deployments use, with the two names filled in."""
    text = WORKFLOW_FILE.read_text()
    return text.replace("${function_arn}", function_arn).replace("${queue_url}", queue_url)


def _table(name: str, indexes: dict[str, tuple[str, str]], projected: list[str] | None = None) -> dict[str, Any]:
    attributes = ["order_id", *dict.fromkeys(key for keys in indexes.values() for key in keys)]
    projection = (
        {"ProjectionType": "INCLUDE", "NonKeyAttributes": projected} if projected else {"ProjectionType": "KEYS_ONLY"}
    )
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
                "Projection": projection,
            }
            for index, (partition, sort) in indexes.items()
        ],
    }
