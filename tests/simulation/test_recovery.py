"""What no fault injects but a hand or a calendar: the reconciler brings every order to its end all the same."""

from dataclasses import replace

import pytest

from service.orders.lifecycle import Status
from tests.simulation.checker import violations
from tests.simulation.profiles import HOUR, MINUTE, PROFILES
from tests.simulation.run import record_of
from tests.simulation.world import World, in_memory

WITH_FAULTS = {"I8", "I9", "I10"}
"""What does not hold when somebody interferes: there is more to do than without."""


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


def executions_whose_time_is_over(world):
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
        executions_whose_time_is_over,
    ],
)
@pytest.mark.parametrize("seed", range(10))
def test_every_order_comes_to_its_end(interference, seed):
    with in_memory():
        world = World(seed, PROFILES["zero"])
        interference(world)
        world.run()
    broken = {invariant: what for invariant, what in violations(record_of(world)) if invariant not in WITH_FAULTS}
    assert broken == {}
    through_the_api = sum(customer.kind != "by hand" for customer in world.customers)
    assert len(world.tables.store.orders) >= through_the_api > 0
    if interference is not expired_dead_letters:
        assert world.interventions > 0
    if interference is executions_whose_time_is_over:
        assert "TIMED_OUT" in {execution.status for execution in world.workflows.executions}


@pytest.mark.parametrize("seed", range(6))
def test_orders_whose_executions_all_run_twice_at_once_end_as_the_oracle_says_and_nobody_intervenes(seed):
    """There are two messages then, and one may die of having met the other's lease; nothing else is different."""
    with in_memory():
        world = World(seed, replace(PROFILES["zero"], express=True))
        start = world.workflows.start
        world.workflows.start = lambda name, given: start(name, given) and start(name, given)
        world.run()
    orders = len(world.tables.store.orders)
    found = violations(record_of(world))
    assert [each for each in found if not each[1].endswith("dead letters")] == [
        ("I10", f"{2 * orders} executions for {orders} orders")
    ]
    letters = {message.order_id for message in world.queue.dead} | {order_id for order_id, *_ in world.queue.removed}
    assert world.tables.store.failures.keys() <= letters


def test_an_order_that_waits_is_never_failed_by_its_age():
    """Its message is gone, nobody takes messages for a day, and then it is fulfilled or fails by its attempts."""
    with in_memory():
        world = World(1, PROFILES["zero"])
        disabled_for_a_day(world)
        world.loop.at(12 * HOUR, world.queue.purge)
        world.run()
    for order in world.tables.store.orders.values():
        if order.status is Status.FAILED:
            assert order.attempts == world.policy.max_attempts
