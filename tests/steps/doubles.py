"""Test doubles of fulfillers and stores, and orders in every state."""

from collections.abc import Callable
from datetime import timedelta
from threading import Barrier
from typing import Any

from service.handler import dispatch
from service.orders.deliveries import Deliveries
from service.orders.lifecycle import Status
from service.orders.model import Order
from service.orders.mover import Mover
from service.orders.ports import OrderStore
from service.orders.shipments import Shipment
from service.orders.submission import new_order
from service.orders.transitions import TRANSITIONS
from service.orders.warehouse import Answer, State
from service.steps import reject, store
from tests import events
from tests.polling import PATIENCE
from tests.support import Context, MemorySystem, sqs_event
from tests.warehouse_answers import TOO_LATE

DONE = Answer(State.SHIPPED)
DECLINED = Answer(State.DECLINED, "not today")
REFUSED = Answer(State.REFUSED, "no longer sold")
NOT_FOUND = Answer(State.NOT_FOUND)


PARCEL = Shipment(delivery=1, id="s1", lines=((1, 1),))
"""A parcel with one of the two pieces of ``valid_order``."""
IN_WORK = Answer(State.ACCEPTED)
CLOSED = Answer(State.CLOSED, "sold out", shipments=(PARCEL,))

ANSWERS = {
    Status.FULFILLED: DONE,
    Status.FAILED: REFUSED,
    Status.AT_WAREHOUSE: IN_WORK,
    Status.PARTLY_FULFILLED: CLOSED,
}
"""The answers that move an order to a state."""


class Warehouse:
    """A warehouse that has no delivery, and cancels none."""

    def look(self, order: Order, seconds: float) -> Answer:
        return Answer(State.NOT_FOUND)

    def cancel(self, order: Order, seconds: float) -> Answer:
        return TOO_LATE


class Scripted(Warehouse):
    """Returns or raises the given answers in turn, and repeats the last one; looks and cancellations likewise."""

    def __init__(
        self,
        *answers: Answer | Exception,
        looks: Answer | Exception = NOT_FOUND,
        cancels: Answer | Exception = TOO_LATE,
    ) -> None:
        self.answers = list(answers)
        self.looks, self.cancels = looks, cancels
        self.asked: list[tuple[str, int, int]] = []
        self.keys: list[str] = []
        self.seconds: list[float] = []

    def ask(self, order: Order, seconds: float) -> Answer:
        self.asked.append((order.order_id, order.epoch, order.attempts))
        self.keys.append(order.delivery_key)
        self.seconds.append(seconds)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def look(self, order: Order, seconds: float) -> Answer:
        if isinstance(self.looks, Exception):
            raise self.looks
        return self.looks

    def cancel(self, order: Order, seconds: float) -> Answer:
        if isinstance(self.cancels, Exception):
            raise self.cancels
        return self.cancels


class CallbackFulfiller(Warehouse):
    """Calls a function during each attempt, then returns or raises an answer."""

    def __init__(self, during: Callable[[Order], None], answer: Any = DONE) -> None:
        self.during = during
        self.then = Scripted(answer)

    def ask(self, order: Order, seconds: float) -> Answer:
        self.during(order)
        return self.then.ask(order, seconds)


class BarrierFulfiller(Warehouse):
    """Ends no attempt before ``parties`` attempts run at once."""

    def __init__(self, parties: int) -> None:
        self.barrier = Barrier(parties)

    def ask(self, order: Order, seconds: float) -> Answer:
        self.barrier.wait(PATIENCE)
        return DONE


class PatchedStore:
    """A store with some of its methods replaced; each replacement gets the real store as its first argument."""

    def __init__(self, store: OrderStore, **replaced: Callable[..., Any]) -> None:
        unknown = [name for name in replaced if not hasattr(OrderStore, name)]
        assert not unknown, f"a store has no {unknown}"
        self._store = store
        self._replaced = replaced

    def __getattr__(self, name: str) -> Any:
        if name not in self._replaced:
            return getattr(self._store, name)
        return lambda *args: self._replaced[name](self._store, *args)


def break_store(system: MemorySystem, method: str, *order_ids: str) -> None:
    """Make one method of the store raise an error for some orders."""

    def replaced(store: Any, *args: Any) -> Any:
        if getattr(args[0], "order_id", args[0]) in order_ids:
            raise ConnectionError("the table does not answer")
        return getattr(store, method)(*args)

    system.store = PatchedStore(system.store, **{method: replaced})


def deliver(system: MemorySystem, *bodies: str, seconds: float = 30) -> list[str]:
    """Invoke the function with a batch of messages m1, m2 …; return the ids of those that stay on the queue."""
    answer = dispatch(sqs_event(*bodies), Context(seconds), system)
    assert answer.keys() == {"batchItemFailures"}
    assert all(failure.keys() == {"itemIdentifier"} for failure in answer["batchItemFailures"])
    return sorted(failure["itemIdentifier"] for failure in answer["batchItemFailures"])


def reconcile(system: MemorySystem) -> dict[str, int]:
    """Run the reconciler once, as the schedule does; return its counts that are not zero."""
    done = dispatch(events.load("task_reconcile"), Context(), system)
    return {name: count for name, count in done.items() if count}


def message(order_id: str) -> str:
    return f'{{"order_id": "{order_id}"}}'


def invalid(system: MemorySystem, order_id: str = "ord_1") -> Order:
    """Put an invalid order into the store, as a lenient request does."""
    return system.store.create(
        new_order({}, order_id=order_id, owner="anonymous", actor="api", at=system.now(), write_id=system.new_id())
    )


def pending(system: MemorySystem, order_id: str = "ord_1") -> Order:
    """Put a PENDING order into the store."""
    system.receive(order_id)
    store.run({"task": "store", "order_id": order_id}, system)
    return system.store.get(order_id)


def processing(system: MemorySystem, order_id: str = "ord_1", attempts: int = 1) -> Order:
    """Put a PROCESSING order into the store; its earlier attempts never ended."""
    pending(system, order_id)
    for _ in range(attempts - 1):
        Deliveries(system).claim(order_id)
        system.now.forward(system.policy.lease.total_seconds() + 1)
    return Deliveries(system).claim(order_id)


def standing(status: Status, system: MemorySystem, order_id: str = "ord_1") -> Order:
    """Put an order in the given state into the store, through the transitions that lead there."""
    match status:
        case Status.RECEIVED:
            system.receive(order_id)
        case Status.PENDING:
            pending(system, order_id)
        case Status.PROCESSING:
            processing(system, order_id)
        case Status.REJECTED:
            invalid(system, order_id)
            reject.run({"task": "reject", "execution": order_id, "input": {"order_id": order_id}}, system)
        case Status.CANCELLED:
            system.receive(order_id)
            Deliveries(system).cancel(order_id, "customer", "cancelled by the customer")
        case _ if status in ANSWERS:
            pending(system, order_id)
            usual, system.fulfiller = system.fulfiller, Scripted(ANSWERS[status])
            deliver(system, message(order_id))
            system.fulfiller = usual
        case _:
            _move_to(status, system, order_id)
    order = system.store.get(order_id)
    assert order.status is status
    return order


def _move_to(status: Status, system: MemorySystem, order_id: str) -> None:
    """Put an order into a state by the first transition of the table that enters it."""
    name, row = next((name, row) for name, row in TRANSITIONS.items() if row.target is status)
    seen = standing(row.sources[0].status, system, order_id)
    Mover(system).move(name, order_id, actor="test", seen=seen)


def later(system: MemorySystem, age: timedelta, more: float = 0.001) -> None:
    """Move the clock forward by an age and a little more."""
    system.now.forward(age.total_seconds() + more)
