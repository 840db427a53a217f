"""Timestamps: text that sorts by time."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.orders.timestamps import parse, text, to_the_millisecond

INSTANTS = st.datetimes(timezones=st.just(UTC))
ZONES = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
ELSEWHERE = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=ZONES)


def test_an_instant_is_written_in_utc_with_milliseconds():
    india = timezone(timedelta(hours=5, minutes=30))
    assert text(datetime(2026, 1, 31, 9, 30, 0, 123999, UTC)) == "2026-01-31T09:30:00.123Z"
    assert text(datetime(2026, 1, 31, 15, 0, tzinfo=india)) == "2026-01-31T09:30:00.000Z"


@given(INSTANTS)
def test_a_written_instant_is_read_back_to_the_millisecond(instant: datetime):
    assert parse(text(instant)) == to_the_millisecond(instant)


@given(INSTANTS.map(to_the_millisecond), INSTANTS.map(to_the_millisecond))
def test_timestamps_sort_as_text_by_time(one: datetime, other: datetime):
    assert (text(one) < text(other)) is (one < other)
    assert (text(one) == text(other)) is (one == other)


@given(INSTANTS.map(to_the_millisecond))
def test_consecutive_milliseconds_sort_as_text_by_time(instant: datetime):
    if instant < datetime.max.replace(tzinfo=UTC) - timedelta(milliseconds=1):
        assert text(instant) < text(instant + timedelta(milliseconds=1))


@given(ELSEWHERE)
def test_an_instant_has_the_same_text_in_every_time_zone(instant: datetime):
    assert text(instant) == text(instant.astimezone(UTC))
    assert parse(instant.isoformat()) == instant
    assert parse(instant.isoformat()).tzinfo is UTC


@given(INSTANTS)
def test_an_instant_is_rounded_down_to_the_millisecond(instant: datetime):
    assert timedelta() <= instant - to_the_millisecond(instant) < timedelta(milliseconds=1)
    assert to_the_millisecond(to_the_millisecond(instant)) == to_the_millisecond(instant)


@pytest.mark.parametrize("written", ["2026-01-31T09:30:00", "2026-01-31", "", "yesterday", "2026-13-01T00:00:00Z"])
def test_a_text_without_a_date_and_a_time_zone_is_refused(written: str):
    with pytest.raises(ValueError, match=r"time zone|isoformat|month"):
        parse(written)
