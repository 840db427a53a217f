"""Each mutation is caught by the invariant and in the profile that it names."""

import pytest

from tests.simulation.mutations import MUTATIONS, find_violation
from tests.simulation.regressions import load_all
from tests.simulation.run import simulate

INVARIANTS = {f"I{number}" for number in range(23)} - {"I17", "I21"}
BY_NAME = {mutation.name: mutation for mutation in MUTATIONS}
SEEDS = {kept.mutation: kept.seed for _, kept in load_all()}
"""The seed that caught each mutation when its run was saved. After a change of the rules, another one may."""


@pytest.mark.parametrize("name", BY_NAME)
def test_each_mutation_is_caught(name):
    mutation = BY_NAME[name]
    found = find_violation(mutation, SEEDS.get(name, 0))
    assert found is not None
    assert mutation.invariant in found.invariants


def test_mutations_have_no_effect_afterwards():
    before = simulate(3, "hot").digest
    for mutation in MUTATIONS:
        with mutation.applied():
            simulate(3, "hot")
    assert simulate(3, "hot").digest == before


def test_every_invariant_can_be_broken():
    caught = {mutation.invariant for mutation in MUTATIONS}
    with BY_NAME["no conditions"].applied():
        caught |= {invariant for seed in range(10) for invariant in simulate(seed, "zero").invariants}
    assert caught == INVARIANTS


@pytest.mark.parametrize(("name", "kept"), list(load_all()))
def test_a_saved_run_breaks_no_invariant(name, kept):
    assert kept.replay().broken == ()


@pytest.mark.parametrize(("name", "kept"), [(name, kept) for name, kept in load_all() if kept.mutation])
def test_a_saved_run_breaks_its_invariant_under_its_mutation(name, kept):
    """If a change of the code makes this fail, save the runs again: python -m tests.simulation mutations --keep."""
    assert kept.invariant in kept.replay(mutated=True).invariants


def test_every_mutation_has_a_saved_run():
    assert {kept.mutation for _, kept in load_all()} >= BY_NAME.keys()
