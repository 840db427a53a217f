"""The policy: the waits before the reconciler handles an order, and their backoff."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.orders.policy import Policy
from tests.support import SETTINGS

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
