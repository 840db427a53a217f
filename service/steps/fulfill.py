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
from service.orders.deliveries import Deliveries
from service.orders.gate import Gate, Passage
from service.orders.lifecycle import TERMINAL, Status
from service.orders.metric import Metric
from service.orders.model import Order
from service.orders.outcomes import FULFILLMENT
from service.orders.ports import System, TransitionRefused, Unavailable
from service.orders.trace import trace_id
from service.orders.warehouse import Answer, OtherItems, State
from service.steps.redelivery import deliver_again

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

    def left() -> float:
        return seconds_left() - margin

    gate = Gate(system)
    waiting = list(unfinished.items())
    running: dict[Future[bool], str] = {}
    pool = ThreadPoolExecutor(min(PARALLEL, len(waiting)), thread_name_prefix="fulfill")
    try:
        while waiting or running:
            while waiting and len(running) < PARALLEL and seconds_left() > margin:
                message_id, record = waiting.pop(0)
                running[pool.submit(copy_context().run, acknowledge, record, system, gate, left)] = message_id
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


def acknowledge(record: Mapping[str, Any], system: System, gate: Gate, left: Callable[[], float]) -> bool:
    """Process one record; True if its message may be deleted. Never raises."""
    message_id = record["messageId"]
    with logs.timer(message_id=logs.aws_id(message_id)):
        try:
            read = message.read(record.get("body"))
            logs.note(order_id=read.order_id, trace_id=trace_id(read.traceparent))
            return process(read.order_id, record, system, gate, left)
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


def process(order_id: str, record: Mapping[str, Any], system: System, gate: Gate, left: Callable[[], float]) -> bool:
    """Make one attempt at an order, if the gate is open and the order can be claimed.

    Args:
        order_id: the order.
        record: the record of the message that names it; if the order fails, the failed-orders row names the message.
        system: the ports.
        gate: the gate to the warehouse, shared by the batch.
        left: returns the seconds that are left for the warehouse.

    Returns:
        True if the message may be deleted: the order is terminal and not FAILED, or it is PENDING under the brake.
    """
    if gate.enter() is Passage.CLOSED:
        return _set_aside(system.store.get(order_id), order_id)
    deliveries = Deliveries(system)
    try:
        order = deliveries.claim(order_id)
    except TransitionRefused as refused:
        return _not_claimed(refused.order, order_id, record, system, left)
    logs.note(attempt=order.attempts, trace_id=trace_id(order.traceparent))
    seconds = min(left(), _left_of_lease(order, system))
    answer = _ask(order, seconds, system)
    braked = seconds > 0 and gate.note(answer)
    settled = deliveries.settle(order, answer, record["messageId"], braked=braked)
    last = settled.timeline[-1]
    if last.failure:
        logs.note(reason=last.failure)
    _log_end(settled, "fulfilled", "failed", "attempt_failed")
    return (braked and settled.status is Status.PENDING) or _is_done(settled, record, system)


def _left_of_lease(order: Order, system: System) -> float:
    """The seconds until the lease ends, without the margin for the write that ends the attempt."""
    until = order.lease_until or system.now()
    return (until - system.now() - system.policy.deadline_margin).total_seconds()


def _ask(order: Order, seconds: float, system: System) -> Answer | Exception:
    """The warehouse's answer; an exception if the outcome is unknown."""
    if seconds <= 0:
        return Answer(State.NOT_TAKEN, "no time was left to ask the warehouse")
    try:
        return system.fulfiller.ask(order, seconds)
    except OtherItems as error:
        system.metrics.record(Metric.DELIVERY_CONFLICTS)
        extra = logs.outcome("other_items")
        log.error(
            "order %s: the warehouse has delivery %s with other items", order.order_id, order.delivery_key, extra=extra
        )
        return error
    except Unavailable as error:
        log.warning("order %s: attempt %d has no usable answer: %s", order.order_id, order.attempts, error)
        return error
    except Exception as error:
        log.exception("order %s: attempt %d raised an error", order.order_id, order.attempts)
        return error


def _set_aside(order: Order | None, order_id: str) -> bool:
    """Whether a message may be deleted that came while the brake is on: a PENDING order waits on record."""
    if order is not None and order.status in TERMINAL:
        return order.status is not Status.FAILED
    waits = order is not None and order.status is Status.PENDING
    kept = "it waits as PENDING" if waits else "its message stays on the queue"
    log.info("order %s: the warehouse takes nothing; %s", order_id, kept, extra=logs.outcome("set_aside"))
    return waits


def _is_done(order: Order, record: Mapping[str, Any], system: System) -> bool:
    """Whether the message of an order that was worked on may be deleted. If not, it returns after the retry delay.

    A failed order's message belongs in the dead-letter queue, and SQS moves it there at a later receive.
    """
    if order.status in TERMINAL and order.status is not Status.FAILED:
        return True
    deliver_again(record, system)
    return False


def _log_end(order: Order, done: str, failed: str, otherwise: str) -> None:
    """Log an order after an attempt or a look, with the outcome that fits its state."""
    order_id, reason = order.order_id, order.timeline[-1].reason
    match order.status:
        case Status.FULFILLED | Status.CANCELLED:
            log.info("order %s: %s", order_id, order.status, extra=logs.outcome(done))
        case Status.FAILED:
            extra = logs.outcome(failed, reason=order.timeline[-1].failure)
            log.error(FAILED, order_id, reason, order_id, extra=extra)
        case _:
            log.info("order %s: %s; it will be tried again", order_id, reason, extra=logs.outcome(otherwise))


def _not_claimed(
    order: Order | None, order_id: str, record: Mapping[str, Any], system: System, left: Callable[[], float]
) -> bool:
    deliveries = Deliveries(system)
    if order is None:
        extra = logs.outcome("unknown_order")
        log.warning("order %s: no such order; its message stays on the queue", order_id, extra=extra)
        return False
    logs.note(attempt=order.attempts, trace_id=trace_id(order.traceparent))
    if order.status in TERMINAL:
        log.info("order %s: %s already", order_id, order.status, extra=logs.outcome("ended"))
        return _is_done(order, record, system)
    if order.status is not Status.RECEIVED and deliveries.has_no_attempts_left(order):
        try:
            order = deliveries.look(order, left(), FULFILLMENT, record["messageId"])
        except TransitionRefused as refused:
            log.info("%s", refused, extra=logs.outcome("not_free"))
            return False
        _log_end(order, "fulfilled", "gave_up", "attempt_failed")
        return _is_done(order, record, system)
    extra = logs.outcome("not_free")
    log.info("order %s: %s and not free; its message stays on the queue", order_id, order.status, extra=extra)
    return False
