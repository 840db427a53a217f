"""What Lambda's event source mapping does between a queue and a function.

It receives batches, invokes the function with them, and deletes what the answer does not report as failed. What is
not deleted becomes visible again when its visibility timeout ends, and the queue moves it to the dead-letter queue
after the last receive that is allowed.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

log = logging.getLogger(__name__)

CONCURRENCY = 2
STOP_WITHIN = 0.5  # seconds
IDLE_FIRST, IDLE_LONGEST = 0.02, 0.2  # seconds between two receives of an empty queue

Invoke = Callable[[Any], tuple[bytes, bool]]
"""Invokes the function with an event; the payload, and whether it is an error."""


class EventSource:
    """Polls one queue for one function until it is stopped."""

    def __init__(self, sqs: Any, queue_url: str, queue_arn: str, batch_size: int, invoke: Invoke) -> None:
        self._sqs = sqs
        self._queue_url = queue_url
        self._queue_arn = queue_arn
        self._batch_size = batch_size
        self._invoke = invoke
        self._stopped = threading.Event()
        self._free = threading.Semaphore(CONCURRENCY)
        self._pool = ThreadPoolExecutor(CONCURRENCY, thread_name_prefix="event-source")
        self._thread = threading.Thread(target=self._poll, name="event-source", daemon=True)

    def start(self) -> None:
        """Begin to poll."""
        self._thread.start()

    def stop(self) -> None:
        """Take no more messages, and give the batches in hand a moment to end."""
        self._stopped.set()
        ends = time.monotonic() + STOP_WITHIN
        self._thread.join(STOP_WITHIN)
        for _ in range(CONCURRENCY):
            self._free.acquire(timeout=max(0.0, ends - time.monotonic()))
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _poll(self) -> None:
        idle = IDLE_FIRST
        while not self._stopped.is_set():
            if not self._free.acquire(timeout=IDLE_LONGEST):
                continue
            messages = self._receive()
            if messages:
                idle = IDLE_FIRST
                self._pool.submit(self._deliver, messages).add_done_callback(lambda _: self._free.release())
            else:
                self._free.release()
                self._stopped.wait(idle)
                idle = min(idle * 2, IDLE_LONGEST)

    def _receive(self) -> list[dict[str, Any]]:
        try:
            answer = self._sqs.receive_message(
                QueueUrl=self._queue_url,
                MaxNumberOfMessages=self._batch_size,
                MessageSystemAttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
        except Exception:
            log.exception("the queue could not be read; trying again")
            return []
        messages: list[dict[str, Any]] = answer.get("Messages", [])
        return messages

    def _deliver(self, messages: Sequence[Mapping[str, Any]]) -> None:
        try:
            payload, errored = self._invoke({"Records": [self._record(message) for message in messages]})
            failed = failed_ids(payload, errored, {message["MessageId"] for message in messages})
            done = [message for message in messages if message["MessageId"] not in failed]
            if done:
                entries = [{"Id": str(n), "ReceiptHandle": each["ReceiptHandle"]} for n, each in enumerate(done)]
                self._sqs.delete_message_batch(QueueUrl=self._queue_url, Entries=entries)
        except Exception:
            log.exception("a batch was not delivered; its messages become visible again")

    def _record(self, message: Mapping[str, Any]) -> dict[str, Any]:
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
            "eventSourceARN": self._queue_arn,
            "awsRegion": self._queue_arn.split(":")[3],
        }


def failed_ids(payload: bytes, errored: bool, sent: set[str]) -> set[str]:
    """Which messages of a batch stay on the queue, by the rules for ``ReportBatchItemFailures``.

    All of them after an error, for an answer that cannot be read, and for an id that is empty or was not sent; none
    for an answer without ``batchItemFailures``.
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
