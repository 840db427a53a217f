"""The fulfillment queue on SQS."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from service.aws.clients import Clients
from service.aws.queue import SqsFulfillmentQueue
from service.orders.message import Message, read

HOUR = "3600"


@pytest.fixture
def queue_url(clients: Clients) -> Iterator[str]:
    url = clients.sqs.create_queue(QueueName="work", Attributes={"VisibilityTimeout": HOUR})["QueueUrl"]
    yield url
    clients.sqs.delete_queue(QueueUrl=url)


def receive(clients: Clients, url: str) -> list[Any]:
    return clients.sqs.receive_message(QueueUrl=url, AttributeNames=["All"]).get("Messages", [])


def test_a_received_message_is_delivered_again_after_the_delay(clients, queue_url):
    """The delay replaces the visibility timeout of this message, and of this receive alone."""
    queue = SqsFulfillmentQueue(clients, queue_url)
    queue.send(Message("ord_1", 0))
    (first,) = receive(clients, queue_url)
    assert receive(clients, queue_url) == []
    queue.deliver_again(first["ReceiptHandle"], timedelta(0))
    (second,) = receive(clients, queue_url)
    assert read(second["Body"]).order_id == "ord_1"
    assert second["Attributes"]["ApproximateReceiveCount"] == "2"
    queue.deliver_again(second["ReceiptHandle"], timedelta(minutes=30))
    assert receive(clients, queue_url) == []
    assert queue.depth().in_flight == 1
