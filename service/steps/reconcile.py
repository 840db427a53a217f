"""The reconciler: finds open orders that nothing moves, and pushes each as its state requires.

Each run pushes a bounded number of orders of each open state, reads a bounded number, and starts no push close to its
deadline. The next run starts with the orders that have waited longest.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from service import logs
from service.orders import message
from service.orders.brake import Brake
from service.orders.dead_letters import is_superseded, remove_superseded
from service.orders.lifecycle import OPEN, Status
from service.orders.metric import Metric
from service.orders.model import FailureKind, Order
from service.orders.orders import Orders
from service.orders.paging import ALWAYS
from service.orders.ports import DeadLetter, System, TransitionRefused, Unavailable, error_name
from service.orders.row_reader import RowReader
from service.orders.trace import trace_id

log = logging.getLogger(__name__)

INTERVENTIONS = ("restarted", "recovered", "resent", "looked", "gave_up")
COUNTED = (*INTERVENTIONS, "errors")
"""The results that the metric counts: pushes, and pushes or reads that failed."""

FAILED = "order %s: FAILED, %s; see GET /failed-orders/%s"

LOOK_FURTHER = 10
"""A run reads this many times ``reconcile_limit`` orders, if orders that are not due yet stand before others."""


def run(_task: Mapping[str, Any], system: System, seconds_left: Callable[[], float]) -> dict[str, int]:
    """Push the open orders that are due, and those that messages in the dead-letter queue name.

    Args:
        _task: the task; it holds only its name.
        system: the ports.
        seconds_left: time until Lambda ends the invocation.

    Returns:
        How many orders each intervention pushed. ``moved_on`` counts orders that changed meanwhile; ``out_of_time`` is
        1 if the deadline ended the run.
    """
    policy = system.policy
    done: Counter[str] = Counter(dict.fromkeys((*INTERVENTIONS, "moved_on", "errors", "out_of_time"), 0))
    brake = _read_brake(system)
    rounds: tuple[tuple[str, Callable[[System], Iterator[Order]]], ...] = (
        ("RECEIVED orders", lambda system: _list_waiting(Status.RECEIVED, policy.restart_after, system)),
        ("PROCESSING orders", lambda system: _list_waiting(Status.PROCESSING, policy.recover_after, system)),
        ("dead-letter messages", _named_by_dead_letters),
        ("PENDING orders", lambda system: _list_pending(brake, system)),
        ("FAILED orders that may have been shipped", _list_unresolved),
    )
    for name, due in rounds:
        for outcome, count in _push_all(name, due, system, seconds_left).items():
            done[outcome] += count
            if outcome in COUNTED:
                system.metrics.record(Metric.RECONCILER_INTERVENTIONS, count, reason=outcome)
        if done["out_of_time"]:
            break
    level = logging.INFO if any(done.values()) else logging.DEBUG
    log.log(level, "reconciled: %s", " ".join(f"{name}={count}" for name, count in done.items()))
    system.metrics.record(Metric.RECONCILER_RUNS)
    return dict(done)


def _push_all(
    name: str, due: Callable[[System], Iterator[Order]], system: System, seconds_left: Callable[[], float]
) -> Counter[str]:
    """Push the orders that are due for one reason; count the outcomes."""
    done: Counter[str] = Counter()
    try:
        for order in due(system):
            left = seconds_left() - system.policy.deadline_margin.total_seconds()
            if left <= 0:
                done["out_of_time"] = 1
                break
            done[_push(order, left, system)] += 1
    except Exception as error:  # orders in another state must not wait for this one
        log.exception("%s: not read, %s", name, error_name(error))
        done["errors"] += 1
    return done


def _read_brake(system: System) -> Brake:
    try:
        brake = system.brake.read()
    except Unavailable as error:
        log.warning("the brake was not read, %s", error)
        return Brake()
    if brake.is_on:
        system.metrics.record(Metric.WAREHOUSE_BRAKE)
    return brake


def _list_pending(brake: Brake, system: System) -> Iterator[Order]:
    """The PENDING orders that are due; while the brake is on, one of them as a probe.

    After the brake was released, those that waited are due at once.
    """
    policy, now = system.policy, system.now()
    if brake.is_on:
        waiting = system.store.list_waiting(Status.PENDING, now, policy.reconcile_limit)
        due = [order for order in waiting if policy.asks_the_warehouse(order)]
        probes = [order for order in waiting if order not in due][: brake.is_probe_due(now)]
        yield from [*due, *probes]
        return
    yield from _list_waiting(Status.PENDING, policy.resend_after, system)
    if brake.released_at and brake.released_at > now - policy.resend_after:
        waited = system.store.list_waiting(Status.PENDING, brake.released_at, policy.reconcile_limit)
        yield from (order for order in waited if order.updated_at >= now - policy.resend_after)


def _push(order: Order, seconds: float, system: System) -> str:
    with logs.with_fields(order_id=order.order_id, trace_id=trace_id(order.traceparent)):
        try:
            outcome, pushed = Orders(system).push(order, seconds)
        except TransitionRefused:
            return "moved_on"
        except Exception as error:  # the others must not wait for this one
            log.exception("order %s: not reconciled, %s", order.order_id, error_name(error))
            return "errors"
        if outcome == "gave_up":
            last = pushed.timeline[-1]
            extra = {"outcome": outcome, "attempt": order.attempts, "reason": last.failure}
            log.error(FAILED, order.order_id, last.reason, order.order_id, extra=extra)
        else:
            log.warning("order %s: %s", order.order_id, outcome, extra={"outcome": outcome})
        return outcome


def _list_waiting(status: Status, patience: timedelta, system: System) -> Iterator[Order]:
    """The orders of a state that are due, the longest waiting first; at most ``reconcile_limit``."""
    limit = system.policy.reconcile_limit
    due: list[Order] = []
    for most in (limit, LOOK_FURTHER * limit):
        found = system.store.list_waiting(status, system.now() - patience, most)
        due = [order for order in found if system.policy.is_due(order, patience, system.now())]
        if len(found) < most or len(due) >= limit:
            break
    return iter(due[:limit])


def _named_by_dead_letters(system: System) -> Iterator[Order]:
    """The open orders that messages in the dead-letter queue name: no other message may be left to move them.

    A message reaches the dead-letter queue without failing its order if its last receive had no effect: the function
    crashed, or was throttled. If another message is on its way after all, conditional writes keep the two apart.
    Superseded messages are removed, as the redrive would have done.
    """
    superseded = 0
    for order, stale in RowReader(system.metrics).read(system.dead_letters.peek(), partial(_read_named, system)):
        superseded += stale
        if order is None:
            continue
        if order.status in OPEN and system.policy.is_due(order, system.policy.recover_after, system.now()):
            yield order
    if superseded:
        log.info("superseded dead-letter messages removed: %d", remove_superseded(system))


def _read_named(system: System, dead: DeadLetter) -> tuple[Order | None, bool]:
    """The order that a message in the dead-letter queue names, if any; and whether the message is superseded."""
    try:
        order = system.store.get(message.read(dead.body).order_id)
        return order, order is not None and is_superseded(dead, order, system)
    except message.PoisonMessage:
        return None, False


def _list_unresolved(system: System) -> Iterator[Order]:
    """The FAILED orders that the warehouse may have, and that are due for a look; the last failed first."""
    policy = system.policy
    for kind in (FailureKind.UNKNOWN, FailureKind.ABANDONED):
        failed = system.store.failed_orders(kind, ALWAYS, policy.reconcile_limit).orders
        for order in RowReader(system.metrics).read((each.order_id for each in failed), system.store.get):
            unresolved = order is not None and order.status is Status.FAILED and order.asked
            if order and unresolved and policy.is_due(order, policy.recover_after, system.now()):
                yield order
