"""A failing run is shrunk, and its report names the command that repeats it."""

import pytest

from tests.simulation import regressions
from tests.simulation.__main__ import main
from tests.simulation.mutations import MUTATIONS
from tests.simulation.shrink import minimize


@pytest.mark.parametrize("needed", [set(), {"e3"}, {"e0", "e49"}, {"e7", "e8", "e30"}])
def test_shrinking_leaves_the_needed_events_only(needed):
    events = [f"e{number}" for number in range(50)]
    left = minimize(events, lambda kept: needed <= set(kept))
    assert needed <= set(left)
    assert len(left) <= max(1, len(needed))


def test_a_failure_is_reported_with_its_seed_and_saved_with_few_events(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(regressions, "FOLDER", tmp_path)
    mutation = next(each for each in MUTATIONS if each.name == "acknowledged although it failed")
    with mutation.applied():
        assert main(["run", "--first", "1", "--seeds", "1", "--profile", "hot", "--processes", "1"]) == 1
    output = capsys.readouterr().out
    assert "seed 1, profile hot, commit " in output
    assert "again: python -m tests.simulation replay 1 --profile hot" in output
    (file,) = tmp_path.iterdir()
    kept = regressions.read(file)
    assert (kept.seed, kept.profile, kept.mutation) == (1, "hot", "")
    assert 0 < len(kept.events) < 10
    assert kept.replay().broken == ()
    with mutation.applied():
        assert kept.invariant in kept.replay().invariants


def test_a_run_without_failures_reports_the_number_of_seeds(capsys):
    assert main(["run", "--seeds", "4", "--profile", "zero", "--processes", "1"]) == 0
    assert "zero     4 seeds" in capsys.readouterr().out


def test_a_seed_can_be_replayed_with_its_trace(capsys):
    assert main(["replay", "5", "--profile", "default", "--trace"]) == 0
    output = capsys.readouterr().out
    assert "orders.claim/o" in output
    assert "all invariants hold" in output
