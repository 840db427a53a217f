"""One order, explored: every interleaving of the actors that move it, through the real transition table.

Only ``TRANSITIONS`` and ``service/orders/outcomes.py`` move the row. Around it are two workers with a message each, so
that there are always duplicates; one look at a time, of the reconciler or of a late message; a customer who cancels; an
operator who redrives, and asks for a new delivery; and a warehouse with a ledger of its own, which keeps its contract.
A fault is a request that is lost or late, an answer that is lost, a crash, a look that fails, or a lease that is taken
from a living worker.

A write between a read and its guarded write makes the latter fail, as its version was not seen: the model forgets the
look. Time, the queue, and other orders are left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

from service.orders.lifecycle import OPEN, Status
from service.orders.outcomes import Outcome, after_attempt, after_look
from service.orders.transitions import TRANSITIONS, TransitionName
from service.orders.warehouse import Answer, State
from tests.transition_table import changed_by, permits

Ledger = tuple[State | None, ...]
"""The state of each delivery at the warehouse; None if it has none."""
UNKNOWN = TimeoutError("the answer was lost")
NOT_TAKEN = Answer(State.NOT_TAKEN)
AT_REST = (Status.PENDING, Status.PROCESSING)


class By(IntEnum):
    """Who makes a step: an actor that always comes at last, or one that may never come."""

    CHANCE = 0
    SYSTEM = 1


class Row(NamedTuple):
    """The stored order, as far as guards and changes look at it."""

    status: Status
    attempts: int = 0
    epoch: int = 0
    delivery: int = 1
    asked: int = 0
    cancel_asked: int = 0
    lease_owner: int = 0
    lease_until: int = 0
    resends: int = 0
    looks: int = 0
    version: int = 0
    failed_row: bool = False
    times_fulfilled: int = 0

    @property
    def is_open(self) -> bool:
        return self.status in OPEN


class Worker(NamedTuple):
    """An attempt: its lease, the delivery that it asks for, and the answer once there is one."""

    owner: int
    delivery: int
    answer: Any = None


class World(NamedTuple):
    """One state of the model."""

    row: Row
    ledger: Ledger
    workers: tuple[Worker | None, ...] = (None, None)
    look: Any = None
    late: tuple[int, ...] = ()
    """The deliveries of the requests that arrive after the attempt has ended."""
    faults: int = 2
    cancels: int = 1


class Step(NamedTuple):
    """A step to another state, with the invariant that the step itself breaks, if any."""

    by: By
    label: str
    world: World
    broken: str = ""


@dataclass(frozen=True)
class Bounds:
    """The bounds of the exploration. Keys beyond ``deliveries`` are not modelled: the last delivery always ships."""

    attempts: int = 2
    faults: int = 2
    redrives: int = 1
    deliveries: int = 3

    def first(self) -> World:
        """The first state: a PENDING order."""
        return World(Row(Status.PENDING), (None,) * self.deliveries, faults=self.faults)


class Model:
    """The steps that are possible in a state. Mutations replace its methods."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self._moves: dict[Any, Row | None] = {}

    def key(self, row: Row) -> int:
        """The key under which the warehouse is asked."""
        return row.delivery

    def steps(self, world: World) -> Iterator[Step]:
        """Every step that is possible."""
        for number, worker in enumerate(world.workers):
            yield from self._attempt(world, number, worker) if worker else self._claim(world, number)
        yield from self._reconcile(world)
        yield from self._arrive_late(world)
        yield from self._look(world)
        yield from self._cancel(world)
        yield from self._operate(world)

    def move(self, row: Row, name: TransitionName, **values: Any) -> Row | None:
        """The row after a transition; None if a guard does not hold."""
        known = (row, name, *values.values())
        if known not in self._moves:
            self._moves[known] = self._move(row, name, values)
        return self._moves[known]

    def _move(self, row: Row, name: TransitionName, values: dict[str, Any]) -> Row | None:
        transition = TRANSITIONS[name]
        brought = {"now": 2, "lease_until": 1, "seen_version": 0, "max_attempts": self.bounds.attempts, **values}
        if not permits(transition, row, brought):
            return None
        changes = changed_by(transition, row, brought)
        if "delivery" in changes:
            changes["delivery"] = min(changes["delivery"], self.bounds.deliveries)
        target = transition.target or row.status
        failed = {"put": True, "delete": False, None: row.failed_row}[transition.failed_orders]
        fulfilled = row.times_fulfilled + (target is Status.FULFILLED and row.status is not Status.FULFILLED)
        changes |= {"status": target, "failed_row": failed, "times_fulfilled": fulfilled, "resends": 0, "looks": 0}
        row = row._replace(**changes)
        return row if target is Status.PROCESSING else row._replace(lease_owner=0, lease_until=0)

    def after(self, world: World, outcome: Outcome | None, cost: int = 0, **changes: Any) -> World | None:
        """The state after an outcome was written; None if its write is refused."""
        row = self.move(world.row, outcome.transition, **outcome.values) if outcome else None
        return row and self.written(world, row, cost, **changes)

    def written(self, world: World, row: Row, cost: int = 0, **changes: Any) -> World:
        """The state after a write: whoever has seen the version before has seen it in vain."""
        return world._replace(row=row, look=None, faults=world.faults - cost, **changes)

    def price_of_the_lease(self, world: World) -> int:
        """The faults that it costs to write while the order is PROCESSING: one if the holder lives."""
        holder = world.row.lease_owner
        return int(world.row.status is Status.PROCESSING and any(w and w.owner == holder for w in world.workers))

    def _claim(self, world: World, number: int) -> Iterator[Step]:
        price = self.price_of_the_lease(world)
        if price > world.faults or (number and world.workers[0] is None):
            return
        others = {worker.owner for worker in world.workers if worker}
        owner = next(number for number in (1, 2) if number not in others)
        row = self.move(world.row, "claim", lease_owner=owner)
        if row:
            new = bool(world.row.cancel_asked and not world.row.asked)
            broken = "I22: asked anew, although a cancellation was asked for and nothing is out" if new else ""
            workers = _replaced(world.workers, number, Worker(owner, self.key(row)))
            label = f"claim of attempt {row.attempts} for d{self.key(row)}" + " (lease taken early)" * price
            yield Step(By(not price), label, self.written(world, row, price, workers=workers), broken)

    def _attempt(self, world: World, number: int, worker: Worker) -> Iterator[Step]:
        me = f"worker {worker.owner}"

        def then(new: Worker | None, cost: int = 0, **changes: Any) -> World:
            workers = _replaced(world.workers, number, new)
            return world._replace(workers=workers, faults=world.faults - cost, **changes)

        if world.faults:
            yield Step(By.CHANCE, f"{me} crashes", then(None, 1))
        if worker.answer is not None:
            yield from self._settle(world, number, worker)
            return
        for ledger, answer in self._asked(world.ledger, worker.delivery):
            label = f"{me} asks for d{worker.delivery}: {answer.state}"
            yield Step(By.SYSTEM, label, then(worker._replace(answer=answer), ledger=ledger))
            if world.faults and ledger != world.ledger:
                lost = then(worker._replace(answer=UNKNOWN), 1, ledger=ledger)
                yield Step(By.CHANCE, f"{label}; the answer is lost", lost)
        if world.faults:
            unknown = worker._replace(answer=UNKNOWN)
            yield Step(By.CHANCE, f"{me} asks for d{worker.delivery}: the request is lost", then(unknown, 1))
            late = tuple(sorted({*world.late, worker.delivery}))
            yield Step(By.CHANCE, f"{me} asks for d{worker.delivery}: the request is late", then(unknown, 1, late=late))

    def _settle(self, world: World, number: int, worker: Worker) -> Iterator[Step]:
        gone = world._replace(workers=_replaced(world.workers, number, None))
        label = f"worker {worker.owner} writes its answer, {_name(worker.answer)}"
        if world.row.status is Status.PROCESSING and world.row.lease_owner == worker.owner:
            for free in (False, True):
                outcome = after_attempt(world.row, worker.answer, self.bounds.attempts, free=free)  # type: ignore[arg-type]
                settled = self.after(gone, _with(outcome, lease_owner=worker.owner))
                broken = "" if settled else f"I1: the table refuses the end of an attempt, {outcome.transition}"
                yield Step(By(not free), f"{label}: {outcome.transition}", settled or gone, broken)
        else:
            yield Step(By.SYSTEM, f"{label}: its lease is lost", gone)

    def _asked(
        self, ledger: tuple[State | None, ...], delivery: int
    ) -> Iterator[tuple[tuple[State | None, ...], Answer]]:
        """What a request may come to: the ledger and the answer."""
        yield ledger, NOT_TAKEN
        known = ledger[delivery - 1]
        if known:
            yield ledger, Answer(known)
            return
        for state in (State.SHIPPED, *(State.DECLINED, State.REFUSED) * (delivery < self.bounds.deliveries)):
            yield _replaced(ledger, delivery - 1, state), Answer(state)

    def _arrive_late(self, world: World) -> Iterator[Step]:
        for number, delivery in enumerate(world.late):
            late = world.late[:number] + world.late[number + 1 :]
            for ledger, answer in self._asked(world.ledger, delivery):
                label = f"the late request for d{delivery} arrives: {answer.state}"
                yield Step(By.SYSTEM, label, world._replace(ledger=ledger, late=late))

    def _reconcile(self, world: World) -> Iterator[Step]:
        price = self.price_of_the_lease(world)
        row = self.move(world.row, "recover")
        if row and world.row.attempts < self.bounds.attempts and price <= world.faults:
            yield Step(By(not price), "reconciler recovers", self.written(world, row, price))

    def looked(self, world: World, price: int) -> Iterator[Step]:
        """A look is begun: the row and the warehouse are read."""
        answer = Answer(world.ledger[self.key(world.row) - 1] or State.NOT_FOUND) if world.row.asked else None
        seen = ("nothing to look at",) if answer is None else (answer,)
        yield Step(By(not price), f"look: {_name(answer)}", world._replace(look=seen, faults=world.faults - price))
        if world.faults > price and world.row.asked:
            failed = world._replace(look=(UNKNOWN,), faults=world.faults - price - 1)
            yield Step(By.CHANCE, "look fails", failed)

    def _look(self, world: World) -> Iterator[Step]:
        row, price = world.row, self.price_of_the_lease(world)
        if world.look:
            answer = None if world.look == ("nothing to look at",) else world.look[0]
            outcome = after_look(row, answer, self.bounds.attempts)  # type: ignore[arg-type]
            after = self.after(world, outcome)
            name = outcome.transition if outcome else "nothing"
            broken = f"I1: the table refuses a look, {name}" if outcome and not after else ""
            yield Step(By.SYSTEM, f"the look is written: {name}", after or world._replace(look=None), broken)
            yield Step(By.CHANCE, "the look ends without a write", world._replace(look=None))
        elif price <= world.faults and self.must_look(row):
            yield from self.looked(world, price)

    def must_look(self, row: Row) -> bool:
        """Whether the reconciler, or a late message, looks."""
        spent = row.status in AT_REST and row.attempts >= self.bounds.attempts
        return spent or (row.status is Status.FAILED and row.asked > 0)

    def _cancel(self, world: World) -> Iterator[Step]:
        row, price = world.row, self.price_of_the_lease(world)
        if world.cancels:
            for name, label in (("cancel", "customer cancels"), ("ask_cancel", "customer asks to cancel")):
                moved = self.move(row, name)  # type: ignore[arg-type]
                if moved:
                    yield Step(By.CHANCE, label, self.written(world, moved, cancels=world.cancels - 1))
        if not (row.cancel_asked and row.asked and (row.is_open or row.status is Status.FAILED)):
            return
        delivery = self.key(row)
        state = world.ledger[delivery - 1]
        if state is State.SHIPPED:
            refused = self.move(row, "cancel_refused") if row.is_open else None
            assert refused or not row.is_open
            if refused:
                yield Step(By.SYSTEM, f"PUT cancel d{delivery}: too late", self.written(world, refused))
            return
        ended = state or State.CANCELLED
        ledger = _replaced(world.ledger, delivery - 1, ended)
        if not price:
            look = (Answer(ended),)
            yield Step(By.SYSTEM, f"PUT cancel d{delivery}: {ended}", world._replace(ledger=ledger, look=look))
        yield Step(By.CHANCE, f"PUT cancel d{delivery}: {ended}, answer lost", world._replace(ledger=ledger))

    def _operate(self, world: World) -> Iterator[Step]:
        row = world.row
        if row.status is not Status.FAILED or row.epoch >= self.bounds.redrives:
            return
        redriven = self.move(row, "redrive")
        if redriven:
            yield Step(By.CHANCE, "operator redrives", self.written(world, redriven))
        yield from self.new_delivery(world)

    def new_delivery(self, world: World) -> Iterator[Step]:
        """The operator asks for a new delivery, which the warehouse must confirm."""
        delivery = self.key(world.row)
        state = world.ledger[delivery - 1]
        if delivery == self.bounds.deliveries or state is State.SHIPPED:
            return
        row = self.move(world.row, "new_delivery", delivery=world.row.delivery + 1)
        if row:
            ledger = _replaced(world.ledger, delivery - 1, state or State.CANCELLED)
            yield Step(By.CHANCE, "operator asks for a new delivery", self.written(world, row, ledger=ledger))


def _with(outcome: Outcome, **values: Any) -> Outcome:
    return Outcome(outcome.transition, outcome.reason, outcome.failure, {**outcome.values, **values})


def _replaced(entries: tuple[Any, ...], at: int, new: Any) -> tuple[Any, ...]:
    return (*entries[:at], new, *entries[at + 1 :])


def _name(answer: Answer | Exception | None) -> str:
    return str(answer.state) if isinstance(answer, Answer) else "unknown" if answer else "nothing to look at"
