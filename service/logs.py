"""Formats the log: one JSON object per line, or text for a terminal.

A context holds the fields of the current work, such as the order's id. Every line within it includes them.
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
"""Fields that a line can have besides its message, from the context or from ``extra``."""

FIELDS = ("timestamp", "level", "logger", "message", *ABOUT, "exception")
"""All fields that a line can have."""

SHOWN = ("order_id", "attempt", "reason", "duration_ms", "error")
"""Fields that the text format shows."""

ANSWERS = frozenset({"OrderInvalid"})
"""Exceptions that the workflow catches as a normal result. The log does not report them as errors."""

_AWS_ID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_encode = json.JSONEncoder(separators=(",", ":"), default=str).encode  # created once, not for each line
_context: ContextVar[dict[str, Any] | None] = ContextVar("context", default=None)
_environment = {"cold": True}


@contextmanager
def with_fields(**fields: Any) -> Iterator[None]:
    """Add fields to the lines within, beside the fields of the enclosing context. None adds nothing."""
    known = {name: value for name, value in fields.items() if value is not None}
    token = _context.set({**(_context.get() or {}), **known})
    try:
        yield
    finally:
        _context.reset(token)


def note(**fields: Any) -> None:
    """Add fields to the lines until the innermost context ends. Without a context, nothing happens."""
    here = _context.get()
    if here is not None:
        here.update((name, value) for name, value in fields.items() if value is not None)


@contextmanager
def timer(**fields: Any) -> Iterator[None]:
    """Add fields like ``with_fields``, and start the clock for ``outcome``."""
    with with_fields(began=perf_counter(), **fields):
        yield


def outcome(result: str, **fields: Any) -> dict[str, Any]:
    """Return the ``extra`` of a line that reports a result: the outcome, and the duration since ``timer``."""
    began = (_context.get() or {}).get("began")
    took = {} if began is None else {"duration_ms": round((perf_counter() - began) * 1000, 1)}
    return {"outcome": result, **took, **{name: value for name, value in fields.items() if value is not None}}


@contextmanager
def _no_context() -> Iterator[None]:
    """Start without a context: a server handles a pipelined request in the context of the one before."""
    token = _context.set(None)
    try:
        yield
    finally:
        _context.reset(token)


@contextmanager
def invocation(event: str, level: int = logging.INFO, cold_start: bool | None = None, **fields: Any) -> Iterator[None]:
    """Log the result of an invocation in its last line: the noted outcome, or the exception that ended it."""
    with _no_context(), timer(event=event, **fields):
        try:
            yield
        except Exception as error:
            kind = type(error).__name__
            failed = logging.INFO if kind in ANSWERS else logging.ERROR
            named = error_name(error)
            log.log(failed, "%s: %s", event, named, extra=outcome(kind, error=named, cold_start=cold_start))
            raise
        context = _context.get() or {}
        result = context.get("outcome", "ok")
        level = logging.WARNING if result.startswith("5") else max(level, logging.INFO) if cold_start else level
        log.log(level, "%s: %s", context.get("route", event), result, extra=outcome(result, cold_start=cold_start))


def aws_id(value: object) -> str | None:
    """Return an id in AWS's format, or None: any other text could be written by a user and is not logged."""
    return value if isinstance(value, str) and _AWS_ID.fullmatch(value) else None


def cold_start() -> bool:
    """Return whether this is the first invocation of the process. Call it once for each invocation."""
    cold, _environment["cold"] = _environment["cold"], False
    return cold


def _fields_of(record: logging.LogRecord) -> dict[str, Any]:
    fields = {**(_context.get() or {}), **record.__dict__}
    return {name: fields[name] for name in ABOUT if name in fields}


class JsonLines(logging.Formatter):
    """Formats each record as one JSON object on one line, with the fields of its context and its traceback."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "timestamp": text(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname,
            "logger": record.name,
        }
        try:
            fields = {"message": record.getMessage(), **_fields_of(record)}
            if record.exc_info:
                fields["exception"] = self.formatException(record.exc_info)
            return _encode(line | fields)
        except Exception as error:  # logging must never raise
            return _encode(line | {"message": f"a line that cannot be written: {type(error).__name__}"})


class TextLines(logging.Formatter):
    """Formats each record as text: the time, the message, and the most useful fields."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (the library's name)
        fields: Mapping[str, Any] = _fields_of(record)
        mentioned = {"order_id"} if str(fields.get("order_id")) in record.message else set()
        shown = "".join(f"  {name}={fields[name]}" for name in SHOWN if name in fields and name not in mentioned)
        line = super().formatMessage(record) + shown
        return "".join(each if each.isprintable() else repr(each)[1:-1] for each in line)


class WithLineBreak(logging.Formatter):
    """Adds the line break to another format, for handlers that write none."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self._formatter = formatter

    def format(self, record: logging.LogRecord) -> str:
        return self._formatter.format(record) + "\n"


def configure(settings: Settings) -> None:
    """Set the level and the format of the process's log handlers."""
    root = logging.getLogger()
    root.setLevel(settings.log_level)
    logging.getLogger("botocore").setLevel("WARNING")  # below, it logs whole requests, with addresses and notes
    skip_unused_lookups()
    formatter = JsonLines() if settings.log_format == "json" else TextLines()
    for handler in root.handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setFormatter(formatter)
        else:  # the handler of Lambda's runtime adds no line break, and raises its errors
            handler.setFormatter(WithLineBreak(formatter))
            handler.emit = _never_raise(handler.emit)  # type: ignore[method-assign,assignment]


def skip_unused_lookups() -> None:
    """Stop looking up the source line, the thread and the process of each record, which no format shows.

    https://docs.python.org/3/howto/logging.html#optimization
    """
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None


def _never_raise(emit: Callable[[logging.LogRecord], None]) -> Callable[[logging.LogRecord], None]:
    def emit_safely(record: logging.LogRecord) -> None:
        with suppress(Exception):  # logging must never raise
            emit(record)

    return emit_safely
