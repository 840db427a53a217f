"""The log lines of an order."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.cli.commands import CommandResult

ORDER = "ord_1f0e6a1f0c6b4a63b7c1d0b2a9e8f7c6"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
BEGIN = datetime(2026, 1, 31, 9, 30, 0, 123000, UTC)


def line(after: float = 0, **content: Any) -> dict[str, Any]:
    """A log line, ``after`` milliseconds after BEGIN."""
    at = (BEGIN + timedelta(milliseconds=after)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"timestamp": at, "level": "INFO", "logger": "service.x", "message": f"m{after}", **content}


def raw(members: str) -> str:
    """A line that names the order, with the text of more members."""
    return f'{{"order_id":"{ORDER}",{members}}}'


ORDER_LINES = (
    line(300, event="batch", order_id=ORDER, trace_id=TRACE, attempt=1, outcome="fulfilled", duration_ms=12.5),
    line(0, event="api", trace_id=TRACE, outcome="202", route="POST /order"),
    line(100, event="validate", order_id=ORDER, trace_id=TRACE, outcome="ok"),
    line(1500, event="batch", order_id=ORDER, attempt=2, level="WARNING", outcome="attempt_failed", reason="declined"),
)


def messages(ran: CommandResult) -> list[str]:
    """The messages of the lines that a command printed."""
    return [each["message"] for each in ran.lines]
