"""Processes the records of an SQS event in threads, until the deadline of the invocation."""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import Any

from service.orders.isolation import Waiting
from service.orders.model import Order

log = logging.getLogger(__name__)

PARALLEL = 10
SHARE = 1 / 3
"""The share of its time that a batch must have left to begin with an order that waited. With less time, an attempt
could fail only because the ones before it took long."""

Record = Mapping[str, Any]
Work = Callable[[Record, Order | None], bool | Order]
"""Processes one record: True if its message may be deleted; the order if it waits until other records have ended."""


class Batch:
    """The records of an SQS event.

    Args:
        records: the records.
        seconds_left: time until Lambda ends the invocation.
        margin: seconds before that time in which no record is started.
    """

    def __init__(self, records: Sequence[Record], seconds_left: Callable[[], float], margin: float) -> None:
        self._unfinished = {record["messageId"]: record for record in records}
        self._seconds_left = seconds_left
        self._margin = margin
        self._enough = SHARE * self.left()
        self._pool = ThreadPoolExecutor(min(PARALLEL, len(records)), thread_name_prefix="fulfill")

    def left(self) -> float:
        """The seconds that are left for the warehouse."""
        return self._seconds_left() - self._margin

    def process(self, work: Work) -> list[Waiting]:
        """Process all records in parallel; return the orders that wait, each with its message id."""
        return self._process([(message_id, None) for message_id in self._unfinished], work, 0)

    def process_waiting(self, waiting: Sequence[Waiting], work: Work) -> None:
        """Process records whose orders have waited, in parallel, if enough time is left."""
        self._process(waiting, work, self._enough)

    def close(self) -> dict[str, Any]:
        """Start no further record.

        Returns:
            ``batchItemFailures`` with the id of each record that must stay on the queue.
        """
        self._pool.shutdown(wait=False, cancel_futures=True)
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in self._unfinished]}

    def _process(self, tasks: Sequence[tuple[str, Order | None]], work: Work, least: float) -> list[Waiting]:
        """Process some records in parallel, and start none with ``least`` seconds left or less."""
        waiting, found = list(tasks), list[Waiting]()
        running: dict[Future[bool | Order], str] = {}
        while waiting or running:
            while waiting and len(running) < PARALLEL and self.left() > least:
                message_id, order = waiting.pop(0)
                task = self._pool.submit(copy_context().run, work, self._unfinished[message_id], order)
                running[task] = message_id
            finished, _ = wait(running, max(0.0, self.left() + self._margin / 2), FIRST_COMPLETED)
            if not finished:
                break
            for future in finished:
                message_id = running.pop(future)
                result = future.exception() is None and future.result()
                if isinstance(result, Order):
                    found.append((message_id, result))
                elif result:
                    del self._unfinished[message_id]
        for message_id in {*running.values(), *(message_id for message_id, _ in waiting)}:
            log.warning("message %s: no time left for it; it stays on the queue", message_id)
        return found
