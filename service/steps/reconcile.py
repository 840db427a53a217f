"""The reconciler: finds open orders that nothing moves, and pushes each as its state requires.

A run has a round for each reason to push an order. Each round pushes a bounded number of orders, the longest waiting
first, within its share of the time, and none close to the deadline. The next run goes on.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from time import sleep
from typing import Any

from service import logs
from service.orders import message
from service.orders.brake import Brake
from service.orders.dead_letters import is_superseded, remove_superseded
from service.orders.lifecycle import OPEN, Status
from service.orders.metric import Metric
from service.orders.model import FailureKind, Order
from service.orders.orders import Orders
from service.orders.ports import DeadLetter, System, TransitionRefused, Unavailable, error_name
from service.orders.row_reader import RowReader
from service.orders.trace import trace_id
from service.steps.rounds import PAGES, Round, take_turns

log = logging.getLogger(__name__)

INTERVENTIONS = ("restarted", "recovered", "resent", "looked", "gave_up")
COUNTED = (*INTERVENTIONS, "errors")
"""The results that the metric counts: pushes, and pushes or reads that failed.

A look at an order that the warehouse works on, ``checked``, is no intervention.
"""

FAILED = "order %s: %s, %s; see GET /failed-orders/%s"

LOOK_FURTHER = 10
"""A round passes over this many times ``reconcile_limit`` orders that are not due yet; others may stand behind them."""

PAGE = 100
"""The most orders of one page: a batch read of DynamoDB."""

PAUSE = 0.25
"""Seconds that a throttled push waits before its thread takes another order."""


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
    margin = system.policy.deadline_margin.total_seconds()

    def left() -> float:
        return seconds_left() - margin / 2

    rounds = _rounds(system, left)
    try:
        take_turns(rounds, lambda: seconds_left() - margin)
        for each in rounds:
            while each.collect(left()):
                pass
    finally:
        for each in rounds:
            each.close()
    done: Counter[str] = Counter(dict.fromkeys((*INTERVENTIONS, "checked", "moved_on", "errors"), 0))
    for each in rounds:
        done.update(each.done)
    for outcome in COUNTED:
        if done[outcome]:
            system.metrics.record(Metric.RECONCILER_INTERVENTIONS, done[outcome], reason=outcome)
    done["out_of_time"] = int(not all(each.is_over for each in rounds))
    level = logging.INFO if any(done.values()) else logging.DEBUG
    log.log(level, "reconciled: %s", " ".join(f"{name}={count}" for name, count in done.items()))
    system.metrics.record(Metric.RECONCILER_RUNS)
    return dict(done)


def _rounds(system: System, left: Callable[[], float]) -> list[Round]:
    """The rounds of a run; ``left`` returns the seconds that a push may take."""
    policy, begun = system.policy, system.now()

    def new_round(name: str, pages: PAGES, limit: int = policy.reconcile_limit) -> Round:
        return Round(name, pages, partial(_push, left, system), limit, policy.reconcile_parallel)

    return [
        new_round("RECEIVED orders", _waiting(Status.RECEIVED, policy.restart_after, system), policy.restart_limit),
        new_round("PROCESSING orders", _waiting(Status.PROCESSING, policy.recover_after, system)),
        new_round("dead-letter messages", _named_by_dead_letters(system)),
        new_round("PENDING orders", _pending(_read_brake(system), begun, system)),
        new_round("orders at the warehouse", _waiting(Status.AT_WAREHOUSE, policy.look_after, system)),
        new_round("FAILED orders that may have been shipped", _unresolved(system)),
    ]


def _read_brake(system: System) -> Brake:
    try:
        brake = system.brake.read()
    except Unavailable as error:
        log.warning("the brake was not read, %s", error)
        return Brake()
    if brake.is_on:
        system.metrics.record(Metric.WAREHOUSE_BRAKE)
    return brake


def _pending(brake: Brake, now: datetime, system: System) -> PAGES:
    """The PENDING orders that are due; while the brake is on, one of them as a probe.

    After the brake was released, those that waited are due at once, whatever their backoff. ``now`` is the time at
    which the run began: an order that it has recovered since then was sent already.
    """
    policy = system.policy
    overdue = now - policy.resend_after
    probes = int(brake.is_probe_due(now))

    def is_due(order: Order) -> bool:
        nonlocal probes
        if not brake.is_on:
            waited = brake.released_at is not None and order.updated_at < brake.released_at
            return waited or policy.is_due(order, policy.resend_after, now)
        probes -= not policy.asks_the_warehouse(order)
        return policy.asks_the_warehouse(order) or probes >= 0

    before = now if brake.is_on else max(overdue, brake.released_at or overdue)
    yield from _select_due(_pages(Status.PENDING, before, system), is_due, system)


def _push(left: Callable[[], float], system: System, order: Order) -> str:
    with logs.with_fields(order_id=order.order_id, trace_id=trace_id(order.traceparent)):
        try:
            outcome, pushed = Orders(system).push(order, left())
        except TransitionRefused:
            return "moved_on"
        except Unavailable as error:
            if error.throttled:
                sleep(PAUSE)
                return "throttled"
            log.error("order %s: not reconciled, %s", order.order_id, error)
            return "unavailable"
        except Exception as error:  # the others must not wait for this one
            log.exception("order %s: not reconciled, %s", order.order_id, error_name(error))
            return "errors"
        if outcome == "gave_up":
            last = pushed.timeline[-1]
            extra = {"outcome": outcome, "attempt": order.attempts, "reason": last.failure}
            log.error(FAILED, order.order_id, pushed.status, last.reason, order.order_id, extra=extra)
        else:
            level = logging.INFO if outcome == "checked" else logging.WARNING
            log.log(level, "order %s: %s", order.order_id, outcome, extra={"outcome": outcome})
        return outcome


def _waiting(status: Status, patience: timedelta, system: System) -> PAGES:
    """The orders of a state that are due, the longest waiting first."""
    is_due = partial(system.policy.is_due, patience=patience, now=system.now())
    yield from _select_due(_pages(status, system.now() - patience, system), is_due, system)


def _pages(status: Status, before: datetime, system: System) -> Iterator[Sequence[Order]]:
    return system.store.list_waiting(status, before, min(PAGE, system.policy.reconcile_limit))


def _select_due(pages: Iterable[Sequence[Order]], is_due: Callable[[Order], bool], system: System) -> PAGES:
    """The orders of some pages that are due, until too many are not."""
    others = LOOK_FURTHER * system.policy.reconcile_limit
    for page in pages:
        due = [order for order in page if is_due(order)]
        yield due
        others -= len(page) - len(due)
        if others <= 0:
            return


def _named_by_dead_letters(system: System) -> PAGES:
    """The open orders that messages in the dead-letter queue name: no other message may be left to move them.

    A message reaches the dead-letter queue without failing its order if its last receive had no effect: the function
    crashed, or was throttled. If another message is on its way after all, conditional writes keep the two apart.
    Superseded messages are removed, as after a redrive.
    """
    named = RowReader(system.metrics).read(system.dead_letters.peek(), partial(_read_named, system))
    is_due = partial(system.policy.is_due, patience=system.policy.recover_after, now=system.now())
    yield [order for order, _ in named if order and order.status in OPEN and is_due(order)]
    if any(superseded for _, superseded in named):
        log.info("superseded dead-letter messages removed: %d", remove_superseded(system))


def _read_named(system: System, dead: DeadLetter) -> tuple[Order | None, bool]:
    """The order that a message in the dead-letter queue names, if any; and whether the message is superseded."""
    try:
        order = system.store.get(message.read(dead.body).order_id)
        return order, order is not None and is_superseded(dead, order, system)
    except message.PoisonMessage:
        return None, False


def _unresolved(system: System) -> PAGES:
    """The failed orders that the warehouse may have, and that are due for a look; the last failed first."""
    policy = system.policy

    def is_due(order: Order) -> bool:
        return bool(order.asked) and policy.is_due(order, policy.recover_after, system.now())

    for kind in (FailureKind.UNKNOWN, FailureKind.ABANDONED):
        yield from _select_due(system.store.list_failed(kind, min(PAGE, policy.reconcile_limit)), is_due, system)
