"""Parses and formats durations and instants."""

import re
from datetime import UTC, datetime, timedelta

from service.orders import timestamps

_UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
LONGEST = 30 * 86_400.0  # seconds


def parse_duration(text: str) -> float:
    """Parse a duration such as ``30s``, ``5m``, ``1.5h``, ``2d``, or a number of seconds.

    Returns:
        The duration in seconds.

    Raises:
        ValueError: the text is not a duration, or the duration is longer than 30 days.
    """
    match = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)(ms|s|m|h|d|)", text.strip())
    if match is None:
        raise ValueError("a duration is a number with a unit, such as 500ms, 30s, 5m, 2h or 1d")
    seconds = float(match[1]) * _UNITS[match[2]]
    if seconds > LONGEST:
        raise ValueError("a duration is at most 30 days")
    return seconds


def parse_instant(text: str, now: datetime) -> str:
    """Parse an RFC 3339 instant, a date (its start in UTC), or an age such as ``2h``.

    Args:
        text: the text of the user.
        now: the instant from which an age counts.

    Returns:
        The instant as RFC 3339 in UTC.

    Raises:
        ValueError: the text is none of these.
    """
    stripped = text.strip()
    try:
        if re.fullmatch(r"[0-9.]+(ms|s|m|h|d)", stripped):
            return timestamps.text(now - timedelta(seconds=parse_duration(stripped)))
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", stripped):
            return timestamps.text(datetime.fromisoformat(stripped).replace(tzinfo=UTC))
        return timestamps.text(timestamps.parse(stripped))
    except (ValueError, OverflowError):
        raise ValueError("a time is 2026-01-31T09:30:00Z, 2026-01-31, or an age such as 2h") from None


def seconds_between(start: str, end: str) -> float:
    """Return the seconds from one RFC 3339 instant to another."""
    return (timestamps.parse(end) - timestamps.parse(start)).total_seconds()


def format_duration(seconds: float) -> str:
    """Format a duration: ``12 ms``, ``3.4 s``, ``2 min 5 s``, ``3 h 20 min``."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
