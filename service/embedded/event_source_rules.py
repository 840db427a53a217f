"""The rules of Lambda's event source mapping for an SQS queue, without input or output.

The embedded cloud and the tests' simulations follow them.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Message = Mapping[str, Any]
"""A message as ReceiveMessage returns it."""


def receive_request(queue_url: str, batch_size: int) -> dict[str, Any]:
    """The parameters of the ReceiveMessage call for a batch."""
    return {
        "QueueUrl": queue_url,
        "MaxNumberOfMessages": batch_size,
        "MessageSystemAttributeNames": ["All"],
        "MessageAttributeNames": ["All"],
    }


def batch_event(messages: Iterable[Message], queue_arn: str) -> dict[str, Any]:
    """The event that the function is invoked with for a batch."""
    return {"Records": [_record(message, queue_arn) for message in messages]}


def deletable(messages: Sequence[Message], payload: bytes, errored: bool) -> list[Message]:
    """The messages of a batch to delete after the function's answer.

    Args:
        messages: the batch.
        payload: the function's answer.
        errored: whether the answer is an error.
    """
    failed = failed_ids(payload, errored, {message["MessageId"] for message in messages})
    return [message for message in messages if message["MessageId"] not in failed]


def delete_request(queue_url: str, messages: Iterable[Message]) -> dict[str, Any]:
    """The parameters of the DeleteMessageBatch call for some messages."""
    entries = [{"Id": str(n), "ReceiptHandle": each["ReceiptHandle"]} for n, each in enumerate(messages)]
    return {"QueueUrl": queue_url, "Entries": entries}


def failed_ids(payload: bytes, errored: bool, sent: set[str]) -> set[str]:
    """The ids of the messages that stay on the queue, by the rules of ``ReportBatchItemFailures``.

    All stay after an error, after an answer that cannot be read, and after an answer that reports an empty id or one
    that was not sent. None stays after an answer without ``batchItemFailures``.
    """
    if errored:
        return sent
    try:
        answer = json.loads(payload)
        failures = (answer or {}).get("batchItemFailures") or []
        reported = {failure["itemIdentifier"] for failure in failures}
    except (ValueError, TypeError, KeyError, AttributeError):
        return sent
    return reported if reported <= sent else sent


def _record(message: Message, queue_arn: str) -> dict[str, Any]:
    attributes = message.get("MessageAttributes", {})
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": {
            name: {"stringValue": value.get("StringValue"), "dataType": value.get("DataType")}
            for name, value in attributes.items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": queue_arn.split(":")[3],
    }
