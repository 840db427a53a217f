"""The policy: the waits before the reconciler handles an order, and their backoff."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.orders.lifecycle import UNSUCCESSFUL
from service.orders.policy import Policy
from service.orders.timestamps import TICK
from tests.support import SETTINGS, START, MemorySystem

POLICY = SETTINGS.policy  # the ceiling is an hour
FIRST = timedelta(minutes=2)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(("times", "minutes"), [(0, 2), (1, 4), (2, 8), (3, 16), (4, 32), (5, 60), (6, 60)])
def test_the_backoff_doubles_with_every_intervention_up_to_the_ceiling(times: int, minutes: int):
    assert POLICY.backoff(FIRST, times) == timedelta(minutes=minutes)


def test_a_first_wait_above_the_ceiling_is_kept_and_never_doubled():
    day = timedelta(days=1)
    assert [POLICY.backoff(day, times) for times in (0, 1, 10)] == [day, day, day]


@pytest.mark.parametrize("times", [100, 10_000, 10**9])
def test_the_backoff_after_many_interventions_is_the_ceiling(times: int):
    assert POLICY.backoff(FIRST, times) == HOUR


@given(st.integers(1, 10_000), st.integers(0, 100))
def test_the_backoff_never_shrinks_or_exceeds_the_ceiling(seconds: int, times: int):
    first = timedelta(seconds=seconds)
    wait = POLICY.backoff(first, times)
    assert first <= wait <= max(first, HOUR)
    assert wait <= POLICY.backoff(first, times + 1)


@pytest.mark.parametrize(
    ("policy", "looks", "minutes", "overdue_minutes"),
    [
        (POLICY, 0, 5, 5),
        (POLICY, 1, 10, 10),
        (POLICY, 20, 6 * 60, 60),
        (replace(POLICY, due_after=HOUR), 20, 60, 60),
        (replace(POLICY, look_after=2 * HOUR), 20, 6 * 60, 2 * 60),
    ],
    ids=["first look", "second look", "most", "a short time until the due date", "rare looks"],
)
def test_looks_at_an_order_at_the_warehouse_have_backoff(policy, looks, minutes, overdue_minutes):
    order = replace(MemorySystem().receive(), looks=looks, due_at=START)
    assert policy.look_backoff(order, START) == timedelta(minutes=minutes)
    assert policy.look_backoff(order, START + TICK) == timedelta(minutes=overdue_minutes)
    assert policy.look_backoff(replace(order, due_at=None), START + TICK) == timedelta(minutes=minutes)


@pytest.mark.parametrize("status", sorted(UNSUCCESSFUL))
def test_looks_at_a_failed_order_have_backoff(status):
    order = replace(MemorySystem().receive(), status=status, looks=20, updated_at=START)
    assert not POLICY.is_due(order, FIRST, START + HOUR)
    assert POLICY.is_due(order, FIRST, START + HOUR + TICK)


def test_the_policy_has_the_values_of_the_settings():
    assert (
        Policy(
            max_attempts=3,
            lease=timedelta(seconds=90),
            restart_after=timedelta(seconds=120),
            recover_after=timedelta(seconds=400),
            resend_after=timedelta(seconds=900),
            look_after=timedelta(seconds=300),
            due_after=timedelta(days=3),
            backoff_ceiling=HOUR,
            restart_limit=100,
            reconcile_limit=100,
            reconcile_parallel=1,
            deadline_margin=timedelta(seconds=5),
            cancel_seconds=5,
            retry_delay=timedelta(0),
        )
        == POLICY
    )
