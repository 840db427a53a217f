"""When an alarm pages and when it does not: the expressions of alarms.yaml over generated minutes."""

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from tests.monitoring.expressions import compute, ever_in_alarm, in_alarm
from tests.monitoring.watched import alarms

ALARMS = alarms()
DIFFERENCES = {"lambda-errors": "errors", "workflow-failures": "failed"}
"""The alarms that subtract rejections, and the metric of each that includes them."""

RATES = (1, 10, 100, 1000)
LATER = {"lambda-errors": 1, "workflow-failures": -1}
"""The function raises before the rejection is counted; the execution ends after it."""


def per_minute(times, minutes):
    """The count in each minute. A minute without events has no value, as in CloudWatch."""
    counts = Counter(int(at // 60) for at in times)
    return [counts.get(minute) for minute in range(minutes)]


def rejections(seed, rate, minutes, shift, name):
    """The times of a stream of rejections, as each of the two metrics records them."""
    rng = random.Random(seed)  # noqa: S311
    failed = [rng.uniform(0, 60 * minutes - 5) for _ in range(rate * minutes)]
    return failed, [at + LATER[name] * rng.uniform(0, shift) for at in failed]


def series(name, failures, rejected, minutes):
    return {DIFFERENCES[name]: per_minute(failures, minutes), "rejected": per_minute(rejected, minutes)}


def pages_late(alarm, given):
    """Whether the alarm is ever active while the rejections of the latest minute are not counted yet."""
    (failures,) = given.keys() - {"rejected"}
    for end in range(5, len(given["rejected"])):
        seen = {failures: given[failures][end - 5 : end + 1], "rejected": [*given["rejected"][end - 5 : end], None]}
        if in_alarm(alarm, compute(alarm["math"], seen)):
            return True
    return False


@pytest.mark.parametrize("name", DIFFERENCES)
@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("shift", [0.5, 2])
def test_a_steady_stream_of_rejections_does_not_page(name, rate, shift):
    minutes = 20_000 // rate + 60
    given = series(name, *rejections(rate, rate, minutes, shift, name), minutes)
    assert not ever_in_alarm(ALARMS[name], given)


@pytest.mark.parametrize("name", DIFFERENCES)
@pytest.mark.parametrize("rate", RATES)
def test_rejections_that_are_counted_late_do_not_page(name, rate):
    minutes = 3_000 // rate + 60
    assert not pages_late(ALARMS[name], series(name, *rejections(rate, rate, minutes, 0.5, name), minutes))


@settings(max_examples=60)
@given(
    name=some.sampled_from(sorted(DIFFERENCES)),
    seed=some.integers(0, 2**32),
    rate=some.integers(1, 300),
    shift=some.floats(0, 2),
    quiet=some.sets(some.integers(0, 29)),
)
def test_intermittent_rejections_do_not_page(name, seed, rate, shift, quiet):
    failed, rejected = rejections(seed, rate, 30, shift, name)
    loud = [place for place, at in enumerate(failed) if int(at // 60) not in quiet]
    given = series(name, [failed[place] for place in loud], [rejected[place] for place in loud], 30)
    assert not ever_in_alarm(ALARMS[name], given)


@pytest.mark.parametrize("change", [{"math": "errors - rejected", "breaching": 2}, {"math": "errors"}])
def test_rejections_would_page_without_the_tolerance_or_the_subtraction(change):
    given = series("lambda-errors", *rejections(1, 10, 2000, 2, "lambda-errors"), 2000)
    assert ever_in_alarm(ALARMS["lambda-errors"] | change, given)


@pytest.mark.parametrize("name", DIFFERENCES)
@pytest.mark.parametrize("a_minute", [1, 2, 10])
@pytest.mark.parametrize("begins", [600, 613.5, 630, 659])
def test_three_minutes_of_failures_page(name, a_minute, begins):
    failures = [begins + place * 60 / a_minute for place in range(3 * a_minute)]
    assert ever_in_alarm(ALARMS[name], series(name, failures, [], 20))


@pytest.mark.parametrize("name", DIFFERENCES)
@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("seed", range(5))
def test_three_minutes_of_failures_page_amid_rejections(name, rate, seed):
    failed, rejected = rejections(seed, rate, 20, 0.5, name)
    a_minute = max(5, int(0.4 * rate))
    failures = [600 + place * 60 / a_minute for place in range(3 * a_minute)]
    assert ever_in_alarm(ALARMS[name], series(name, failed + failures, rejected, 20))


@pytest.mark.parametrize("name", DIFFERENCES)
@pytest.mark.parametrize("rate", [0, 1, 10])
@pytest.mark.parametrize("seed", range(5))
def test_one_failure_with_its_retries_does_not_page(name, rate, seed):
    failed, rejected = rejections(seed, rate, 20, 0.5, name)
    for begins in (600, 652):
        failures = [begins + after for after in (0, 1, 3, 7, 15)]  # Step Functions tries the step five times
        assert not ever_in_alarm(ALARMS[name], series(name, failed + failures, rejected, 20))


@pytest.mark.parametrize("name", DIFFERENCES)
def test_the_alarm_clears_after_the_last_failure(name):
    failures = [600 + place * 30 for place in range(10)]
    seen = compute(ALARMS[name]["math"], series(name, failures, [2000], 40))
    assert in_alarm(ALARMS[name], seen[:15])
    assert not in_alarm(ALARMS[name], seen[:25])


@pytest.mark.parametrize(
    ("fulfilled", "failed", "pages"),
    [
        (10, 10, True),
        (0, 30, True),
        (None, 30, True),
        (97, 3, False),
        (18, 2, False),  # 90 %, exactly the floor
        (17, 3, True),
        (9, 10, False),  # one order below the minimum
        (None, 19, False),
        (30, None, False),
        (None, None, False),
    ],
)
def test_the_success_rate_pages_only_with_enough_orders(fulfilled, failed, pages):
    given = {"fulfilled": [fulfilled], "failed": [failed]}
    assert ever_in_alarm(ALARMS["success-rate"], given) is pages


@pytest.mark.parametrize(
    ("runs", "pages"),
    [
        ([1, 1, 1, 1, 1, 1, 1], False),
        ([1, 1, 2, None, 1, None, 1], False),
        ([1, None, None, None, None, 1, 1], False),
        ([1, 1, None, None, None, None, None, None, None], True),
        ([None] * 7, True),
    ],
)
def test_a_silent_reconciler_pages(runs, pages):
    assert in_alarm(ALARMS["reconciler-silent"], runs) is pages


@pytest.mark.parametrize(("pushed", "pages"), [([None, None, None], False), ([None, None, 1], True)])
def test_an_intervention_of_the_reconciler_pages(pushed, pages):
    assert in_alarm(ALARMS["reconciler-interventions"], pushed) is pages


@pytest.mark.parametrize(
    ("rates", "pages"), [([0.0, 0.5, 0.0], False), ([0.5, 0.0, 0.06], True), ([0.04, 0.04, 0.04], False)]
)
def test_the_api_pages_for_errors_in_two_of_three_minutes(rates, pages):
    assert in_alarm(ALARMS["api-5xx"], rates) is pages


THROTTLED = ["orders", "by_status", "by_customer", "by_owner", "by_reference", "failed_orders"]


@pytest.mark.parametrize("which", THROTTLED)
@pytest.mark.parametrize(
    ("refused", "pages"),
    [
        ([None] * 8, False),
        ([None, None, None, None, 9, 9, None], False),
        ([None, None, 3, 1, 2, None, None], True),  # the latest two periods have no data yet
        ([None, None, 3, None, 1, None, 2], True),
    ],
)
def test_throttled_writes_page_for_each_table_and_index(which, refused, pages):
    given = {name: refused if name == which else [None] * len(refused) for name in THROTTLED}
    assert ever_in_alarm(ALARMS["table-throttles"], given) is pages


def test_the_throttling_alarm_clears_without_data():
    given = {name: [5, 5, 5, None, None, None, None, None] for name in THROTTLED}
    seen = compute(ALARMS["table-throttles"]["math"], given)
    assert in_alarm(ALARMS["table-throttles"], seen[:5])
    assert not in_alarm(ALARMS["table-throttles"], seen)
    assert None not in seen, "without data, an alarm on DynamoDB would keep its state"


def test_no_simple_alarm_watches_a_metric_of_dynamodb():
    """CloudWatch keeps its state without data, and DynamoDB publishes no data without throttling."""
    assert not [name for name, alarm in ALARMS.items() if alarm.get("metric", {}).get("namespace") == "AWS/DynamoDB"]


@pytest.mark.parametrize("name", [name for name in ALARMS if name != "reconciler-silent"])
def test_no_traffic_pages_nobody(name):
    assert not in_alarm(ALARMS[name], [None] * 10)
