"""Fulfillment of a batch of messages from the queue, each with the id of a PENDING order.

A message is deleted only when its order is terminal and not FAILED. All other messages are reported in
``batchItemFailures``: the queue delivers them again, and at last moves them to the dead-letter queue. An exception
would fail the whole batch; a return without ``batchItemFailures`` would delete it.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import Any

from service import logs
from service.orders import message
from service.orders.lifecycle import TERMINAL, Status
from service.orders.metric import Metric
from service.orders.model import Failure, FailureKind, Order
from service.orders.orders import FULFILLMENT, Orders
from service.orders.ports import NotFulfilled, System, TransitionRefused
from service.orders.trace import trace_id

log = logging.getLogger(__name__)

PARALLEL = 10
FAILED = "order %s: FAILED, %s; see GET /failed-orders/%s"


def run(records: Sequence[Mapping[str, Any]], system: System, seconds_left: Callable[[], float]) -> dict[str, Any]:
    """Fulfill a batch, its records in parallel.

    Args:
        records: the records of an SQS event.
        system: the ports.
        seconds_left: time until Lambda ends the invocation.

    Returns:
        ``batchItemFailures`` with the id of each record that must stay on the queue. Records that were not started, or
        not finished, before the deadline are among them.
    """
    unfinished = {record["messageId"]: record for record in records}
    margin = system.policy.deadline_margin.total_seconds()
    waiting = list(unfinished.items())
    running: dict[Future[bool], str] = {}
    pool = ThreadPoolExecutor(min(PARALLEL, len(waiting)), thread_name_prefix="fulfill")
    try:
        while waiting or running:
            while waiting and len(running) < PARALLEL and seconds_left() > margin:
                message_id, record = waiting.pop(0)
                left = seconds_left() - margin / 2
                running[pool.submit(copy_context().run, acknowledge, record, system, left)] = message_id
            finished, _ = wait(running, max(0.0, seconds_left() - margin / 2), FIRST_COMPLETED)
            if not finished:
                break
            for future in finished:
                message_id = running.pop(future)
                if future.exception() is None and future.result():
                    del unfinished[message_id]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    for message_id in {*running.values(), *(message_id for message_id, _ in waiting)}:
        log.warning("message %s: no time left for it; it stays on the queue", message_id)
    logs.note(outcome="kept" if unfinished else "ok")
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in unfinished]}


def acknowledge(record: Mapping[str, Any], system: System, seconds: float) -> bool:
    """Process one record; True if its message may be deleted. Never raises."""
    message_id = record["messageId"]
    with logs.timer(message_id=logs.aws_id(message_id)):
        try:
            read = message.read(record.get("body"))
            logs.note(order_id=read.order_id, trace_id=trace_id(read.traceparent))
            return process(read.order_id, message_id, system, seconds)
        except Exception as error:  # the other records go on
            poison = isinstance(error, message.PoisonMessage)
            if poison:
                system.metrics.record(Metric.POISON_MESSAGES)
            received = record.get("attributes", {}).get("ApproximateReceiveCount", "?")
            log.warning(
                "message %s, received %s time(s): %s: %s; it stays on the queue",
                message_id,
                received,
                type(error).__name__,
                error,
                extra=logs.outcome("poison" if poison else "error", error=type(error).__name__),
            )
            return False


def process(order_id: str, message_id: str, system: System, seconds: float) -> bool:
    """Make one attempt at an order, if it can be claimed.

    Args:
        order_id: the order.
        message_id: the message that names it; if the order fails, the failed-orders row names the message.
        system: the ports.
        seconds: time that the attempt may take.

    Returns:
        True if the order is terminal and not FAILED, so that its message may be deleted.
    """
    orders = Orders(system)
    try:
        order = orders.claim(order_id)
    except TransitionRefused as refused:
        return _not_claimed(refused.order, order_id, message_id, orders)
    logs.note(attempt=order.attempts, trace_id=trace_id(order.traceparent))
    try:
        outcome = system.fulfiller.fulfill(order, seconds)
    except Exception as error:
        log.exception("order %s: attempt %d raised an error", order_id, order.attempts)
        outcome = NotFulfilled(Failure(FailureKind.ERROR, f"the attempt raised {type(error).__name__}"))
    if isinstance(outcome, NotFulfilled):
        logs.note(reason=outcome.failure.kind)
    settled = orders.settle(order, outcome, message_id)
    reason = settled.timeline[-1].reason
    match settled.status:
        case Status.FULFILLED:
            log.info("order %s: FULFILLED", order_id, extra=logs.outcome("fulfilled"))
        case Status.FAILED:
            log.error(FAILED, order_id, reason, order_id, extra=logs.outcome("failed"))
        case _:
            log.info("order %s: %s; it will be tried again", order_id, reason, extra=logs.outcome("attempt_failed"))
    return settled.status is Status.FULFILLED


def _not_claimed(order: Order | None, order_id: str, message_id: str, orders: Orders) -> bool:
    if order is None:
        extra = logs.outcome("unknown_order")
        log.warning("order %s: no such order; its message stays on the queue", order_id, extra=extra)
        return False
    logs.note(attempt=order.attempts, trace_id=trace_id(order.traceparent))
    if order.status in TERMINAL:
        log.info("order %s: %s already", order_id, order.status, extra=logs.outcome("ended"))
        return order.status is not Status.FAILED  # a failed order's message belongs in the dead-letter queue
    if order.status is not Status.RECEIVED and orders.has_no_attempts_left(order):
        try:
            failed = orders.give_up(order, FULFILLMENT, message_id)
        except TransitionRefused as refused:
            log.info("%s", refused, extra=logs.outcome("not_free"))
        else:
            extra = logs.outcome("gave_up", reason=FailureKind.ABANDONED)
            log.error(FAILED, order_id, failed.timeline[-1].reason, order_id, extra=extra)
        return False
    extra = logs.outcome("not_free")
    log.info("order %s: %s and not free; its message stays on the queue", order_id, order.status, extra=extra)
    return False
