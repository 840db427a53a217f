"""Lambda's event source mapping of the embedded cloud.

It receives batches, invokes the function, and deletes the messages that the answer does not report as failed. A
message that is not deleted becomes visible again when its visibility timeout ends, or when the function says so. The
queue moves it to the dead-letter queue after the last receive that is allowed.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from service.embedded.event_source_rules import Message, batch_event, deletable, delete_request, receive_request

log = logging.getLogger(__name__)

CONCURRENCY = 2
STOP_WITHIN = 0.5  # seconds
IDLE_FIRST, IDLE_LONGEST = 0.02, 0.2  # seconds between two receives of an empty queue

Invoke = Callable[[Any], tuple[bytes, bool]]
"""Invokes the function with an event; returns the answer, and whether it is an error."""


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
        """Start polling."""
        self._thread.start()

    def stop(self) -> None:
        """Stop receiving, and wait a moment for the batches in flight."""
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

    def _receive(self) -> list[Message]:
        try:
            answer = self._sqs.receive_message(**receive_request(self._queue_url, self._batch_size))
        except Exception:
            log.exception("the queue could not be read; trying again")
            return []
        messages: list[Message] = answer.get("Messages", [])
        return messages

    def _deliver(self, messages: Sequence[Message]) -> None:
        try:
            payload, errored = self._invoke(batch_event(messages, self._queue_arn))
            done = deletable(messages, payload, errored)
            if done:
                self._sqs.delete_message_batch(**delete_request(self._queue_url, done))
        except Exception:
            log.exception("a batch was not delivered; its messages become visible again")
