"""No accepted order is lost, duplicated or stuck in fifty worlds with many faults."""

import io
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from service.logs import JsonLines
from service.orders.transitions import TRANSITIONS
from tests.simulation.__main__ import describe
from tests.simulation.profiles import PROFILES
from tests.simulation.run import simulate
from tests.simulation.world import World, tasks_as_threads

ROOT = Path(__file__).parents[2]
SEEDS, CHUNKS = 10, 2
"""Seeds of each profile, and the number of tests that share them; ``make simulate``, which CI runs, has 2,000."""


@pytest.mark.parametrize("chunk", range(CHUNKS))
@pytest.mark.parametrize("profile", PROFILES)
def test_every_invariant_holds(profile, chunk, counted):
    for seed in range(chunk, SEEDS, CHUNKS):
        run = simulate(seed, profile)
        assert not run.broken, describe(run)
    counted("simulated worlds", SEEDS // CHUNKS)


def test_faults_happen_in_every_profile_but_zero():
    """A world without faults would prove nothing."""
    faults = {name: sum("#" in event for event in simulate(3, name).events) for name in PROFILES}
    assert faults["zero"] < faults["default"] < faults["hot"]
    lines = "\n".join(line for seed in range(20) for line in simulate(seed, "hot").lines)
    for fault in ("throttled", "response lost for good", "crash before", "crash after", "lands later", "slow"):
        assert f" {fault}" in lines or fault in lines, fault
    for fault in ("duplicated", "delayed", "dropped", "not invoked", "not deleted", "invoked twice", "aborted by hand"):
        assert fault in lines, fault
    calls = "\n".join(line for seed in range(5) for line in simulate(seed, "warehouse").lines if " callback/" in line)
    for fault in ("lost", "doubled", "delayed", "forged"):
        assert fault in calls, fault
    assert "run twice" in "\n".join(line for seed in range(5) for line in simulate(seed, "express").lines)


def test_every_transition_of_the_table_happens():
    happened = set()
    with tasks_as_threads():
        for seed in range(200):  # the rarest happen in one world of thirty
            for profile in ("hot", "warehouse"):
                world = World(seed, PROFILES[profile])
                world.run()
                happened |= {commit.name for commit in world.tables.history}
            if happened == set(TRANSITIONS):
                break
    missing = set(TRANSITIONS) - happened
    assert not missing, f"{missing}: no order makes this transition; let an actor of tests/simulation cause it"


def test_a_seed_is_the_same_run_with_every_hash_seed():
    program = f"from tests.simulation.run import simulate; print([simulate(7, name).digest for name in {[*PROFILES]}])"

    def digests(hash_seed: str) -> str:
        env = {**os.environ, "PYTHONHASHSEED": hash_seed}
        return subprocess.check_output([sys.executable, "-c", program], cwd=ROOT, env=env, text=True).strip()

    assert digests("1") == digests("2") == str([simulate(7, name).digest for name in PROFILES])


def test_different_seeds_are_different_runs():
    assert len({simulate(seed, "default").digest for seed in range(10)}) == 10


@pytest.mark.parametrize("seed", range(5))
def test_allowing_all_events_repeats_the_run(seed):
    run = simulate(seed, "hot")
    assert simulate(seed, "hot", frozenset(run.events)).digest == run.digest


def test_only_allowed_events_happen():
    run = simulate(1, "hot")
    kept = frozenset(run.events[::2])
    assert set(simulate(1, "hot", kept).events) <= kept


def test_the_log_has_one_json_object_per_line_and_no_customer_data():
    stream, log = io.StringIO(), logging.getLogger("service")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    try:
        for seed in range(3):
            with tasks_as_threads():
                logging.disable(logging.NOTSET)
                World(seed, PROFILES["hot"]).run()
    finally:
        log.setLevel(logging.NOTSET)
        log.removeHandler(handler)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert len(lines) > 100
    assert all(isinstance(line, dict) and line["message"] for line in lines)
    for private in ("cust_123", "prod_456", "29.99", "59.98", "somebody", "key-"):
        assert private not in stream.getvalue()
