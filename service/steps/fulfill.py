"""Fulfillment: a batch of messages from the queue, each the id of an order that waits.

A message is acknowledged only when its order is terminal and did not fail. Everything else is reported in
``batchItemFailures``, each record by itself: the queue then delivers it again, and at last moves it to the
dead-letter queue. An exception here would fail the whole batch, and a plain return would delete it.

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
from service.orders.model import Failure, FailureKind, Order, Write
from service.orders.ports import Fulfilled, System, TransitionRefused, error_name
from service.orders.trace import trace_id

log = logging.getLogger(__name__)

PARALLEL = 10
ACTOR = "fulfillment"


def run(records: Sequence[Mapping[str, Any]], system: System, seconds_left: Callable[[], float]) -> dict[str, Any]:
    """Fulfill a batch, its records side by side.

    Args:
        records: the records of an SQS event.
        system: the ports.
        seconds_left: time until the invocation is cut off.

    Returns:
        ``batchItemFailures`` with the id of every record that must stay on the queue. Records that were not begun,
        or not finished, before the deadline are among them.
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
    """Process one record; True when its message may be deleted. Never raises."""
    message_id = record["messageId"]
    with logs.timed(message_id=logs.aws_id(message_id)):
        try:
            read = message.read(record.get("body"))
            logs.note(order_id=read.order_id, trace_id=trace_id(read.traceparent))
            return process(read.order_id, message_id, system, seconds)
        except Exception as error:  # whatever this is, it concerns this record alone
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
                extra=logs.outcome("poison" if poison else "error", error=error_name(error)),
            )
            return False


def process(order_id: str, message_id: str, system: System, seconds: float) -> bool:
    """Make one attempt at an order, if it is there to be claimed.

    Args:
        order_id: the order.
        message_id: the message that names it; a failure for good is recorded with it.
        system: the ports.
        seconds: time that the attempt may take.

    Returns:
        True when the order is terminal and did not fail, so that its message has done its work.
    """
    try:
        order = claim(order_id, system)
    except TransitionRefused as refused:
        return _not_claimed(refused.order, order_id, message_id, system)
    logs.note(attempt=order.attempts, trace_id=trace_id(order.traceparent))
    try:
        outcome = system.fulfiller.fulfill(order, seconds)
    except Exception as error:
        log.exception("order %s: attempt %d broke off", order_id, order.attempts)
        failure, permanent = Failure(FailureKind.ERROR, f"the attempt broke off: {type(error).__name__}"), False
    else:
        if isinstance(outcome, Fulfilled):
            _finish(order, "fulfill", f"attempt {order.attempts} succeeded", system)
            took = system.now() - order.created_at
            system.metrics.record(Metric.ORDERS_FULFILLED)
            system.metrics.record(Metric.TIME_TO_FULFILL, max(0, int(took.total_seconds() * 1000)))
            log.info("order %s: FULFILLED", order_id, extra=logs.outcome("fulfilled"))
            return True
        failure, permanent = outcome.failure, outcome.permanent
    _attempt_failed(order, failure, permanent, message_id, system)
    return False


def claim(order_id: str, system: System) -> Order:
    """Take the lease on an order; the attempt is charged with it, so that a crash costs one.

    Raises:
        TransitionRefused: it is leased, terminal, not stored yet, out of attempts, or unknown.
    """
    now, owner = system.now(), system.new_id()
    return system.store.apply(
        Write(
            name="claim",
            order_id=order_id,
            id=owner,
            at=now,
            actor=ACTOR,
            values={
                "max_attempts": system.policy.max_attempts,
                "lease_owner": owner,
                "lease_until": now + system.policy.lease,
            },
        )
    )


def give_up(order: Order, actor: str, system: System, message_id: str | None = None) -> None:
    """Fail an order whose last attempt was claimed and never came to an end.

    Args:
        order: the order as it was seen.
        actor: who gives it up.
        system: the ports.
        message_id: the message that names it, if one was delivered.

    Raises:
        TransitionRefused: it moved on since it was seen, is leased still, or has attempts left.
    """
    detail = f"attempt {order.attempts} of {system.policy.max_attempts} never came to an end"
    system.store.apply(
        Write(
            name="give_up",
            order_id=order.order_id,
            id=system.new_id(),
            at=system.now(),
            actor=actor,
            reason=detail,
            values={"max_attempts": system.policy.max_attempts},
            seen=order,
            failure=Failure(FailureKind.ABANDONED, detail),
            message_id=message_id,
        )
    )
    system.metrics.record(Metric.ATTEMPTS_FAILED, reason=FailureKind.ABANDONED)
    system.metrics.record(Metric.ORDERS_FAILED)
    said = logs.outcome("gave_up", attempt=order.attempts, reason=FailureKind.ABANDONED)
    log.error("order %s: FAILED, %s; see GET /failed-orders/%s", order.order_id, detail, order.order_id, extra=said)


def _not_claimed(order: Order | None, order_id: str, message_id: str, system: System) -> bool:
    if order is None:
        said = logs.outcome("unknown_order")
        log.warning("order %s: no such order; its message stays on the queue", order_id, extra=said)
        return False
    logs.note(attempt=order.attempts, trace_id=trace_id(order.traceparent))
    if order.status in TERMINAL:
        log.info("order %s: %s already", order_id, order.status, extra=logs.outcome("ended"))
        return order.status is not Status.FAILED  # a failed order's message belongs in the dead-letter queue
    if order.status is not Status.RECEIVED and order.attempts >= system.policy.max_attempts:
        try:
            give_up(order, ACTOR, system, message_id)
        except TransitionRefused as refused:
            log.info("%s", refused, extra=logs.outcome("not_free"))
        return False
    said = logs.outcome("not_free")
    log.info("order %s: %s and not free; its message stays on the queue", order_id, order.status, extra=said)
    return False


def _attempt_failed(order: Order, failure: Failure, permanent: bool, message_id: str, system: System) -> None:
    most = system.policy.max_attempts
    logs.note(reason=failure.kind)
    reason = f"attempt {order.attempts} of {most}: {failure.detail}"
    if not permanent and order.attempts < most:
        _finish(order, "release", reason, system)
        system.metrics.record(Metric.ATTEMPTS_FAILED, reason=failure.kind)
        said = logs.outcome("attempt_failed")
        log.info("order %s: %s; it will be tried again", order.order_id, reason, extra=said)
        return
    _finish(order, "fail", reason, system, failure, message_id)
    system.metrics.record(Metric.ATTEMPTS_FAILED, reason=failure.kind)
    system.metrics.record(Metric.ORDERS_FAILED)
    said = logs.outcome("failed")
    log.error("order %s: FAILED, %s; see GET /failed-orders/%s", order.order_id, reason, order.order_id, extra=said)


def _finish(
    order: Order,
    name: Any,
    reason: str,
    system: System,
    failure: Failure | None = None,
    message_id: str | None = None,
) -> None:
    system.store.apply(
        Write(
            name=name,
            order_id=order.order_id,
            id=system.new_id(),
            at=system.now(),
            actor=ACTOR,
            reason=reason,
            values={"lease_owner": order.lease_owner},
            seen=order,
            failure=failure,
            message_id=message_id,
        )
    )
