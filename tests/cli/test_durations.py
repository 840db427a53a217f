"""Parsing and formatting durations and instants, and the statistics of response times."""

from datetime import UTC, datetime

import pytest

from service.cli.durations import format_duration, parse_duration, parse_instant
from service.cli.load import histogram, percentiles

NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "duration"), [("30s", 30), ("500ms", 0.5), ("5m", 300), ("1.5h", 5400), ("2d", 172_800), (" 7 ", 7)]
)
def test_a_duration_is_a_number_with_a_unit(written, duration):
    assert parse_duration(written) == duration


@pytest.mark.parametrize("written", ["", "s", "-1s", "1e3s", "1 s", "31d", "NaN", "1w"])
def test_an_invalid_duration_is_refused(written):
    with pytest.raises(ValueError, match="duration"):
        parse_duration(written)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("2026-01-31", "2026-01-31T00:00:00.000Z"),
        ("2026-01-31T10:30:00+01:00", "2026-01-31T09:30:00.000Z"),
        ("2h", "2026-01-31T07:30:00.000Z"),
        ("1d", "2026-01-30T09:30:00.000Z"),
    ],
)
def test_a_time_is_an_instant_a_date_or_an_age(written, text):
    assert parse_instant(written, NOW) == text


@pytest.mark.parametrize(
    "written", ["", "now", "2026-01-31T09:30:00", "2026-02-30", "40d", "0001-01-01T00:00:00+10:00"]
)
def test_an_invalid_time_is_refused(written):
    with pytest.raises(ValueError, match="a time is"):
        parse_instant(written, NOW)


def test_durations_are_formatted_with_units():
    assert [format_duration(each) for each in (0.0123, 3.44, 125, 12_000)] == [
        "12 ms",
        "3.4 s",
        "2 min 5 s",
        "3 h 20 min",
    ]


def test_percentiles_use_the_nearest_rank():
    hundred = [number / 100 for number in range(100, 0, -1)]
    assert percentiles(hundred) == {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    assert percentiles([0.2]) == {"p50": 0.2, "p90": 0.2, "p99": 0.2, "max": 0.2}
    assert percentiles([]) is None


def test_a_histogram_counts_each_time_once():
    bars = histogram([0.0001, 0.01, 0.02, 0.02, 0.64])
    assert sum(bar["count"] for bar in bars) == 5
    assert bars[-1] == {"up_to": 0.64, "count": 1}
    assert bars[0]["count"] == 1
    assert histogram([]) == []
