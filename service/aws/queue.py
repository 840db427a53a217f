"""The fulfillment queue and its dead-letter queue on SQS."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from service.aws.clients import Clients
from service.orders.counts import Depth
from service.orders.message import Message, write
from service.orders.ports import DeadLetter

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

RECEIVE_MOST = 10  # messages; limit of ReceiveMessage
HIDDEN = 30  # seconds that a message stays hidden if the process that received it dies


class SqsFulfillmentQueue:
    """Sends the message that the workflow sends with ``sqs:sendMessage``."""

    def __init__(self, clients: Clients, queue_url: str) -> None:
        self._clients = clients
        self._queue_url = queue_url

    @property
    def _sqs(self) -> "SQSClient":
        return self._clients.sqs

    def send(self, message: Message) -> None:
        self._sqs.send_message(QueueUrl=self._queue_url, MessageBody=write(message))

    def deliver_again(self, receipt_handle: str, delay: timedelta) -> None:
        self._sqs.change_message_visibility(
            QueueUrl=self._queue_url, ReceiptHandle=receipt_handle, VisibilityTimeout=int(delay.total_seconds())
        )

    def depth(self) -> Depth:
        return _depth(self._clients, self._queue_url)

    def ready(self) -> None:
        self._sqs.get_queue_attributes(QueueUrl=self._queue_url, AttributeNames=["QueueArn"])


class SqsDeadLetterQueue:
    """Reads messages with a visibility timeout of 0, which does not change the depth that the alarm monitors.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
    """

    def __init__(self, clients: Clients, queue_url: str) -> None:
        self._clients = clients
        self._queue_url = queue_url

    @property
    def _sqs(self) -> "SQSClient":
        return self._clients.sqs

    def peek(self) -> tuple[DeadLetter, ...]:
        return tuple(_dead_letter(message) for message in self._receive(RECEIVE_MOST, 0))

    def remove(self, unwanted: Callable[[DeadLetter], bool], most: int) -> int:
        removed = 0
        kept: dict[str, None] = {}
        try:
            while (left := most - removed - len(kept)) > 0 and (messages := self._receive(left, HIDDEN)):
                kept |= dict.fromkeys(message["ReceiptHandle"] for message in messages)
                for message in messages:
                    if unwanted(_dead_letter(message)):
                        self._sqs.delete_message(QueueUrl=self._queue_url, ReceiptHandle=message["ReceiptHandle"])
                        del kept[message["ReceiptHandle"]]
                        removed += 1
        finally:
            for handle in kept:
                self._sqs.change_message_visibility(QueueUrl=self._queue_url, ReceiptHandle=handle, VisibilityTimeout=0)
        return removed

    def depth(self) -> Depth:
        return _depth(self._clients, self._queue_url)

    def _receive(self, most: int, hidden: int) -> list[Any]:
        answer = self._sqs.receive_message(
            QueueUrl=self._queue_url,
            MaxNumberOfMessages=min(most, RECEIVE_MOST),
            VisibilityTimeout=hidden,
        )
        return list(answer.get("Messages", []))


def _dead_letter(message: Any) -> DeadLetter:
    return DeadLetter(message["MessageId"], message["Body"])


def _depth(clients: Clients, queue_url: str) -> Depth:
    names: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = clients.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)["Attributes"]
    return Depth(*(int(attributes[name]) for name in names))
