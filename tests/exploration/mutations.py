"""Rules of the lifecycle, broken on purpose, with the invariant that the exploration must then find broken."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from service.orders import callbacks, outcomes
from service.orders.callbacks import ENDS, Decision, Event, Verdict, after_event
from service.orders.lifecycle import NO_CANCELLATION, NOTHING_SHIPPED, Guard, Increment, Reset, Status
from service.orders.lines import left
from service.orders.outcomes import Outcome, after_attempt, after_look
from service.orders.transitions import TRANSITIONS
from service.orders.warehouse import Answer, State
from tests.exploration import ledger as warehouse
from tests.exploration import moves as module
from tests.exploration.ledger import Ledger, Word
from tests.exploration.model import Model
from tests.exploration.row import DUE, Row
from tests.exploration.state import Bounds, By, Step, World

Patch = Callable[[pytest.MonkeyPatch], object]
SMALL, LIES = Bounds(), Bounds(lies=True)


@dataclass(frozen=True)
class Mutation:
    """A broken rule, and the invariant that shows it."""

    invariant: str
    patches: tuple[Patch, ...]
    bounds: Bounds = SMALL


def change(name: str, *changes: Any, without: tuple[str, ...] = (), unguarded: tuple[Guard, ...] = ()) -> Patch:
    """Add changes to a row of the table, and take changes of some attributes, and guards, out of it."""
    row = TRANSITIONS[name]  # type: ignore[index]
    kept = tuple(each for each in row.changes if each.attribute not in without)
    guards = tuple(each for each in row.guards if each not in unguarded)
    changed = replace(row, changes=(*kept, *changes), guards=guards)
    return lambda patch: patch.setitem(TRANSITIONS, name, changed)  # type: ignore[call-overload]


def put_or_delete(name: str, failed_orders: Any) -> Patch:
    """Replace what a row of the table does to the failed-orders table."""
    changed = replace(TRANSITIONS[name], failed_orders=failed_orders)  # type: ignore[index]
    return lambda patch: patch.setitem(TRANSITIONS, name, changed)  # type: ignore[call-overload]


def method(name: str, replacement: Callable[..., Any]) -> Patch:
    """Replace a method of the model."""
    return lambda patch: patch.setattr(Model, name, replacement)


def function(name: str, replacement: Callable[..., Any], where: Any = module) -> Patch:
    """Replace a function that the model calls."""
    return lambda patch: patch.setattr(where, name, replacement)


def ask_again_after_a_cancellation(order: Any, *args: Any, **more: Any) -> Any:
    return after_attempt(order._replace(cancel_asked=0), *args, **more)


def new_delivery_without_the_warehouse(model: Model, world: World) -> Iterator[Step]:
    row = model.renewed(world.row)
    if row:
        yield Step(By.CHANCE, "operator asks for a new delivery", model.written(world, row))


def cancel_without_a_tombstone(_: Model, ledger: Ledger, delivery: int) -> list[tuple[Ledger, Word]]:
    unknown = ledger[delivery - 1].state is None
    return [(ledger if unknown else after, word) for after, word in warehouse.cancelled(ledger, delivery)]


def end_by_the_callback_alone(model: Model, row: Row, event: Event) -> tuple[Decision, Row | None]:
    decision, after = called_back(model, row, event)
    if decision.verdict is not Verdict.LOOK or event.type not in ENDS:
        return decision, after
    order: Any = row
    outcome = after_look(order, Answer(State(event.type)), model.bounds.attempts, DUE)
    return Decision(Verdict.TAKEN, outcome), model._after(row, outcome)[1] if outcome else row


def end_by_an_older_callback(model: Model, row: Row, event: Event) -> tuple[Decision, Row | None]:
    present = replace(event, delivery=row.delivery) if event.delivery < row.delivery and event.type in ENDS else event
    return end_by_the_callback_alone(model, row, present) if present is not event else called_back(model, row, event)


def parcel_of_the_present_delivery_only(order: Any, event: Event, now: Any) -> Decision:
    late = event.shipment and (event.delivery < order.delivery or not (order.is_open and order.asked))
    return Decision(Verdict.IGNORED) if late else after_event(order, event, now)


def lines_recomputed(order: Any, event: Event, now: Any) -> Decision:
    decision = after_event(order, event, now)
    if decision.outcome and "lines" in decision.outcome.values:
        decision.outcome.values["lines"] = left(order, decision.outcome.values["shipments"])
    return decision


def closed_short_is_fulfilled(order: Any, answer: Any, *args: Any, **more: Any) -> Outcome:
    outcome = after_attempt(order, answer, *args, **more)
    return replace(outcome, transition="fulfill") if outcome.transition == "close_short" else outcome


def added_twice(known: tuple[Any, ...], reported: Any) -> tuple[Any, ...]:
    return (*known, *reported)


def nothing_found(order: Any, answer: Any, *args: Any) -> Outcome | None:
    is_lost = order.status is Status.AT_WAREHOUSE and answer == Answer(State.NOT_FOUND)
    return None if is_lost else after_look(order, answer, *args)


def refusal_hides_parcels(order: Any, answer: Any, *args: Any) -> Outcome | None:
    if isinstance(answer, Answer) and answer.state in (State.REFUSED, State.CANCELLED):
        answer = replace(answer, shipments=())
    return after_look(order, answer, *args)


def parcels_overwritten(order: Any, answer: Any, *args: Any) -> Outcome | None:
    return after_look(order._replace(shipments=(), parcels=0), answer, *args)


def as_if_nothing_was_shipped(decide: Callable[..., Any]) -> Callable[..., Any]:
    def decided(order: Any, *args: Any, **more: Any) -> Any:
        outcome = decide(order, *args, **more)
        return replace(outcome, transition="fail") if outcome.transition == "close_short" else outcome

    return decided


def asks_for_everything(order: Any, _: Any) -> dict[str, Any]:
    return {"delivery": order.delivery + 1, "lines": ()}


called_back, must_look = Model.called_back, Model.must_look
MUTATIONS = {
    "the epoch is the key": Mutation("I15", (method("key", lambda _, row: row.epoch + 1),)),
    "a claim does not count as asked": Mutation("asked", (change("claim", without=("asked",)),)),
    "an unknown outcome forgets the request": Mutation("I19", (change("release", Reset("asked", 0)),)),
    "a redrive renews the key": Mutation("I19", (change("redrive", Increment("delivery"), Reset("asked", 0)),)),
    "a cancellation looks at no request": Mutation("I19", (change("cancel", unguarded=TRANSITIONS["cancel"].guards),)),
    "a look that finds nothing forgets the request": Mutation("I18", (change("give_up", Reset("asked", 0)),)),
    "an answer 'not taken' forgets earlier requests": Mutation(
        "I19", (change("not_taken", Reset("asked", 0), without=("asked",)),)
    ),
    "a free answer 'not taken' forgets earlier requests": Mutation(
        "I19", (change("put_back", Reset("asked", 0), without=("asked",)),)
    ),
    "nobody looks at a failed order": Mutation(
        "I18", (method("must_look", lambda self, row: row.is_open and must_look(self, row)),)
    ),
    "nobody looks at an order at the warehouse": Mutation(
        "I1", (method("must_look", lambda self, row: row.status is not Status.AT_WAREHOUSE and must_look(self, row)),)
    ),
    "a new delivery needs no confirmation": Mutation(
        "I19", (method("new_delivery", new_delivery_without_the_warehouse),)
    ),
    "a cancelled delivery can be asked for later": Mutation("I18", (method("put_cancel", cancel_without_a_tombstone),)),
    "a cancellation that was asked for is forgotten": Mutation(
        "I22",
        (
            function("after_attempt", ask_again_after_a_cancellation),
            change("decline", unguarded=(NO_CANCELLATION,)),
            change("fail", unguarded=(NO_CANCELLATION,)),
        ),
    ),
    "an end is written from the callback alone": Mutation("I18", (method("called_back", end_by_the_callback_alone),)),
    "an older delivery's callback ends the present one": Mutation(
        "I18", (method("called_back", end_by_an_older_callback),)
    ),
    "a late parcel is not recorded": Mutation(
        "I18", (function("after_event", parcel_of_the_present_delivery_only),), LIES
    ),
    "the lines of a delivery that was asked for change": Mutation("I5", (function("after_event", lines_recomputed),)),
    "a delivery that was closed short counts as all": Mutation(
        "I16", (function("after_attempt", closed_short_is_fulfilled),)
    ),
    "an order with a parcel is cancelled": Mutation("I19", (change("cancel", unguarded=(NOTHING_SHIPPED,)),)),
    "a redrive keeps the cancellation": Mutation("I22", (change("redrive", without=("cancel_asked",)),)),
    "a late parcel ends the failure": Mutation("I2", (put_or_delete("ship_late", "delete"),)),
    "an order with a parcel fails as one without": Mutation(
        "I16",
        (
            function("after_attempt", as_if_nothing_was_shipped(after_attempt)),
            change("fail", unguarded=(NOTHING_SHIPPED, NO_CANCELLATION)),
        ),
    ),
    "nothing follows when the warehouse has lost an order": Mutation(
        "I1", (function("after_look", nothing_found),), LIES
    ),
    "a parcel is added twice": Mutation(
        "I14", (function("merge", added_twice, callbacks), function("merge", added_twice, outcomes))
    ),
    "a look overwrites the parcels": Mutation("I14", (function("after_look", parcels_overwritten),)),
    "a look takes no parcels from an end": Mutation("I18", (function("after_look", refusal_hides_parcels),)),
    "the next delivery asks for everything": Mutation(
        "I15",
        (function("next_delivery", asks_for_everything), function("next_delivery", asks_for_everything, outcomes)),
    ),
    "a part is all": Mutation("I16", (function("_is_complete", lambda _, parcels: bool(parcels), outcomes),)),
}
