"""The ways that an order can take, each with what must have become of it in the end."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from service.fulfillers.simulated import succeeds
from service.orders.identity import derived_id, order_id_for
from service.orders.submission import received
from service.steps import fulfill, store
from tests.faults.actors import operate, start_by_hand, submit, submit_and_cancel
from tests.faults.cloud import SETTINGS, FaultySystem
from tests.faults.driver import EVERY, START_DELAY, Run
from tests.support import START, valid_order

OWNER = "anonymous"
MOST = SETTINGS.max_attempts
SEARCHED = 10_000  # keys that are tried until the order of one comes to the outcome that is asked for


@dataclass(frozen=True)
class Flow:
    """One way: how it begins, and how it ends when nothing goes wrong."""

    name: str
    begin: Callable[[Run], None]
    order_id: str
    ends: str
    epoch: int = 0
    lost: frozenset[int] = frozenset()
    """Attempts of the last epoch that were claimed before the flow begins, and never come to an end."""
    mended: bool = False
    """Whether it is the reconciler's to bring the order on."""


def outcome(order_id: str, epoch: int, lost: Collection[int] = ()) -> tuple[str, int]:
    """The oracle: an order's last state and its attempts, if some of its attempts never come to an end."""
    for attempt in range(1, MOST + 1):
        if attempt not in lost and _succeeds(order_id, epoch, attempt):
            return "FULFILLED", attempt
    return "FAILED", MOST


def _succeeds(order_id: str, epoch: int, attempt: int) -> bool:
    return succeeds(SETTINGS.fulfillment_seed, SETTINGS.fulfillment_success_rate, order_id, epoch, attempt)


def _key(*outcomes: tuple[str, int]) -> str:
    """An idempotency key whose order comes to an outcome in each of its epochs."""
    for number in range(SEARCHED):
        key = f"a-key-of-a-client-{number}"
        order_id = order_id_for(OWNER, key, str)
        if all(outcome(order_id, epoch) == each for epoch, each in enumerate(outcomes)):
            return key
    raise AssertionError(f"at this success rate no order comes to {outcomes}")


def _id(key: str) -> str:
    return order_id_for(OWNER, key, str)


def _submitted(key: str, **more: Any) -> Callable[[Run], None]:
    return lambda run: run.cloud.scheduler.spawn(submit(run, key, valid_order(), **more))


AT_ONCE = _key(("FULFILLED", 1))
AT_LAST = _key(("FULFILLED", 3))
NEVER_THEN_AT_ONCE = _key(("FAILED", 3), ("FULFILLED", 1))
SECOND = _key(("FULFILLED", 2))
BY_HAND = next(
    name for name in map("by-hand-{}".format, range(SEARCHED)) if outcome(derived_id("execution", name), 0)[1] == 1
)
INVALID = {"customer_id": "cust_123", "items": [], "total_amount": 1}


def _rejected(run: Run) -> None:
    run.cloud.scheduler.spawn(submit(run, AT_ONCE, INVALID, Prefer="handling=lenient"))


def _redriven(run: Run) -> None:
    _submitted(NEVER_THEN_AT_ONCE)(run)
    run.cloud.scheduler.spawn(operate(run, _id(NEVER_THEN_AT_ONCE)))


def _cancelled(wait: float) -> Callable[[Run], None]:
    return lambda run: run.cloud.scheduler.spawn(submit_and_cancel(run, AT_ONCE, valid_order(), wait))


def _standing(key: str, since: float, attempts: int | None = None, letter: str = "") -> Callable[[Run], None]:
    """Begin with an order that nothing moves: RECEIVED, or stored, or claimed so many times.

    Args:
        key: the order's idempotency key.
        since: when it was last moved, in seconds from the beginning.
        attempts: how many were claimed and came to no end; None when it was not even stored.
        letter: where its one message lies: on the queue, among the dead letters, or nowhere.
    """

    def begin(run: Run) -> None:
        system, clock = run.cloud.system, run.cloud.clock
        clock.forward(since - (attempts or 0) * (SETTINGS.lease + 1))
        _receive(key, system)
        if attempts is not None:
            store.run({"task": "store", "order_id": _id(key)}, system)
        for _ in range(attempts or 0):
            clock.forward(SETTINGS.lease + 1)
            fulfill.claim(_id(key), system)
        clock.at = max(clock.at, START)
        if letter:
            url = {"queue": SETTINGS.queue_url, "dead": SETTINGS.dead_letter_queue_url}[letter]
            system.clients.sqs.send_message(QueueUrl=url, MessageBody=f'{{"order_id": "{_id(key)}"}}')

    return begin


def _receive(key: str, system: FaultySystem) -> None:
    named = {"order_id": _id(key), "owner": OWNER, "actor": "api"}
    system.store.create(received(valid_order(), at=system.now(), write_id=system.new_id(), **named))


def _by_hand(run: Run) -> None:
    start_by_hand(run, BY_HAND, {"order": valid_order()})


ALL = frozenset(range(1, MOST + 1))
FIRST = frozenset({1})
JUST = EVERY - SETTINGS.lease - 1  # when the schedule looks, the lease is over, and only the dead letter tells of it

FLOWS = (
    Flow("fulfilled-at-once-and-submitted-twice", _submitted(AT_ONCE, times=2), _id(AT_ONCE), "FULFILLED"),
    Flow("fulfilled-at-last", _submitted(AT_LAST), _id(AT_LAST), "FULFILLED"),
    Flow("failed-and-sent-again", _redriven, _id(NEVER_THEN_AT_ONCE), "FULFILLED", epoch=1),
    Flow("rejected", _rejected, _id(AT_ONCE), "REJECTED"),
    Flow("cancelled-before-it-is-stored", _cancelled(START_DELAY / 2), _id(AT_ONCE), "CANCELLED"),
    Flow("cancelled-before-it-is-claimed", _cancelled(START_DELAY + 0.2), _id(AT_ONCE), "CANCELLED"),
    Flow("started-by-hand", _by_hand, derived_id("execution", BY_HAND), "FULFILLED"),
    Flow("never-started", _standing(AT_ONCE, 0), _id(AT_ONCE), "FULFILLED", mended=True),
    Flow("never-sent", _standing(AT_ONCE, -EVERY - 1, 0), _id(AT_ONCE), "FULFILLED", mended=True),
    Flow("dead-before-an-attempt", _standing(AT_ONCE, 0, 0, "dead"), _id(AT_ONCE), "FULFILLED", mended=True),
    Flow("lost-while-held", _standing(SECOND, 0, 1), _id(SECOND), "FULFILLED", lost=FIRST, mended=True),
    Flow(
        "dead-while-held",
        _standing(SECOND, JUST, 1, "dead"),
        _id(SECOND),
        "FULFILLED",
        lost=FIRST,
        mended=True,
    ),
    Flow("dead-at-its-last-attempt", _standing(SECOND, JUST, 3, "dead"), _id(SECOND), "FAILED", lost=ALL, mended=True),
    Flow("late-at-its-last-attempt", _standing(SECOND, -20, 3, "queue"), _id(SECOND), "FAILED", lost=ALL),
)
