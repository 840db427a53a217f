"""A failing run is made small, and is told so that anybody can see it again."""

import pytest

from tests.simulation import regressions
from tests.simulation.__main__ import main
from tests.simulation.mutations import MUTATIONS
from tests.simulation.shrink import fewest


@pytest.mark.parametrize("needed", [set(), {"e3"}, {"e0", "e49"}, {"e7", "e8", "e30"}])
def test_the_events_that_are_needed_are_left_and_few_others(needed):
    events = [f"e{number}" for number in range(50)]
    left = fewest(events, lambda kept: needed <= set(kept))
    assert needed <= set(left)
    assert len(left) <= max(1, len(needed))


def test_a_failure_names_seed_profile_commit_and_trace_and_is_kept_small(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(regressions, "FOLDER", tmp_path)
    mutation = next(each for each in MUTATIONS if each.name == "attempt charged late")
    with mutation.applied():
        assert main(["run", "--seeds", "2", "--profile", "hot", "--processes", "1"]) == 1
    told = capsys.readouterr().out
    assert "seed 1, profile hot, commit " in told
    assert "again: python -m tests.simulation replay 1 --profile hot" in told
    (file,) = tmp_path.iterdir()
    kept = regressions.read(file)
    assert (kept.seed, kept.profile, kept.mutation) == (1, "hot", "")
    assert 0 < len(kept.events) < 10
    assert kept.replay().broken == ()
    with mutation.applied():
        assert kept.invariant in kept.replay().invariants


def test_a_run_without_failures_says_how_many_seeds_held(capsys):
    assert main(["run", "--seeds", "4", "--profile", "zero", "--processes", "1"]) == 0
    assert "zero     4 seeds" in capsys.readouterr().out


def test_a_seed_can_be_seen_again(capsys):
    assert main(["replay", "5", "--profile", "default", "--trace"]) == 0
    told = capsys.readouterr().out
    assert "orders.claim/o" in told
    assert "all invariants hold" in told
