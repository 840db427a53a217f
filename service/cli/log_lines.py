"""The lines of a log that tell one order's story."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple, NoReturn

from service.orders import timestamps

DEEPEST = 32  # levels of a line that is shown; ours have one
_LAST = datetime.max.replace(tzinfo=UTC)


class Line(NamedTuple):
    """A line of the log, and when it was written, if that is known."""

    at: datetime | None
    content: dict[str, Any]

    @property
    def is_read(self) -> bool:
        """Whether somebody looked at the order, and no more; who waits for an order looks often."""
        return str(self.content.get("route")).startswith("GET ")


class Story:
    """The lines that name an order, and those of the same traces that name none."""

    def __init__(self, order_id: str) -> None:
        self.order_id = order_id
        self.traces: dict[str, None] = {}
        """The traces of the lines that name the order, but for those of reads, each of which is a trace of its own."""
        self._lines: dict[Any, Line] = {}

    @property
    def lines(self) -> list[Line]:
        """Those that were taken, the earliest first."""
        found = sorted(self._lines.items(), key=lambda each: (each[1].at or _LAST, each[0]))
        return [line for _, line in found]

    def take(self, key: Any, text: str, at: datetime | None = None) -> bool:
        """Take a line if it belongs to the story, by what is known of it so far.

        A trace is known once a line of it has named the order, so lines are offered twice: all of them once more
        when the traces are known.

        Args:
            key: what tells this line from others, and keeps the sequence of those of one millisecond.
            text: the line.
            at: when it was written, for one that does not say.

        Returns:
            Whether it is a line of a log at all: a JSON object.
        """
        content = parsed(text)
        if content is None:
            return False
        line = Line(_instant(content) or at, content)
        if self._has(line):
            self._lines[key] = line
        return True

    def _has(self, line: Line) -> bool:
        named, trace = line.content.get("order_id"), line.content.get("trace_id")
        if not isinstance(trace, str):
            trace = None
        mine = trace in self.traces if named is None else named == self.order_id
        if not mine or "_aws" in line.content or _deeper_than(line.content, DEEPEST):
            return False
        if named is not None and trace is not None and not line.is_read:
            self.traces[trace] = None
        return True


def parsed(text: str) -> dict[str, Any] | None:
    """The JSON object that a line is, numbers digit for digit; None if it is none."""
    try:
        content = json.loads(text, parse_float=Decimal, parse_constant=_refused)
    except (ValueError, ArithmeticError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def milliseconds(lines: Iterable[Line]) -> list[int | None]:
    """How long after the first line each was written."""
    instants = [line.at for line in lines]
    first = next((at for at in instants if at), _LAST)
    return [round((at - first).total_seconds() * 1000) if at else None for at in instants]


def _deeper_than(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [child for parent in level for child in _children(parent)]
    return bool(level)


def _children(parent: Any) -> Iterable[Any]:
    return parent.values() if isinstance(parent, dict) else parent if isinstance(parent, list) else ()


def _instant(content: dict[str, Any]) -> datetime | None:
    try:
        return timestamps.parse(content["timestamp"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _refused(name: str) -> NoReturn:
    raise ValueError(name)
