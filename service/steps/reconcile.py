"""The reconciler: finds orders that nothing moves any more, and gives each the push that its state needs.

It writes first, guarded by the version that it saw, and acts after; if it dies in between, the write has reset the
order's clock, and a later run acts. Each run looks at a bounded number of orders of each open state.
"""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from service.orders.launch import start
from service.orders.lifecycle import Status, TransitionName
from service.orders.model import Order, Write
from service.orders.ports import System, TransitionRefused
from service.steps.fulfill import give_up

log = logging.getLogger(__name__)

ACTOR = "reconciler"


def run(_task: Mapping[str, Any], system: System) -> dict[str, int]:
    """Look once at the orders that wait too long.

    Args:
        _task: nothing but the task's name.
        system: the ports.

    Returns:
        How many orders each intervention touched; ``moved_on`` are those that moved by themselves meanwhile.
    """
    policy = system.policy
    done: Counter[str] = Counter(restarted=0, recovered=0, resent=0, gave_up=0, moved_on=0, errors=0)
    rounds: tuple[tuple[Status, timedelta, Callable[[Order, System], str | None]], ...] = (
        (Status.RECEIVED, policy.restart_after, _restart),
        (Status.PROCESSING, policy.recover_after, _recover),
        (Status.PENDING, policy.resend_after, _resend),
    )
    for status, age, intervene in rounds:
        try:
            waiting = system.store.waiting(status, system.now() - age, policy.reconcile_limit)
        except Exception as error:  # orders in another state must not wait for this one
            log.exception("%s orders: not read, %s", status, type(error).__name__)
            done.update(["errors"])
            continue
        for order in waiting:
            done.update(_attempted(order, intervene, system))
    level = logging.INFO if any(done.values()) else logging.DEBUG
    log.log(level, "reconciled: %s", " ".join(f"{name}={count}" for name, count in done.items()))
    return dict(done)


def _attempted(order: Order, intervene: Callable[[Order, System], str | None], system: System) -> list[str]:
    try:
        outcome = intervene(order, system)
    except TransitionRefused:
        return ["moved_on"]
    except Exception as error:  # the others must not wait for this one
        log.exception("order %s: not reconciled, %s", order.order_id, type(error).__name__)
        return ["errors"]
    return [outcome] if outcome else []


def _restart(order: Order, system: System) -> str | None:
    if not _due(order, system.policy.restart_after, order.restarts, system):
        return None
    touched = _touch(order, "restart", f"workflow start {order.restarts + 2}", system)
    started = start(order.order_id, f"{order.order_id}-{touched.restarts}", system)
    return "restarted" if started else "errors"


def _recover(order: Order, system: System) -> str | None:
    if order.lease_until is not None and order.lease_until >= system.now():
        return None
    if order.attempts >= system.policy.max_attempts:
        give_up(order, ACTOR, system)
        return "gave_up"
    _touch(order, "recover", f"attempt {order.attempts} never came to an end", system)
    system.queue.send(order.order_id)
    return "recovered"


def _resend(order: Order, system: System) -> str | None:
    if order.attempts >= system.policy.max_attempts:
        give_up(order, ACTOR, system)
        return "gave_up"
    if not _due(order, system.policy.resend_after, order.resends, system):
        return None
    _touch(order, "resend", f"sent to the queue again, time {order.resends + 1}", system)
    system.queue.send(order.order_id)
    return "resent"


def _due(order: Order, first: timedelta, times: int, system: System) -> bool:
    return order.updated_at + system.policy.backoff(first, times) < system.now()


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
