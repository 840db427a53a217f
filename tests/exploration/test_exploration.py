"""Every interleaving of one order's actors keeps the invariants, and each broken rule has a trace to a broken one."""

import pytest

from service.orders.lifecycle import TERMINAL, Status
from service.orders.transitions import TRANSITIONS
from service.orders.warehouse import State
from tests.exploration import ledger as warehouse
from tests.exploration.explore import explore
from tests.exploration.ledger import Delivery
from tests.exploration.model import Model
from tests.exploration.mutations import MUTATIONS, Mutation
from tests.exploration.row import Row
from tests.exploration.state import Bounds

RESTS = TERMINAL - {Status.REJECTED}
"""The states in which an order can rest; the model begins after the validation."""


@pytest.mark.parametrize(
    ("bounds", "states"),
    [(Bounds(faults=1), 40_000), (Bounds(faults=2, deliveries=2), 50_000), (Bounds(faults=1, lies=True), 50_000)],
    ids=["one fault", "two faults", "a warehouse that breaks its word"],
)
def test_every_interleaving_keeps_the_invariants(bounds: Bounds, states: int):
    found = explore(Model(bounds))
    assert not found.broken, "\n".join([found.broken, *found.trace])
    assert found.states >= states
    assert set(found.at_rest) == RESTS


@pytest.mark.parametrize("mutation", MUTATIONS.values(), ids=MUTATIONS)
def test_a_broken_rule_has_a_trace(mutation: Mutation, monkeypatch: pytest.MonkeyPatch):
    for patch in mutation.patches:
        patch(monkeypatch)
    found = explore(Model(mutation.bounds), mutation.invariant)
    assert found.broken.startswith(mutation.invariant), found
    assert found.trace


def test_a_row_moves_as_the_store_moves_an_order():
    """The light row of the model has the attributes that the guards and changes of the table name."""
    named = {
        each.attribute
        for row in TRANSITIONS.values()
        for each in (*row.guards, *(guard for source in row.sources for guard in source.guards), *row.changes)
    }
    assert named - set(Row._fields) == {"restarts", "errors"}


@pytest.mark.parametrize("state", [State.SHIPPED, State.DECLINED, State.REFUSED, State.CLOSED, State.CANCELLED])
def test_the_warehouse_of_the_model_never_ships_under_a_key_that_has_ended(state: State):
    ledger = (Delivery(state, 1, 3), Delivery(), Delivery())
    assert {after for after, _ in warehouse.asked(ledger, 1, 3)} == {ledger}
    assert not warehouse.works(ledger, lies=False)
