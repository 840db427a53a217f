"""The log lines of one order."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple, NoReturn

from service.orders import timestamps

MAX_DEPTH = 32  # levels of a line that is shown; the service's own lines have one
_LAST = datetime.max.replace(tzinfo=UTC)


class LogLine(NamedTuple):
    """A log line, and the time at which it was written, if known."""

    at: datetime | None
    content: dict[str, Any]

    @property
    def is_read(self) -> bool:
        """Whether the line logs a GET request. A client that waits for an order sends many of them."""
        return str(self.content.get("route")).startswith("GET ")


class OrderLog:
    """The lines that name an order, and the lines of the same traces that name no order."""

    def __init__(self, order_id: str) -> None:
        self.order_id = order_id
        self.traces: dict[str, None] = {}
        """The trace ids of the lines that name the order, except those of GET requests: each has its own trace."""
        self._lines: dict[Any, LogLine] = {}

    @property
    def lines(self) -> list[LogLine]:
        """The lines, the earliest first."""
        ordered = sorted(self._lines.items(), key=lambda item: (item[1].at or _LAST, item[0]))
        return [line for _, line in ordered]

    def add(self, key: Any, text: str, at: datetime | None = None) -> bool:
        """Add a line if it belongs to the order, as far as its traces are known.

        A trace is known after one of its lines has named the order. The caller adds all lines a second time when all
        traces are known.

        Args:
            key: identifies the line, and orders the lines of one millisecond.
            text: the line.
            at: the time at which it was written, if the line has no timestamp.

        Returns:
            Whether the line is a JSON object.
        """
        content = parse_line(text)
        if content is None:
            return False
        line = LogLine(_timestamp(content) or at, content)
        if self._belongs(line):
            self._lines[key] = line
        return True

    def _belongs(self, line: LogLine) -> bool:
        order_id, trace = line.content.get("order_id"), line.content.get("trace_id")
        if not isinstance(trace, str):
            trace = None
        matches = trace in self.traces if order_id is None else order_id == self.order_id
        if not matches or "_aws" in line.content or _is_deeper_than(line.content, MAX_DEPTH):
            return False
        if order_id is not None and trace is not None and not line.is_read:
            self.traces[trace] = None
        return True


def parse_line(text: str) -> dict[str, Any] | None:
    """Return the JSON object of a line, with the digits of its numbers unchanged; None if it is not an object."""
    try:
        content = json.loads(text, parse_float=Decimal, parse_constant=_refuse)
    except (ValueError, ArithmeticError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def offsets_ms(lines: Iterable[LogLine]) -> list[int | None]:
    """Return the milliseconds from the first line to each line."""
    instants = [line.at for line in lines]
    first = next((at for at in instants if at), _LAST)
    return [round((at - first).total_seconds() * 1000) if at else None for at in instants]


def _is_deeper_than(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [child for parent in level for child in _children(parent)]
    return bool(level)


def _children(parent: Any) -> Iterable[Any]:
    return parent.values() if isinstance(parent, dict) else parent if isinstance(parent, list) else ()


def _timestamp(content: dict[str, Any]) -> datetime | None:
    try:
        return timestamps.parse(content["timestamp"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
