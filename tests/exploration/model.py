"""One order, explored: every interleaving of the actors that move it, through the real transition table.

Only ``TRANSITIONS`` and the pure functions of ``service/orders`` (``after_attempt``, ``after_look``, ``after_event``)
move the row. Around it are two workers with a message each, so that there are always duplicates; one look at a time, of
the reconciler, of a late message or of a callback; a customer who cancels; an operator who gives up, redrives, and asks
for a new delivery; and a warehouse with a ledger of its own (``ledger.py``). It keeps its contract, and calls back at
any time and any number of times, or never. A fault is a request that is lost or late, an answer that is lost, a crash,
a look that fails, or a lease that is taken from a living worker. With ``lies``, the warehouse may break its contract.

A write between a read and its guarded write makes the latter fail, as its version was not seen: the model forgets the
look. Time, the queue, and other orders are left out.
"""

from collections.abc import Iterator
from typing import Any

from service.orders.callbacks import Verdict
from service.orders.deliveries import ENDED, IN_WORK
from service.orders.lifecycle import UNSUCCESSFUL, Status
from service.orders.warehouse import State
from tests.exploration import ledger as warehouse
from tests.exploration.ledger import NEVER_HAD_IT, UNKNOWN, Ledger, Word, bits_of, word_of
from tests.exploration.moves import Moves
from tests.exploration.row import Row
from tests.exploration.state import By, Step, Worker, World

AT_REST = (Status.PENDING, Status.PROCESSING)


class Model(Moves):
    """The steps that are possible in a state. Mutations replace its methods."""

    def steps(self, world: World) -> Iterator[Step]:
        """Every step that is possible."""
        for number, worker in enumerate(world.workers):
            yield from self._attempt(world, number, worker) if worker else self._claim(world, number)
        yield from self._reconcile(world)
        yield from self._arrive_late(world)
        yield from self._work(world)
        yield from self._look(world)
        yield from self._call_back(world)
        yield from self._cancel(world)
        yield from self._operate(world)

    def written(self, world: World, row: Row, cost: int = 0, **changes: Any) -> World:
        """The state after a write: whoever has seen the version before has seen it in vain."""
        return world._replace(row=row, look=None, faults=world.faults - cost, **changes)

    def price_of_the_lease(self, world: World) -> int:
        """The faults that it costs to write while the order is PROCESSING: one if the holder lives."""
        row = world.row
        return int(row.status is Status.PROCESSING and any(w and w.owner == row.lease_owner for w in world.workers))

    def _claim(self, world: World, number: int) -> Iterator[Step]:
        price = self.price_of_the_lease(world)
        if world.row.status not in AT_REST or price > world.faults or (number and world.workers[0] is None):
            return
        others = {worker.owner for worker in world.workers if worker}
        owner = next(number for number in (1, 2) if number not in others)
        row = self.once(self.claimed, world.row, owner)
        if row:
            new = bool(world.row.cancel_asked and not world.row.asked)
            broken = "I22: asked anew, although a cancellation was asked for and nothing is out" if new else ""
            worker = Worker(owner, self.key(row), bits_of(row.lines))
            label = f"claim of attempt {row.attempts} for d{self.key(row)}" + " (lease taken early)" * price
            workers = _replaced(world.workers, number, worker)
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
        asks = f"{me} asks for d{worker.delivery}"
        for ledger, word in warehouse.asked(world.ledger, worker.delivery, worker.lines):
            broken = "I5: the same key with other items" if word.other_items else ""
            step = Step(By.SYSTEM, f"{asks}: {word.state}", then(worker._replace(answer=word), ledger=ledger), broken)
            yield step
            if world.faults and ledger != world.ledger:
                lost = then(worker._replace(answer=UNKNOWN), 1, ledger=ledger)
                yield Step(By.CHANCE, f"{step.label}; the answer is lost", lost)
        if world.faults:
            unknown = worker._replace(answer=UNKNOWN)
            yield Step(By.CHANCE, f"{asks}: the request is lost", then(unknown, 1))
            late = tuple(sorted({*world.late, (worker.delivery, worker.lines)}))
            yield Step(By.CHANCE, f"{asks}: the request is late", then(unknown, 1, late=late))

    def _settle(self, world: World, number: int, worker: Worker) -> Iterator[Step]:
        gone = world._replace(workers=_replaced(world.workers, number, None))
        word = worker.answer
        assert word is not None
        label = f"worker {worker.owner} writes its answer, {word.state or 'unknown'}"
        if world.row.status is not Status.PROCESSING or world.row.lease_owner != worker.owner:
            yield Step(By.SYSTEM, f"{label}: its lease is lost", gone)
            return
        for free in (False, True) if word == warehouse.NOT_TAKEN else (False,):
            name, row = self.once(self.settled, world.row, worker.delivery, word, worker.owner, free)
            broken = "" if row else f"I1: the table refuses the end of an attempt, {name}"
            yield Step(By(not free), f"{label}: {name}", self.written(gone, row) if row else gone, broken)

    def _arrive_late(self, world: World) -> Iterator[Step]:
        for number, (delivery, lines) in enumerate(world.late):
            late = world.late[:number] + world.late[number + 1 :]
            for ledger, word in warehouse.asked(world.ledger, delivery, lines):
                label = f"the late request for d{delivery} arrives: {word.state}"
                yield Step(By.SYSTEM, label, world._replace(ledger=ledger, late=late))

    def _work(self, world: World) -> Iterator[Step]:
        for cost, label, ledger in warehouse.works(world.ledger, lies=self.bounds.lies):
            if cost <= world.faults:
                yield Step(By(not cost), label, world._replace(ledger=ledger, faults=world.faults - cost))

    def _reconcile(self, world: World) -> Iterator[Step]:
        price = self.price_of_the_lease(world)
        if world.row.status is Status.PROCESSING and world.row.attempts < self.bounds.attempts:
            row = self.once(self.move, world.row, "recover")
            if row and price <= world.faults:
                yield Step(By(not price), "the reconciler recovers", self.written(world, row, price))

    def looked(self, world: World, price: int, by: By) -> Iterator[Step]:
        """A look is begun: the row and the warehouse are read. One that would show nothing new is left out."""
        word = word_of(world.ledger, self.key(world.row)) if world.row.asked else NEVER_HAD_IT
        if self.once(self.looked_at, world.row, word)[1] is not world.row:
            seen = world._replace(look=word, faults=world.faults - price)
            yield Step(By(by and not price), f"look: {word.state}", seen)
        if world.faults > price and world.row.asked and world.row.status in AT_REST:
            yield Step(By.CHANCE, "a look fails", world._replace(look=UNKNOWN, faults=world.faults - price - 1))

    def _look(self, world: World) -> Iterator[Step]:
        row, price = world.row, self.price_of_the_lease(world)
        if world.look:
            name, after = self.once(self.looked_at, row, world.look)
            broken = "" if after else f"I1: the table refuses a look, {name}"
            written = self.written(world, after) if after else world._replace(look=None)
            yield Step(By.SYSTEM, f"the look is written: {name}", written, broken)
            yield Step(By.CHANCE, "the look ends without a write", world._replace(look=None))
        elif price <= world.faults and self.must_look(row):
            yield from self.looked(world, price, By.SYSTEM)

    def must_look(self, row: Row) -> bool:
        """Whether the reconciler, or a late message, looks."""
        spent = row.status in AT_REST and row.attempts >= self.bounds.attempts
        return spent or row.status is Status.AT_WAREHOUSE or (row.status in UNSUCCESSFUL and row.asked > 0)

    def _call_back(self, world: World) -> Iterator[Step]:
        price = self.price_of_the_lease(world)
        if price > world.faults:
            return  # too early: the warehouse sends it again
        looks = False
        for event in warehouse.events(world.ledger):
            decision, row = self.once(self.called_back, world.row, event)
            looks |= decision.verdict is Verdict.LOOK
            name = f"callback: {event.type}, d{event.delivery}"
            if not row:
                yield Step(By.CHANCE, name, world, f"I1: the table refuses an event, {decision.outcome}")
            elif row is not world.row:
                written = self.written(world, row, price)
                name += f": {decision.outcome.transition}" if decision.outcome else ""
                yield Step(By(self.bounds.lies and not price), name, written)
                if decision.cancels:
                    for ledger, word in self.put_cancel(world.ledger, self.key(row)):
                        yield Step(By.CHANCE, f"{name}, PUT cancel: {word.state}", written._replace(ledger=ledger))
        if looks and not world.look and not self.must_look(world.row):
            yield from self.looked(world, price, By.CHANCE)

    def _cancel(self, world: World) -> Iterator[Step]:
        row, price = world.row, self.price_of_the_lease(world)
        if world.cancels:
            for name in ("cancel", "cancel_rest", "ask_cancel"):
                moved = self.once(self.move, row, name)
                if moved:
                    yield Step(By.CHANCE, f"customer: {name}", self.written(world, moved, cancels=world.cancels - 1))
        if not (row.cancel_asked and row.asked and (row.is_open or row.status in UNSUCCESSFUL)):
            return
        delivery = self.key(row)
        for ledger, word in self.put_cancel(world.ledger, delivery):
            label = f"PUT cancel d{delivery}: {word.state}"
            if word.state in IN_WORK:
                if row.is_open:
                    refused = self.once(self.move, row, "cancel_refused")
                    broken = "" if refused else "I1: the table refuses cancel_refused"
                    written = self.written(world, refused or row)
                    yield Step(By.SYSTEM, label, written, broken)
                    if refused and not price and self.once(self.looked_at, refused, word)[1] is not refused:
                        yield Step(By.CHANCE, f"{label}; its parcels are read", written._replace(look=word))
                continue
            if word.state in ENDED and not price:
                yield Step(By.SYSTEM, label, world._replace(ledger=ledger, look=word))
            is_tried = word.state is State.CANCELLING
            yield Step(By(is_tried), f"{label}; nothing is written", world._replace(ledger=ledger))

    def put_cancel(self, ledger: Ledger, delivery: int) -> list[tuple[Ledger, Word]]:
        """What a request to cancel may come to."""
        return warehouse.cancelled(ledger, delivery)

    def _operate(self, world: World) -> Iterator[Step]:
        row = world.row
        if row.status is Status.AT_WAREHOUSE:
            given_up = self.once(self.given_up, row)
            if given_up:
                yield Step(By.CHANCE, "operator gives up", self.written(world, given_up))
        if row.status not in UNSUCCESSFUL or row.epoch >= self.bounds.redrives:
            return
        redriven = self.once(self.move, row, "redrive")
        if redriven:
            yield Step(By.CHANCE, "operator redrives", self.written(world, redriven))
        if row.asked and self.key(row) < self.bounds.deliveries:
            yield from self.new_delivery(world)

    def new_delivery(self, world: World) -> Iterator[Step]:
        """The operator asks for a new delivery, which the warehouse must confirm.

        Parcels that were not known are written down first; then the order has the next delivery, and is redriven.
        """
        row, delivery = world.row, self.key(world.row)
        for ledger, word in self.put_cancel(world.ledger, delivery):
            if word.state not in ENDED:
                continue
            known = {shipment.id for shipment in row.shipments if shipment.delivery == delivery}
            is_new = any(word.parcels & bit and f"p{bit}" not in known for bit in warehouse.PARCELS)
            after = self.once(self.looked_at, row, word)[1] if is_new else self.once(self.renewed, row)
            label = f"operator asks for a new delivery, PUT cancel d{delivery}: {word.state}"
            if after:
                yield Step(By.CHANCE, label, self.written(world, after, ledger=ledger))
            else:
                yield Step(By.CHANCE, label, world, "I1: the table refuses a new delivery")


def _replaced(entries: tuple[Any, ...], at: int, new: Any) -> tuple[Any, ...]:
    return (*entries[:at], new, *entries[at + 1 :])
