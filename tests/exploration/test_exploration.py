"""Every interleaving of one order's actors keeps the invariants, and each broken rule has a trace to a broken one."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from service.orders.lifecycle import Increment, Reset, Status
from service.orders.outcomes import after_attempt
from service.orders.transitions import TRANSITIONS
from service.orders.warehouse import State
from tests.exploration import model as module
from tests.exploration.explore import explore
from tests.exploration.model import Bounds, By, Model, Row, Step, World

SMALL = Bounds(attempts=2, faults=2, redrives=1, deliveries=3)
Patch = Callable[[pytest.MonkeyPatch], object]


def change(name: str, *changes: Any, without: tuple[str, ...] = (), guards: Any = None) -> Patch:
    """Add changes to a row of the table, take changes of some attributes out of it, or replace its guards."""
    row = TRANSITIONS[name]  # type: ignore[index]
    kept = tuple(each for each in row.changes if each.attribute not in without)
    changed = replace(row, changes=(*kept, *changes), guards=row.guards if guards is None else guards)
    return lambda patch: patch.setitem(TRANSITIONS, name, changed)  # type: ignore[call-overload]


def patch_model(name: str, method: Callable[..., Any]) -> Patch:
    return lambda patch: patch.setattr(Model, name, method)


def ask_again_after_a_cancellation(order: Any, answer: Any, most: int, *, free: bool) -> Any:
    return after_attempt(order._replace(cancel_asked=0), answer, most, free=free)


def new_delivery_without_the_warehouse(model: Model, world: World) -> Iterator[Step]:
    row = model.move(world.row, "new_delivery", delivery=world.row.delivery + 1)
    if row and world.row.delivery < model.bounds.deliveries:
        yield Step(By.CHANCE, "operator asks for a new delivery", model.written(world, row))


def cancel_without_a_tombstone(model: Model, world: World) -> Iterator[Step]:
    for step in cancel(model, world):
        unknown = world.ledger[world.row.delivery - 1] is None
        yield step._replace(world=step.world._replace(ledger=world.ledger)) if unknown else step


cancel = Model._cancel
MUTATIONS: dict[str, tuple[str, tuple[Patch, ...]]] = {
    "the epoch is the key": ("I15", (patch_model("key", lambda _, row: row.epoch + 1),)),
    "a claim does not count as asked": ("asked", (change("claim", without=("asked",)),)),
    "an unknown outcome forgets the request": ("I19", (change("release", Reset("asked", 0)),)),
    "a redrive renews the key": ("I19", (change("redrive", Increment("delivery"), Reset("asked", 0)),)),
    "a cancellation looks at no request": ("I19", (change("cancel", guards=()),)),
    "a look that finds nothing forgets the request": ("I18", (change("give_up", Reset("asked", 0)),)),
    "an answer 'not taken' forgets earlier requests": (
        "I19",
        (change("not_taken", Reset("asked", 0), without=("asked",)),),
    ),
    "a free answer 'not taken' forgets earlier requests": (
        "I19",
        (change("put_back", Reset("asked", 0), without=("asked",)),),
    ),
    "nobody looks at a failed order": (
        "I18",
        (patch_model("must_look", lambda self, row: row.status is not Status.FAILED and must_look(self, row)),),
    ),
    "a new delivery needs no confirmation": ("I19", (patch_model("new_delivery", new_delivery_without_the_warehouse),)),
    "a cancelled delivery can be asked for later": ("I19", (patch_model("_cancel", cancel_without_a_tombstone),)),
    "a cancellation that was asked for is forgotten": (
        "I22",
        (
            lambda patch: patch.setattr(module, "after_attempt", ask_again_after_a_cancellation),
            change("decline", guards=TRANSITIONS["decline"].guards[:-1]),
            change("fail", guards=TRANSITIONS["fail"].guards[:-1]),
        ),
    ),
}
must_look = Model.must_look


def test_every_interleaving_with_two_faults_keeps_the_invariants():
    found = explore(Model(Bounds(attempts=3, faults=2, redrives=2, deliveries=5)))
    assert not found.broken, "\n".join([found.broken, *found.trace])
    assert found.states >= 50_000
    assert set(found.at_rest) == {Status.FULFILLED, Status.FAILED, Status.CANCELLED}


@pytest.mark.parametrize(("invariant", "patches"), MUTATIONS.values(), ids=MUTATIONS)
def test_a_broken_rule_has_a_trace(invariant: str, patches: tuple[Patch, ...], monkeypatch: pytest.MonkeyPatch):
    for patch in patches:
        patch(monkeypatch)
    found = explore(Model(SMALL))
    assert found.broken.startswith(invariant), found
    assert found.trace


def test_a_row_moves_as_the_store_moves_an_order():
    """The light row of the model has the attributes that the guards and changes of the table name."""
    named = {
        each.attribute
        for row in TRANSITIONS.values()
        for each in (*row.guards, *(guard for source in row.sources for guard in source.guards), *row.changes)
    }
    assert named - set(Row._fields) == {"restarts", "errors"}


def test_the_warehouse_of_the_model_never_ships_a_key_twice():
    world = SMALL.first()._replace(ledger=(State.SHIPPED, None, None))
    assert {ledger for ledger, _ in Model(SMALL)._asked(world.ledger, 1)} == {world.ledger}
