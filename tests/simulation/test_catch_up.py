"""After an hour's outage of Step Functions at 50 orders a second, every order is started within 15 minutes."""

import pytest

from tests.simulation.catch_up import Deployment, catch_up


def test_180000_orders_of_an_outage_are_started_within_fifteen_minutes():
    """One order of the model stands for 60. The deployment is that of docs/reliability.md."""
    found = catch_up(Deployment(memory=1_024, timeout=60, refill=300, bucket=1_300), scale=60)
    assert found.minutes <= 15


@pytest.mark.parametrize(
    "deployment",
    [
        Deployment(memory=256, timeout=30, refill=6_000, bucket=6_000),
        Deployment(memory=1_769, timeout=60, refill=150, bucket=800),
    ],
    ids=["CPU", "quota"],
)
def test_less_memory_or_a_smaller_quota_takes_longer(deployment):
    """The model has the limits that docs/reliability.md states."""
    assert catch_up(deployment, scale=120, most_minutes=16).minutes > 15
