"""Fulfillment of a batch of messages from the queue, each with the id of a PENDING order.

A message is deleted only when its order is terminal and not FAILED. All other messages are reported in
``batchItemFailures``: the queue delivers them again, and at last moves them to the dead-letter queue. An exception
would fail the whole batch; a return without ``batchItemFailures`` would delete it.

Orders are worked on in parallel, but for those that must wait (``service/orders/isolation.py``).

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from service import logs
from service.orders import message
from service.orders.gate import Gate
from service.orders.isolation import group
from service.orders.metric import Metric
from service.orders.model import Order
from service.orders.ports import System
from service.orders.trace import trace_id
from service.steps.attempt import OrderFulfillment
from service.steps.batch import Batch, Record

log = logging.getLogger(__name__)


def run(records: Sequence[Record], system: System, seconds_left: Callable[[], float]) -> dict[str, Any]:
    """Fulfill a batch, its records in parallel, and the orders that must wait after them.

    Args:
        records: the records of an SQS event.
        system: the ports.
        seconds_left: time until Lambda ends the invocation.

    Returns:
        ``batchItemFailures`` with the id of each record that must stay on the queue. Records that were not started, or
        not finished, before the deadline are among them.
    """
    gate = Gate(system)
    batch = Batch(records, seconds_left, system.policy.deadline_margin.total_seconds())

    def work(record: Record, waited: Order | None) -> bool | Order:
        return acknowledge(record, waited, system, gate, batch.left)

    try:
        for waiting in group(batch.process(work)):
            batch.process_waiting(waiting, work)
    finally:
        answer = batch.close()
    logs.note(outcome="kept" if answer["batchItemFailures"] else "ok")
    return answer


def acknowledge(
    record: Record, waited: Order | None, system: System, gate: Gate, left: Callable[[], float]
) -> bool | Order:
    """Process one record. Never raises.

    Args:
        record: the record.
        waited: the order as it was read, if it has waited for the other records; None if it has not.
        system: the ports.
        gate: the gate to the warehouse, shared by the batch.
        left: returns the seconds that are left for the warehouse.

    Returns:
        True if the record's message may be deleted; the order if it must wait for the other records.
    """
    message_id = record["messageId"]
    received = record.get("attributes", {}).get("ApproximateReceiveCount", "?")
    with logs.timer(message_id=logs.aws_id(message_id)):
        try:
            read = message.read(record.get("body"))
            logs.note(order_id=read.order_id, trace_id=trace_id(read.traceparent))
            fulfillment = OrderFulfillment(read.order_id, record, system, gate, left)
            if waited:
                return fulfillment.work_after_others(waited)
            return fulfillment.work(first=received == "1" and not read.epoch)
        except Exception as error:  # the other records go on
            poison = isinstance(error, message.PoisonMessage)
            if poison:
                system.metrics.record(Metric.POISON_MESSAGES)
            log.warning(
                "message %s, received %s time(s): %s: %s; it stays on the queue",
                message_id,
                received,
                type(error).__name__,
                error,
                extra=logs.outcome("poison" if poison else "error", error=type(error).__name__),
            )
            return False
