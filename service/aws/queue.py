"""The fulfillment queue and its dead-letter queue on SQS."""

import json
from typing import TYPE_CHECKING

from service.aws.clients import Clients

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

RECEIVE_MOST = 10  # messages; no ReceiveMessage takes more


class SqsFulfillmentQueue:
    """Sends the same message as the workflow's own ``sqs:sendMessage``: the order's id and nothing else."""

    def __init__(self, clients: Clients, queue_url: str) -> None:
        self._clients = clients
        self._queue_url = queue_url

    @property
    def _sqs(self) -> "SQSClient":
        return self._clients.sqs

    def send(self, order_id: str) -> None:
        self._sqs.send_message(QueueUrl=self._queue_url, MessageBody=json.dumps({"order_id": order_id}))

    def ready(self) -> None:
        self._sqs.get_queue_attributes(QueueUrl=self._queue_url, AttributeNames=["QueueArn"])


class SqsDeadLetterQueue:
    """Looks at dead letters without hiding them: a visibility timeout of 0 leaves the depth that the alarm watches.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
    """

    def __init__(self, clients: Clients, queue_url: str) -> None:
        self._clients = clients
        self._queue_url = queue_url

    def peek(self) -> tuple[str, ...]:
        answer = self._clients.sqs.receive_message(
            QueueUrl=self._queue_url, MaxNumberOfMessages=RECEIVE_MOST, VisibilityTimeout=0
        )
        return tuple(message["Body"] for message in answer.get("Messages", []))
