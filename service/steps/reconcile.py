"""The reconciler: finds orders that nothing moves any more, and gives each the push that its state needs.

It writes first, guarded by the version that it saw, and acts after; if it dies in between, the write has reset the
order's clock, and a later run acts. Each run pushes a bounded number of orders of each open state, reads a bounded
number, and begins no push when its deadline is near; the next run begins with those that wait longest by then.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from service import logs
from service.orders import message
from service.orders.dead_letters import is_stale, remove_stale
from service.orders.launch import start
from service.orders.lifecycle import OPEN, Status, TransitionName
from service.orders.metric import Metric
from service.orders.model import Order, Write
from service.orders.ports import System, TransitionRefused, error_name
from service.orders.trace import trace_id
from service.steps.fulfill import give_up

log = logging.getLogger(__name__)

ACTOR = "reconciler"
INTERVENTIONS = ("restarted", "recovered", "resent", "gave_up")
COUNTED = (*INTERVENTIONS, "errors")
"""What becomes of an order, or of a look at some, that somebody ought to hear of: a push that failed is one, too."""

LOOK_FURTHER = 10
"""How many times ``reconcile_limit`` orders a run reads, when orders whose back-off is not over stand before others."""


def run(_task: Mapping[str, Any], system: System, seconds_left: Callable[[], float]) -> dict[str, int]:
    """Look once at the orders that wait too long, and at those that the dead-letter queue names.

    Args:
        _task: nothing but the task's name.
        system: the ports.
        seconds_left: time until the invocation is cut off.

    Returns:
        How many orders each intervention touched; ``moved_on`` are those that moved by themselves meanwhile, and
        ``out_of_time`` is 1 when the deadline ended the run.
    """
    policy = system.policy
    done: Counter[str] = Counter(dict.fromkeys((*INTERVENTIONS, "moved_on", "errors", "out_of_time"), 0))
    rounds: tuple[tuple[str, Callable[[System], Iterator[Order]]], ...] = (
        ("RECEIVED orders", lambda system: _waiting(Status.RECEIVED, policy.restart_after, system)),
        ("PROCESSING orders", lambda system: _waiting(Status.PROCESSING, policy.recover_after, system)),
        ("dead letters", _dead),
        ("PENDING orders", lambda system: _waiting(Status.PENDING, policy.resend_after, system)),
    )
    for name, due in rounds:
        for outcome, count in _round(name, due, system, seconds_left).items():
            done[outcome] += count
            if outcome in COUNTED:
                system.metrics.record(Metric.RECONCILER_INTERVENTIONS, count, reason=outcome)
        if done["out_of_time"]:
            break
    level = logging.INFO if any(done.values()) else logging.DEBUG
    log.log(level, "reconciled: %s", " ".join(f"{name}={count}" for name, count in done.items()))
    system.metrics.record(Metric.RECONCILER_RUNS)
    return dict(done)


def _round(
    name: str, due: Callable[[System], Iterator[Order]], system: System, seconds_left: Callable[[], float]
) -> Counter[str]:
    """Push the orders that are due by one reason; how many came to what."""
    done: Counter[str] = Counter()
    try:
        for order in due(system):
            if seconds_left() <= system.policy.deadline_margin.total_seconds():
                done["out_of_time"] = 1
                break
            done[_pushed(order, system)] += 1
    except Exception as error:  # orders in another state must not wait for this one
        log.exception("%s: not read, %s", name, error_name(error))
        done["errors"] += 1
    return done


def _waiting(status: Status, patience: timedelta, system: System) -> Iterator[Order]:
    """The orders of a state whose time has come, the longest waiting first; at most ``reconcile_limit``."""
    limit = system.policy.reconcile_limit
    due: list[Order] = []
    for most in (limit, LOOK_FURTHER * limit):
        found = system.store.waiting(status, system.now() - patience, most)
        due = [order for order in found if _is_due(order, patience, system)]
        if len(found) < most or len(due) >= limit:
            break
    return iter(due[:limit])


def _dead(system: System) -> Iterator[Order]:
    """The orders of dead letters that are open still: no message is left that would move them.

    A message dies without failing its order when its last receive came to nothing: the function crashed, or was
    throttled. Where another message is on its way after all, the two find that out. A letter that died after its
    order was redriven is taken out, as the redrive would have done.
    """
    stale = 0
    for letter in system.dead_letters.peek():
        try:
            order = system.store.get(message.read(letter.body).order_id)
        except message.PoisonMessage:
            continue
        if order is None:
            continue
        stale += is_stale(letter, order, system)
        if order.status in OPEN and _is_due(order, system.policy.recover_after, system):
            yield order
    if stale:
        log.info("dead letters of redriven orders taken out: %d", remove_stale(system))


def _is_due(order: Order, patience: timedelta, system: System) -> bool:
    """Whether an order has waited long enough: ``patience``, doubled with each time that it was pushed."""
    match order.status:
        case Status.PROCESSING:
            return order.lease_until is None or order.lease_until < system.now()
        case Status.PENDING if order.attempts >= system.policy.max_attempts:
            return True
        case Status.PENDING:
            times = order.resends
        case _:
            patience, times = system.policy.restart_after, order.restarts
    return order.updated_at + system.policy.backoff(patience, times) < system.now()


def _pushed(order: Order, system: System) -> str:
    with logs.with_fields(order_id=order.order_id, trace_id=trace_id(order.traceparent)):
        try:
            outcome = _push(order, system)
        except TransitionRefused:
            return "moved_on"
        except Exception as error:  # the others must not wait for this one
            log.exception("order %s: not reconciled, %s", order.order_id, error_name(error))
            return "errors"
        log.warning("order %s: %s", order.order_id, outcome, extra={"outcome": outcome})
        return outcome


def _push(order: Order, system: System) -> str:
    if order.status is Status.RECEIVED:
        touched = _touch(order, "restart", f"workflow start {order.restarts + 2}", system)
        started = start(order, f"{order.order_id}-{touched.restarts}", system)
        return "restarted" if started else "errors"
    if order.attempts >= system.policy.max_attempts:
        give_up(order, ACTOR, system)
        return "gave_up"
    if order.status is Status.PROCESSING:
        _touch(order, "recover", f"attempt {order.attempts} never came to an end", system)
        system.queue.send(message.Message(order.order_id, order.epoch, order.traceparent))
        return "recovered"
    _touch(order, "resend", f"sent to the queue again, time {order.resends + 1}", system)
    system.queue.send(message.Message(order.order_id, order.epoch, order.traceparent))
    return "resent"


def _touch(order: Order, name: TransitionName, reason: str, system: System) -> Order:
    return system.store.apply(
        Write(
            name=name,
            order_id=order.order_id,
            id=system.new_id(),
            at=system.now(),
            actor=ACTOR,
            reason=reason,
            seen=order,
        )
    )
