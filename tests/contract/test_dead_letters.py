"""The dead-letter queue on SQS: peeking leaves all messages visible; a removal removes matching messages."""

from collections.abc import Iterator

import pytest

from service.aws.clients import Clients
from service.aws.queue import SqsDeadLetterQueue
from service.orders.counts import Depth
from service.orders.ports import DeadLetter


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


def test_peeking_leaves_every_message_visible(clients, queue_url):
    bodies = {f"body {number}" for number in range(3)}
    for body in bodies:
        clients.sqs.send_message(QueueUrl=queue_url, MessageBody=body)
    dead_letters = SqsDeadLetterQueue(clients, queue_url)
    for _ in range(5):
        assert {message.body for message in dead_letters.peek()} == bodies
        assert visible(clients, queue_url) == "3"


def test_peeking_returns_at_most_ten_messages(clients, queue_url):
    for number in range(25):
        clients.sqs.send_message(QueueUrl=queue_url, MessageBody=str(number))
    assert len(SqsDeadLetterQueue(clients, queue_url).peek()) == 10
    assert visible(clients, queue_url) == "25"


def put(clients: Clients, url: str, count: int) -> None:
    for number in range(count):
        clients.sqs.send_message(QueueUrl=url, MessageBody=str(number))


@pytest.mark.parametrize("count", [0, 1, 10, 25])
def test_matching_messages_are_removed_and_others_stay_visible(count, clients, queue_url):
    put(clients, queue_url, count)
    dead_letters = SqsDeadLetterQueue(clients, queue_url)
    odd = count // 2
    assert dead_letters.remove(lambda message: int(message.body) % 2 == 1, 100) == odd
    assert visible(clients, queue_url) == str(count - odd)
    assert dead_letters.depth() == Depth(count - odd, 0)
    assert all(int(message.body) % 2 == 0 for message in dead_letters.peek())


def test_a_removal_inspects_a_bounded_number_of_messages(clients, queue_url):
    put(clients, queue_url, 25)
    seen: list[str] = []
    SqsDeadLetterQueue(clients, queue_url).remove(lambda message: bool(seen.append(message.message_id)), 13)
    assert len(set(seen)) == len(seen) == 13
    assert visible(clients, queue_url) == "25"


def test_an_interrupted_removal_leaves_the_other_messages_visible(clients, queue_url):
    put(clients, queue_url, 5)

    def fail_at_three(message: DeadLetter) -> bool:
        if message.body == "3":
            raise ConnectionError("canary")
        return message.body == "0"

    with pytest.raises(ConnectionError):
        SqsDeadLetterQueue(clients, queue_url).remove(fail_at_three, 100)
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = clients.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)["Attributes"]
    assert attributes == dict(zip(names, ["4", "0"], strict=True))
