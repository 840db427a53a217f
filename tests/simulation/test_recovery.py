"""Orders reach a terminal state after purges, outages, expired messages and aborted executions."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from service.orders.lifecycle import Status
from tests.simulation.checker import violations
from tests.simulation.profiles import HOUR, MINUTE, PROFILES
from tests.simulation.run import record_of
from tests.simulation.world import World, tasks_as_threads

NOT_CHECKED = {"I8", "I9", "I10"}
"""These invariants are of runs without interference."""


def disabled_for_a_day(world):
    world.outage("mapping", 0, 24 * HOUR)


def purged_in_the_rush(world):
    world.outage("mapping", 0, 5 * MINUTE)
    world.loop.at(4 * MINUTE, world.queue.purge)


def expired_dead_letters(world):
    for time in range(MINUTE, 40 * MINUTE, MINUTE):
        world.loop.at(time, world.queue.dead.clear)


def aborted_executions(world):
    def abort():
        for execution in world.workflows.executions:
            execution.abort = True

    for time in range(0, 4 * MINUTE, 50):
        world.loop.at(time, abort)


def timed_out_executions(world):
    def end():
        for execution in world.workflows.executions:
            execution.ends = world.loop.now

    for time in range(0, 4 * MINUTE, 50):
        world.loop.at(time, end)


@pytest.mark.parametrize(
    "interference",
    [
        disabled_for_a_day,
        purged_in_the_rush,
        expired_dead_letters,
        aborted_executions,
        timed_out_executions,
    ],
)
@pytest.mark.parametrize("seed", range(10))
def test_every_order_reaches_a_terminal_state(interference, seed):
    with tasks_as_threads():
        world = World(seed, PROFILES["zero"])
        interference(world)
        world.run()
    broken = {invariant: what for invariant, what in violations(record_of(world)) if invariant not in NOT_CHECKED}
    assert broken == {}
    through_the_api = sum(customer.kind != "by hand" for customer in world.customers)
    assert len(world.tables.store.orders) >= through_the_api > 0
    if interference is not expired_dead_letters:
        assert world.interventions > 0
    if interference is timed_out_executions:
        assert "TIMED_OUT" in {execution.status for execution in world.workflows.executions}


@pytest.mark.parametrize("seed", range(6))
def test_executions_that_run_twice_have_the_result_of_the_oracle(seed):
    """There are two messages then. One can reach the dead-letter queue because it met the other's lease."""
    with tasks_as_threads():
        world = World(seed, replace(PROFILES["zero"], express=True))
        start = world.workflows.start
        world.workflows.start = lambda name, given: start(name, given) and start(name, given)
        world.run()
    orders = len(world.tables.store.orders)
    found = violations(record_of(world))
    assert [each for each in found if not each[1].endswith("dead-letter messages")] == [
        ("I10", f"{2 * orders} executions for {orders} orders")
    ]
    dead = {message.order_id for message in world.queue.dead} | {order_id for order_id, *_ in world.queue.removed}
    assert world.tables.store.failures.keys() <= dead


def test_a_pending_order_never_fails_because_of_its_age():
    """Its message is lost and the mapping is disabled for a day. Then it is fulfilled, or fails after its attempts."""
    with tasks_as_threads():
        world = World(1, PROFILES["zero"])
        disabled_for_a_day(world)
        world.loop.at(12 * HOUR, world.queue.purge)
        world.run()
    for order in world.tables.store.orders.values():
        if order.status is Status.FAILED:
            assert order.attempts == world.policy.max_attempts


@pytest.mark.parametrize("profile", ["zero", "hot"])
def test_a_retry_delay_breaks_no_invariant_and_shortens_the_pause_between_attempts(profile):
    delay, pauses = timedelta(seconds=2), []
    with tasks_as_threads():
        for seed in range(3):
            world = World(seed, PROFILES[profile])
            world.policy = replace(world.policy, retry_delay=delay)
            world.run()
            assert not list(violations(record_of(world)))
            for order in world.tables.store.orders.values():
                for ended, claimed in pairwise(order.timeline):
                    if ended.source is Status.PROCESSING and claimed.target is Status.PROCESSING:
                        pauses.append(claimed.at - ended.at)
    assert pauses
    if profile == "zero":  # in other profiles, clocks are wrong
        assert delay <= min(pauses) <= max(pauses) < 3 * delay
