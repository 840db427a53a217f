"""Each rule of the design, broken on purpose, is seen: by the invariant and in the profile written beside it."""

import pytest

from tests.simulation.mutations import MUTATIONS, caught_by
from tests.simulation.regressions import saved
from tests.simulation.run import simulate

EVERY = {f"I{number}" for number in range(14)}
BY_NAME = {mutation.name: mutation for mutation in MUTATIONS}


@pytest.mark.parametrize("name", BY_NAME)
def test_it_is_caught(name):
    mutation = BY_NAME[name]
    found = caught_by(mutation)
    assert found is not None
    assert mutation.invariant in found.invariants


@pytest.mark.parametrize("name", BY_NAME)
def test_it_leaves_no_trace(name):
    before = simulate(3, "hot").digest
    with BY_NAME[name].applied():
        simulate(3, "hot")
    assert simulate(3, "hot").digest == before


def test_every_invariant_can_be_broken():
    caught = {mutation.invariant for mutation in MUTATIONS}
    with BY_NAME["no conditions"].applied():
        caught |= {invariant for seed in range(10) for invariant in simulate(seed, "zero").invariants}
    assert caught == EVERY


@pytest.mark.parametrize(("name", "kept"), list(saved()))
def test_a_kept_run_holds_now(name, kept):
    assert kept.replay().broken == ()


@pytest.mark.parametrize(("name", "kept"), [(name, kept) for name, kept in saved() if kept.mutation])
def test_a_kept_run_breaks_its_invariant_still_when_the_rule_is_broken_again(name, kept):
    """If the code has moved on so that it no longer does: python -m tests.simulation mutations --keep."""
    assert kept.invariant in kept.replay(mutated=True).invariants


def test_every_mutation_has_a_kept_run():
    assert {kept.mutation for _, kept in saved()} >= BY_NAME.keys()
