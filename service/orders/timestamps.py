"""Instants as text: RFC 3339 in UTC, with milliseconds, so that their order as text is their order in time."""

from datetime import UTC, datetime, timedelta

YEARS = range(2, 9999)
"""Years whose instants can be moved by a day and are instants still."""

TICK = timedelta(milliseconds=1)
"""The least time between two instants whose texts differ."""


def text(instant: datetime) -> str:
    """Write an instant as ``2026-01-31T09:30:00.123Z``."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse(written: str) -> datetime:
    """Read an instant.

    Raises:
        ValueError: it is not an RFC 3339 time stamp with a time zone.
    """
    instant = datetime.fromisoformat(written)
    if instant.tzinfo is None:
        raise ValueError("a time stamp needs a time zone")
    return instant.astimezone(UTC)


def to_the_millisecond(instant: datetime) -> datetime:
    """Cut an instant to what its text can hold."""
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)
