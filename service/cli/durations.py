"""Durations and instants as people write them."""

import re
from datetime import UTC, datetime, timedelta

from service.orders import timestamps

_UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
LONGEST = 30 * 86_400.0


def seconds(written: str) -> float:
    """Read a duration such as ``30s``, ``5m``, ``1.5h``, ``2d``, or plain seconds.

    Raises:
        ValueError: it is none, or longer than 30 days.
    """
    match = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)(ms|s|m|h|d|)", written.strip())
    if match is None:
        raise ValueError("a duration is a number with a unit, such as 500ms, 30s, 5m, 2h or 1d")
    duration = float(match[1]) * _UNITS[match[2]]
    if duration > LONGEST:
        raise ValueError("a duration is 30 days at most")
    return duration


def instant(written: str, now: datetime) -> str:
    """Read an instant: RFC 3339, a date (its beginning in UTC), or how long ago, such as ``2h``.

    Args:
        written: what the user wrote.
        now: what "ago" counts from.

    Returns:
        The instant as RFC 3339 in UTC.

    Raises:
        ValueError: it is none of these.
    """
    text = written.strip()
    try:
        if re.fullmatch(r"[0-9.]+(ms|s|m|h|d)", text):
            return timestamps.text(now - timedelta(seconds=seconds(text)))
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return timestamps.text(datetime.fromisoformat(text).replace(tzinfo=UTC))
        return timestamps.text(timestamps.parse(text))
    except (ValueError, OverflowError):
        raise ValueError("a time is 2026-01-31T09:30:00Z, 2026-01-31, or how long ago, such as 2h") from None


def between(start: str, end: str) -> float:
    """The seconds from one RFC 3339 instant to another."""
    return (timestamps.parse(end) - timestamps.parse(start)).total_seconds()


def shown(duration: float) -> str:
    """A duration in seconds for people: ``12 ms``, ``3.4 s``, ``2 min 5 s``, ``3 h 20 min``."""
    if duration < 1:
        return f"{duration * 1000:.0f} ms"
    if duration < 60:
        return f"{duration:.1f} s"
    minutes, rest = divmod(round(duration), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
