"""The event source mapping of the embedded cloud behaves as Lambda's does."""

import json
import threading
import time
from typing import Any

import boto3
import pytest
from moto import mock_aws

from service.embedded.event_source import EventSource
from service.embedded.event_source_rules import failed_ids
from service.embedded.moto_patches import patch_moto
from tests.polling import PATIENCE, eventually
from tests.system import queue_depth

SENT = {"a", "b", "c"}


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        pytest.param({"batchItemFailures": []}, set(), id="no failures"),
        pytest.param({"batchItemFailures": [{"itemIdentifier": "b"}]}, {"b"}, id="one failure"),
        pytest.param({}, set(), id="no field"),
        pytest.param(None, set(), id="null"),
        pytest.param({"batchItemFailures": None}, set(), id="null failures"),
        pytest.param({"batchItemFailures": [{"itemIdentifier": ""}]}, SENT, id="an empty id"),
        pytest.param({"batchItemFailures": [{"itemIdentifier": None}]}, SENT, id="a null id"),
        pytest.param({"batchItemFailures": [{"itemIdentifier": "x"}]}, SENT, id="an id that was not sent"),
        pytest.param({"batchItemFailures": [{}]}, SENT, id="an entry without id"),
        pytest.param([1], SENT, id="another shape"),
    ],
)
def test_the_response_decides_which_messages_stay(answer, failed):
    assert failed_ids(json.dumps(answer).encode(), False, SENT) == failed


def test_all_messages_stay_after_an_error_or_an_invalid_response():
    assert failed_ids(b"{}", True, SENT) == SENT
    assert failed_ids(b"not json", False, SENT) == SENT


class Queues:
    """A queue and its dead-letter queue.

    Args:
        visibility: visibility timeout in seconds; an hour by default, so that only a test makes messages visible.
        receives: number of receives after which a message moves to the dead-letter queue.
    """

    def __init__(self, visibility: int = 3600, receives: int = 2) -> None:
        self.sqs = boto3.client("sqs", region_name="ap-south-1")
        self.dead = self.sqs.create_queue(QueueName="dead")["QueueUrl"]
        self.arn = "arn:aws:sqs:ap-south-1:123456789012:work"
        redrive = {"deadLetterTargetArn": "arn:aws:sqs:ap-south-1:123456789012:dead", "maxReceiveCount": receives}
        attributes = {"VisibilityTimeout": str(visibility), "RedrivePolicy": json.dumps(redrive)}
        self.url = self.sqs.create_queue(QueueName="work", Attributes=attributes)["QueueUrl"]

    def depth(self, url: str) -> int:
        return queue_depth(self.sqs, url)

    def deliver_again(self, record: Any) -> None:
        """Make a received message visible, as the function does."""
        self.sqs.change_message_visibility(
            QueueUrl=self.url, ReceiptHandle=record["receiptHandle"], VisibilityTimeout=0
        )


@pytest.fixture
def emulator(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws(), patch_moto(executions_kept=10):
        yield


@pytest.fixture
def queues(emulator):
    return Queues()


@pytest.mark.parametrize("counts", [[(0, 0), (1, 0)], [(0, 0), (0, 1)], [(0, 1), (1, 0)]])
def test_a_message_that_changes_between_the_counts_is_counted(counts):
    answers = iter(counts)

    class Sqs:
        def get_queue_attributes(self, AttributeNames: list[str], **_: Any) -> Any:  # noqa: N803
            return {"Attributes": dict(zip(AttributeNames, map(str, next(answers)), strict=True))}

    assert queue_depth(Sqs(), "url") >= 1


def run(queues: Queues, invoke) -> EventSource:
    source = EventSource(queues.sqs, queues.url, queues.arn, 10, invoke)
    source.start()
    return source


def test_records_have_the_format_of_lambda(queues):
    events: list[dict[str, Any]] = []
    queues.sqs.send_message(
        QueueUrl=queues.url,
        MessageBody="hello",
        MessageAttributes={"trace": {"StringValue": "t1", "DataType": "String"}},
    )
    source = run(queues, lambda event: (events.append(event), (b"{}", False))[1])
    eventually(lambda: queues.depth(queues.url) == 0)
    source.stop()
    (record,) = events[0]["Records"]
    assert record["body"] == "hello"
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"] == queues.arn
    assert record["awsRegion"] == "ap-south-1"
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert record["messageAttributes"] == {"trace": {"stringValue": "t1", "dataType": "String"}}
    assert record["messageId"]
    assert record["receiptHandle"]


def test_only_the_failed_message_returns_and_reaches_the_dead_letter_queue(queues):
    receives: list[tuple[str, str]] = []

    def invoke(event: Any) -> tuple[bytes, bool]:
        failures = []
        for record in event["Records"]:
            receives.append((record["body"], record["attributes"]["ApproximateReceiveCount"]))
            if record["body"] == "bad":
                failures.append({"itemIdentifier": record["messageId"]})
                queues.deliver_again(record)
        return json.dumps({"batchItemFailures": failures}).encode(), False

    queues.sqs.send_message(QueueUrl=queues.url, MessageBody="good")
    queues.sqs.send_message(QueueUrl=queues.url, MessageBody="bad")
    source = run(queues, invoke)
    eventually(lambda: queues.depth(queues.dead) == 1)
    source.stop()
    assert queues.depth(queues.url) == 0
    assert sorted(receives) == [("bad", "1"), ("bad", "2"), ("good", "1")]


def test_messages_return_after_the_visibility_timeout_when_the_function_crashes(emulator):
    queues = Queues(visibility=1, receives=1000)
    crashed, delivered = threading.Event(), list[Any]()

    def invoke(event: Any) -> tuple[bytes, bool]:
        if not crashed.is_set():
            crashed.set()
            raise RuntimeError("the function crashed")
        delivered.append(event)
        return b"{}", False

    queues.sqs.send_message(QueueUrl=queues.url, MessageBody="order")
    source = run(queues, invoke)
    eventually(lambda: delivered)
    eventually(lambda: queues.depth(queues.url) == 0)
    source.stop()
    assert queues.depth(queues.dead) == 0


def test_the_visibility_timeout_of_the_queue_counts_from_the_receive(queues):
    """As on AWS, and not from the end of the batch."""
    from moto.sqs.models import sqs_backends

    (work,) = (each for each in sqs_backends["123456789012"]["ap-south-1"].queues.values() if each.name == "work")
    visible_after: list[float] = []

    def invoke(event: Any) -> tuple[bytes, bool]:
        (message,) = work._messages
        visible_after.append(message.visible_at / 1000 - time.time())
        return b"{}", False

    queues.sqs.send_message(QueueUrl=queues.url, MessageBody="order")
    source = run(queues, invoke)
    eventually(lambda: visible_after)
    source.stop()
    assert 3600 - PATIENCE < visible_after[0] <= 3600


def test_moto_delivers_no_message_to_the_function_itself(queues):
    """moto's own mapping would invoke the function inside SendMessage."""
    from moto.sqs.models import sqs_backends

    queue = sqs_backends["123456789012"]["ap-south-1"].queues["work"]
    queue.lambda_event_source_mappings["arn"] = object()
    assert not queue.lambda_event_source_mappings
