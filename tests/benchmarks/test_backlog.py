"""The simulation of a queue after an outage agrees with closed forms and with docs/cost.md."""

from dataclasses import replace
from math import inf

import pytest

from tests.benchmarks.backlog import Outage, closed_form, curve, drain, report
from tests.benchmarks.page import assert_shows

OUTAGE = Outage(rate=20, length=600, concurrency=5, batch=10, fixed=0.1, each=0.04)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"concurrency": 2},
        {"concurrency": 20, "rate": 50},
        {"batch": 1},
        {"rate": 1, "length": 3600, "batch": 1, "concurrency": 2},
        {"fixed": 1.0, "each": 0.0},
    ],
    ids=str,
)
def test_without_failures_the_drain_time_matches_the_closed_form(changes):
    outage = replace(OUTAGE, failing=0.0, **changes)
    batch = outage.fixed + outage.batch * outage.each
    assert drain(outage).after == pytest.approx(closed_form(outage), rel=0.01, abs=2 * batch)


def test_with_failures_each_attempt_counts_as_an_arrival():
    outage = replace(OUTAGE, length=7200, visibility=5.0)
    expected = outage.rate * outage.length * outage.attempts / (outage.capacity - outage.rate * outage.attempts)
    assert drain(outage).after == pytest.approx(expected, rel=0.02)


def test_an_order_has_at_most_one_attempt_for_each_receive():
    assert replace(OUTAGE, failing=0.3, receives=3).attempts == pytest.approx(1.39)
    always = drain(replace(OUTAGE, failing=1.0, rate=1, length=60))
    assert 2 * OUTAGE.visibility < always.settled < 2 * OUTAGE.visibility + 60


def test_a_failed_message_returns_after_the_visibility_timeout():
    soon, late = (drain(replace(OUTAGE, rate=10, visibility=visibility)) for visibility in (300.0, 600.0))
    assert soon.after == late.after
    assert late.settled - soon.settled == pytest.approx(2 * 300, abs=10)


def test_a_queue_above_its_capacity_never_drains():
    assert drain(replace(OUTAGE, rate=80)).after == inf
    assert drain(replace(OUTAGE, rate=80, failing=0.0)).after < inf


def test_a_run_is_deterministic():
    assert drain(OUTAGE) == drain(OUTAGE)


def test_the_curve_falls_from_the_backlog_to_zero():
    drawn = curve(OUTAGE, drain(OUTAGE))
    assert drawn.startswith("12,000 ▕█")
    assert drawn.count("█") < 20 and "▁▏" in drawn


def test_the_page_shows_the_drain_times():
    assert_shows("tests.benchmarks.backlog", report(Outage()))
