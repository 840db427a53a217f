"""Timestamps as text: RFC 3339 in UTC with milliseconds, so that texts sort as times do."""

from datetime import UTC, datetime, timedelta

YEARS = range(2, 9999)
"""Years in which a datetime can be moved by a day without an overflow."""

TICK = timedelta(milliseconds=1)
"""The smallest difference between two timestamps."""


def text(instant: datetime) -> str:
    """Write a datetime as ``2026-01-31T09:30:00.123Z``."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse(written: str) -> datetime:
    """Read a timestamp.

    Raises:
        ValueError: it is not an RFC 3339 timestamp with a time zone.
    """
    instant = datetime.fromisoformat(written)
    if instant.tzinfo is None:
        raise ValueError("a timestamp needs a time zone")
    return instant.astimezone(UTC)


def to_the_millisecond(instant: datetime) -> datetime:
    """Cut a datetime to milliseconds, the precision of its text."""
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)
