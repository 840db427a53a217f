"""The header ``Retry-After``."""

from datetime import UTC, datetime

import pytest

from service.warehouses.wire import read_retry_after

NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 120 ", 120),
        ("3600", 3600),
        ("3601", 3600),
        ("9" * 100, 3600),
        ("Sat, 31 Jan 2026 09:30:30 GMT", 30),
        ("Saturday, 31-Jan-26 09:31:00 GMT", 60),
        ("Sat, 31 Jan 2026 09:29:00 GMT", 0),
        ("Sun, 01 Feb 2026 09:30:00 GMT", 3600),
    ],
)
def test_seconds_and_dates_are_read_and_bounded_by_an_hour(header, seconds):
    assert read_retry_after(header, NOW) == seconds


@pytest.mark.parametrize(
    "header",
    [
        *(None, "", "-1", "1.5", "soon", "1, 2", "9" * 101, "٣", "inf", "nan", "2026-01-31T09:30:30Z"),
        "Sat, 31 Jan 2026 09:30:30",
        "Sat, 31 Foo 2026 09:30:30 GMT",
        "Sat, 99 Jan 2026 99:99:99 GMT",
        "Sat, 31 Jan 2026 :::::::: GMT",
        "Sat, 00 Jan 0000 00:00:00 GMT",
    ],
)
def test_anything_else_is_ignored(header):
    assert read_retry_after(header, NOW) is None
