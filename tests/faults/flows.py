"""The flows of an order, each with its expected result."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from service.orders.deliveries import Deliveries
from service.orders.identity import derive_id, order_id_for
from service.orders.model import Failure, FailureKind
from service.orders.mover import Mover
from service.orders.submission import new_order
from service.orders.warehouse import State
from service.steps import store
from service.warehouses.decision import ships
from tests.faults.actors import cancel, operate, start_in_console, submit, submit_and_cancel
from tests.faults.cloud import SETTINGS, FaultySystem
from tests.faults.driver import EVERY, START_DELAY, Run
from tests.support import START, valid_order

OWNER = "anonymous"
MAX_ATTEMPTS = SETTINGS.max_attempts
SEARCHED = 10_000  # keys to try until the order of one has the wanted outcome


@dataclass(frozen=True)
class Flow:
    """One flow: how it begins, and its result without a fault."""

    name: str
    begin: Callable[[Run], None]
    order_id: str
    status: str
    """The final status."""
    epoch: int = 0
    unfinished: frozenset[int] = frozenset()
    """Attempts of the last epoch that were claimed before the flow begins and never end."""
    reconciled: int = 0
    """How often the reconciler must push the order."""


def decision(key: str) -> State:
    """The warehouse's decision about a delivery, without a fault."""
    shipped = ships(SETTINGS.fulfillment_seed, SETTINGS.fulfillment_success_rate, key)
    return State.SHIPPED if shipped else State.DECLINED


def outcome(
    order_id: str,
    delivery: int = 1,
    unfinished: Collection[int] = (),
    state_of: Callable[[str], State | None] = decision,
) -> tuple[str, int, int]:
    """The oracle: the final status of an epoch, its attempts, and the delivery after it.

    Args:
        order_id: the order.
        delivery: the delivery at the beginning of the epoch.
        unfinished: the attempts without an answer. The next attempt, or at last a look, asks for the same delivery.
        state_of: the state of a delivery at the warehouse, by its key; None if the warehouse never had it.
    """
    for attempt in range(1, MAX_ATTEMPTS + 1):
        if attempt in unfinished and attempt < MAX_ATTEMPTS:
            continue
        match state_of(f"{order_id}-d{delivery}"):
            case State.SHIPPED:
                return "FULFILLED", attempt, delivery
            case State.REFUSED:
                return "FAILED", attempt, delivery + 1
            case State.DECLINED | State.CANCELLED:
                delivery += 1
    return "FAILED", MAX_ATTEMPTS, delivery


def _key(*outcomes: tuple[str, int]) -> str:
    """An idempotency key whose order has the given outcome in each of its epochs."""
    for number in range(SEARCHED):
        key = f"a-key-of-a-client-{number}"
        if all(found == wanted for found, wanted in zip(_outcomes(_id(key)), outcomes, strict=False)):
            return key
    raise AssertionError(f"at this success rate no order has the outcomes {outcomes}")


def _outcomes(order_id: str) -> Iterator[tuple[str, int]]:
    """The outcomes of an order's epochs, one after the other."""
    delivery = 1
    while True:
        status, attempts, delivery = outcome(order_id, delivery)
        yield status, attempts


def _id(key: str) -> str:
    return order_id_for(OWNER, key, str)


# Keys of orders that succeed at the named attempt
FIRST = _key(("FULFILLED", 1))
SECOND = _key(("FULFILLED", 2))
LAST = _key(("FULFILLED", MAX_ATTEMPTS))
AFTER_REDRIVE = _key(("FAILED", MAX_ATTEMPTS), ("FULFILLED", 1))

CONSOLE_NAME = next(
    name for name in map("by-hand-{}".format, range(SEARCHED)) if outcome(derive_id("execution", name))[1] == 1
)
INVALID = {"customer_id": "cust_123", "items": [], "total_amount": 1}


def _submitted(key: str, **more: Any) -> Callable[[Run], None]:
    return lambda run: run.cloud.scheduler.spawn(submit(run, key, valid_order(), **more))


def _rejected(run: Run) -> None:
    run.cloud.scheduler.spawn(submit(run, FIRST, INVALID, Prefer="handling=lenient"))


def _redriven(run: Run) -> None:
    _submitted(AFTER_REDRIVE)(run)
    run.cloud.scheduler.spawn(operate(run, _id(AFTER_REDRIVE)))


def _cancelled(wait: float) -> Callable[[Run], None]:
    return lambda run: run.cloud.scheduler.spawn(submit_and_cancel(run, FIRST, valid_order(), wait))


def _started_in_console(run: Run) -> None:
    start_in_console(run, CONSOLE_NAME, {"order": valid_order()})


def _existing(
    key: str, since: float, attempts: int | None = None, message_in: str = "", arrived: bool = True
) -> Callable[[Run], None]:
    """Begin with an order that nothing processes.

    Args:
        key: the order's idempotency key.
        since: when its status last changed, in seconds from the beginning.
        attempts: how many attempts were claimed and never ended; None for a RECEIVED order.
        message_in: the URL of the queue that holds its message; empty if there is none.
        arrived: whether the warehouse got the requests of these attempts.
    """

    def begin(run: Run) -> None:
        system, clock = run.cloud.system, run.cloud.clock
        clock.forward(since - (attempts or 0) * (SETTINGS.lease + 1))
        _receive(key, system)
        if attempts is not None:
            store.run({"task": "store", "order_id": _id(key)}, system)
        for _ in range(attempts or 0):
            clock.forward(SETTINGS.lease + 1)
            claimed = Deliveries(system).claim(_id(key))
            if arrived:
                system.fulfiller.ask(claimed, 1)
        clock.at = max(clock.at, START)
        if message_in:
            system.clients.sqs.send_message(QueueUrl=message_in, MessageBody=f'{{"order_id": "{_id(key)}"}}')

    return begin


def _receive(key: str, system: FaultySystem) -> None:
    named = {"order_id": _id(key), "owner": OWNER, "actor": "api"}
    system.store.create(new_order(valid_order(), at=system.now(), write_id=system.new_id(), **named))


def _closed(run: Run) -> None:
    """Begin with a warehouse that takes nothing for some minutes."""
    run.cloud.system.fulfiller.close(150)
    _submitted(FIRST)(run)


def _given_up(key: str, arrived: bool, new_delivery: bool) -> Callable[[Run], None]:
    """Begin with a FAILED order whose requests had no answer, and with its message in the dead-letter queue.

    An operator redrives it at once.
    """
    begin_with_attempts = _existing(key, -SETTINGS.lease - 1, MAX_ATTEMPTS, SETTINGS.dead_letter_queue_url, arrived)

    def begin(run: Run) -> None:
        begin_with_attempts(run)
        order = run.cloud.system.store.get(_id(key))
        failure = Failure(FailureKind.UNKNOWN, "it may have been shipped")
        given = {"seen": order, "failure": failure, "message_id": "m1", "max_attempts": MAX_ATTEMPTS}
        Mover(run.cloud.system).move("give_up", _id(key), actor="fulfillment", reason=failure.detail, **given)
        run.cloud.scheduler.spawn(operate(run, _id(key), new_delivery))

    return begin


def _cancelled_later(key: str, arrived: bool) -> Callable[[Run], None]:
    """Begin with a PENDING order whose first attempt had no answer. Its customer cancels it."""
    begin_with_attempt = _unanswered(key, arrived)

    def begin(run: Run) -> None:
        begin_with_attempt(run)
        run.cloud.scheduler.spawn(cancel(run, _id(key)), after=1)

    return begin


def _unanswered(key: str, arrived: bool, cancel_asked: bool = False) -> Callable[[Run], None]:
    begin_with_attempt = _existing(key, 0, 1, arrived=arrived)

    def begin(run: Run) -> None:
        begin_with_attempt(run)
        system = run.cloud.system
        Deliveries(system).settle(system.store.get(_id(key)), TimeoutError(), "m1")
        if cancel_asked:
            Mover(system).move("ask_cancel", _id(key), actor="customer", seen=system.store.get(_id(key)))

    return begin


EXPIRED_AT_RECONCILE = EVERY - SETTINGS.lease - 1  # the lease has just expired when the reconciler first runs
QUEUE, DEAD_LETTER_QUEUE = SETTINGS.queue_url, SETTINGS.dead_letter_queue_url


def _reconciled(
    name: str, begin: Callable[[Run], None], key: str, status: str = "FULFILLED", unfinished: int = 0
) -> Flow:
    attempts = frozenset(range(1, unfinished + 1))
    return Flow(name, begin, _id(key), status, unfinished=attempts, reconciled=1)


FLOWS = (
    Flow("fulfilled-first-attempt-submitted-twice", _submitted(FIRST, times=2), _id(FIRST), "FULFILLED"),
    Flow("fulfilled-last-attempt", _submitted(LAST), _id(LAST), "FULFILLED"),
    Flow("failed-and-redriven", _redriven, _id(AFTER_REDRIVE), "FULFILLED", epoch=1),
    Flow("rejected", _rejected, _id(FIRST), "REJECTED"),
    Flow("cancelled-while-received", _cancelled(START_DELAY / 2), _id(FIRST), "CANCELLED"),
    Flow("cancelled-while-pending", _cancelled(START_DELAY + 0.2), _id(FIRST), "CANCELLED"),
    Flow("started-in-console", _started_in_console, derive_id("execution", CONSOLE_NAME), "FULFILLED"),
    _reconciled("received-without-execution", _existing(FIRST, 0), FIRST),
    _reconciled("pending-without-message", _existing(FIRST, -EVERY - 1, 0), FIRST),
    _reconciled("pending-with-dead-letter-message", _existing(FIRST, 0, 0, DEAD_LETTER_QUEUE), FIRST),
    _reconciled("processing-without-message", _existing(SECOND, 0, 1), SECOND, unfinished=1),
    _reconciled(
        "processing-with-dead-letter-message",
        _existing(SECOND, EXPIRED_AT_RECONCILE, 1, DEAD_LETTER_QUEUE),
        SECOND,
        unfinished=1,
    ),
    _reconciled(
        "last-attempt-with-dead-letter-message",
        _existing(SECOND, EXPIRED_AT_RECONCILE, MAX_ATTEMPTS, DEAD_LETTER_QUEUE),
        SECOND,
        "FAILED",
        unfinished=MAX_ATTEMPTS,
    ),
    Flow(
        "last-attempt-with-late-message",
        _existing(SECOND, -20, MAX_ATTEMPTS, QUEUE),
        _id(SECOND),
        "FAILED",
        unfinished=frozenset(range(1, MAX_ATTEMPTS + 1)),
    ),
    Flow("submitted-while-the-warehouse-takes-nothing", _closed, _id(FIRST), "FULFILLED", reconciled=2),
    Flow(
        "last-attempt-shipped-with-late-message",
        _existing(FIRST, -20, MAX_ATTEMPTS, QUEUE),
        _id(FIRST),
        "FULFILLED",
        unfinished=frozenset(range(1, MAX_ATTEMPTS + 1)),
    ),
    Flow(
        "cancelled-at-the-warehouse",
        _cancelled_later(FIRST, arrived=False),
        _id(FIRST),
        "CANCELLED",
        unfinished=frozenset({1}),
    ),
    Flow(
        "shipped-before-the-cancellation",
        _cancelled_later(FIRST, arrived=True),
        _id(FIRST),
        "FULFILLED",
        unfinished=frozenset({1}),
    ),
    Flow(
        "cancelled-by-the-reconciler",
        _unanswered(FIRST, arrived=False, cancel_asked=True),
        _id(FIRST),
        "CANCELLED",
        unfinished=frozenset({1}),
        reconciled=1,
    ),
    Flow(
        "shipped-given-up-and-redriven",
        _given_up(FIRST, arrived=True, new_delivery=False),
        _id(FIRST),
        "FULFILLED",
        epoch=1,
        unfinished=frozenset(range(1, MAX_ATTEMPTS + 1)),
    ),
    Flow(
        "new-delivery-after-the-old-one-was-cancelled",
        _given_up(SECOND, arrived=False, new_delivery=True),
        _id(SECOND),
        "FULFILLED",
        epoch=1,
        unfinished=frozenset(range(1, MAX_ATTEMPTS + 1)),
    ),
    Flow(
        "no-new-delivery-of-a-shipped-order",
        _given_up(FIRST, arrived=True, new_delivery=True),
        _id(FIRST),
        "FULFILLED",
        unfinished=frozenset(range(1, MAX_ATTEMPTS + 1)),
        reconciled=1,
    ),
)
