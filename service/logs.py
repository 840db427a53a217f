"""The log: what its lines say, and their form: one JSON object per line, or text for a terminal.

What an invocation is about stands in a context, and every line that is written within says it: no caller repeats it.
"""

import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from service.orders.ports import error_name
from service.orders.timestamps import text
from service.settings import Settings

log = logging.getLogger(__name__)

ABOUT = (
    "event",
    "request_id",
    "gateway_request_id",
    "cold_start",
    "trace_id",
    "execution",
    "message_id",
    "order_id",
    "attempt",
    "reason",
    "route",
    "outcome",
    "duration_ms",
    "error",
)
"""What a line can say besides its message; a line of the domain brings what it knows as ``extra``."""

FIELDS = ("timestamp", "level", "logger", "message", *ABOUT, "exception")
"""Every name that can stand in a line."""

SHOWN = ("order_id", "attempt", "reason", "duration_ms", "error")
"""What the text for a terminal shows of it."""

ANSWERS = frozenset({"OrderInvalid"})
"""Exceptions that the workflow catches as an answer, so that they are no errors in the log either."""

_AWS_ID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_encode = json.JSONEncoder(separators=(",", ":"), default=str).encode  # made once, not for each line
_context: ContextVar[dict[str, Any] | None] = ContextVar("context", default=None)
_environment = {"cold": True}


@contextmanager
def about(**fields: Any) -> Iterator[None]:
    """Have every line within say these, beside what the lines around say; None says nothing."""
    known = {name: value for name, value in fields.items() if value is not None}
    token = _context.set({**(_context.get() or {}), **known})
    try:
        yield
    finally:
        _context.reset(token)


def note(**fields: Any) -> None:
    """Have the lines from here on, until the innermost ``about`` ends, say these as well; outside of all it is lost."""
    here = _context.get()
    if here is not None:
        here.update((name, value) for name, value in fields.items() if value is not None)


@contextmanager
def begun(**fields: Any) -> Iterator[None]:
    """``about``, for something whose end is told with how long it took."""
    with about(began=perf_counter(), **fields):
        yield


def outcome(what: str, **fields: Any) -> dict[str, Any]:
    """The ``extra`` of the line that tells how it ended: what came of it, and how long it took since it was begun."""
    began = (_context.get() or {}).get("began")
    took = {} if began is None else {"duration_ms": round((perf_counter() - began) * 1000, 1)}
    return {"outcome": what, **took, **{name: value for name, value in fields.items() if value is not None}}


@contextmanager
def _apart() -> Iterator[None]:
    """Forget what the lines around say: a server handles a pipelined request within the one before it."""
    token = _context.set(None)
    try:
        yield
    finally:
        _context.reset(token)


@contextmanager
def invocation(event: str, level: int = logging.INFO, cold_start: bool | None = None, **fields: Any) -> Iterator[None]:
    """Tell in a last line how an invocation went: the outcome that was noted, or the exception that ended it."""
    with _apart(), begun(event=event, **fields):
        try:
            yield
        except Exception as error:
            kind = type(error).__name__
            failed = logging.INFO if kind in ANSWERS else logging.ERROR
            named = error_name(error)
            log.log(failed, "%s: %s", event, named, extra=outcome(kind, error=named, cold_start=cold_start))
            raise
        said = _context.get() or {}
        came = said.get("outcome", "ok")
        level = logging.WARNING if came.startswith("5") else max(level, logging.INFO) if cold_start else level
        log.log(level, "%s: %s", said.get("route", event), came, extra=outcome(came, cold_start=cold_start))


def aws_id(value: object) -> str | None:
    """An id as AWS gives them; anything else in its place was written by somebody, and is not told."""
    return value if isinstance(value, str) and _AWS_ID.fullmatch(value) else None


def cold_start() -> bool:
    """Whether this is the first invocation of the process; to be asked once in each."""
    cold, _environment["cold"] = _environment["cold"], False
    return cold


def _about(record: logging.LogRecord) -> dict[str, Any]:
    said = {**(_context.get() or {}), **record.__dict__}
    return {name: said[name] for name in ABOUT if name in said}


class JsonLines(logging.Formatter):
    """Writes each record as one JSON object on one line, with what it is about and what an exception says in it."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "timestamp": text(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname,
            "logger": record.name,
        }
        try:
            said = {"message": record.getMessage(), **_about(record)}
            if record.exc_info:
                said["exception"] = self.formatException(record.exc_info)
            return _encode(line | said)
        except Exception as error:  # a line must not undo what it tells of
            return _encode(line | {"message": f"a line that cannot be written: {type(error).__name__}"})


class TextLines(logging.Formatter):
    """Writes each record for people: the time, the message, and of what it is about that which helps to follow it."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        said: Mapping[str, Any] = _about(record)
        named = {"order_id"} if str(said.get("order_id")) in record.message else set()
        shown = "".join(f"  {name}={said[name]}" for name in SHOWN if name in said and name not in named)
        whole = super().formatMessage(record) + shown
        return "".join(each if each.isprintable() else repr(each)[1:-1] for each in whole)


class Ended(logging.Formatter):
    """Ends each line of another form, for a handler that does not."""

    def __init__(self, form: logging.Formatter) -> None:
        super().__init__()
        self._form = form

    def format(self, record: logging.LogRecord) -> str:
        return self._form.format(record) + "\n"


def configure(settings: Settings) -> None:
    """Give the process's log its level and its form, wherever it goes to."""
    root = logging.getLogger()
    root.setLevel(settings.log_level)
    look_up_only_what_is_told()
    form = JsonLines() if settings.log_format == "json" else TextLines()
    for handler in root.handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setFormatter(form)
        else:  # that of Lambda's runtime writes what it is given and nothing after it, and raises what goes wrong
            handler.setFormatter(Ended(form))
            handler.emit = _guarded(handler.emit)  # type: ignore[method-assign,assignment]


def look_up_only_what_is_told() -> None:
    """Have records say neither where in the code they were written nor by which thread or process, as no line tells.

    https://docs.python.org/3/howto/logging.html#optimization
    """
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None


def _guarded(emit: Callable[[logging.LogRecord], None]) -> Callable[[logging.LogRecord], None]:
    def guarded(record: logging.LogRecord) -> None:
        with suppress(Exception):  # what was done is done, whether it can be told or not
            emit(record)

    return guarded
