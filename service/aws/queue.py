"""The fulfillment queue on SQS."""

import json
from typing import TYPE_CHECKING

from service.aws.clients import Clients

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


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
