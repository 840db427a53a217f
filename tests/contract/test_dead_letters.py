"""The dead-letter queue on SQS: a look at it takes nothing out and hides nothing."""

from collections.abc import Iterator

import pytest

from service.aws.clients import Clients
from service.aws.queue import SqsDeadLetterQueue


@pytest.fixture
def queue_url(clients: Clients) -> Iterator[str]:
    url = clients.sqs.create_queue(QueueName="dead")["QueueUrl"]
    yield url
    clients.sqs.delete_queue(QueueUrl=url)


def visible(clients: Clients, url: str) -> str:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    assert attributes["ApproximateNumberOfMessagesNotVisible"] == "0"
    return attributes["ApproximateNumberOfMessages"]


def test_an_empty_queue_shows_nothing(clients, queue_url):
    assert SqsDeadLetterQueue(clients, queue_url).peek() == ()


def test_a_look_leaves_every_message_where_everybody_sees_it(clients, queue_url):
    bodies = {f"body {number}" for number in range(3)}
    for body in bodies:
        clients.sqs.send_message(QueueUrl=queue_url, MessageBody=body)
    dead_letters = SqsDeadLetterQueue(clients, queue_url)
    for _ in range(5):
        assert set(dead_letters.peek()) == bodies
        assert visible(clients, queue_url) == "3"


def test_a_look_shows_a_bounded_number(clients, queue_url):
    for number in range(25):
        clients.sqs.send_message(QueueUrl=queue_url, MessageBody=str(number))
    assert len(SqsDeadLetterQueue(clients, queue_url).peek()) == 10
    assert visible(clients, queue_url) == "25"
