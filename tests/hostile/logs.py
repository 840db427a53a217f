"""Captures the log of a test, and finds customer data in it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

CANARY = "canary.5d41402a:bird"
"""Customer data: a text that is valid as an id, a metadata value, an idempotency key and a header value."""

CLIENT_LOGGERS = ("httpx", "httpcore", "urllib3", "asyncio")
"""Loggers of the tests' own HTTP clients, which may log the URL."""


class LogCapture(logging.Handler):
    """Formats each record at once, because its arguments may change later."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    def assert_no_canary(self) -> None:
        leaks = [line for line in self.lines if CANARY.lower() in line.lower()]
        assert not leaks, f"{len(leaks)} of {len(self.lines)} lines show customer data; the first:\n{leaks[0]}"


def log_as_lambda(error: Exception) -> None:
    """Log an uncaught exception as Lambda's runtime does."""
    logging.getLogger("awslambdaric").error("%s", type(error).__name__, exc_info=error)


@contextmanager
def captured_logs(formatter: logging.Formatter | None = None) -> Iterator[LogCapture]:
    """Capture everything that is logged, at every level; assert at the end that none of it contains the canary.

    Args:
        formatter: the formatter of the lines; the standard library's if None.
    """
    root = logging.getLogger()
    levels = {logger: logger.level for logger in (root, *map(logging.getLogger, CLIENT_LOGGERS))}
    handler = LogCapture(formatter or logging.Formatter())
    root.addHandler(handler)
    for logger in levels:
        logger.setLevel(logging.DEBUG if logger is root else logging.WARNING)
    try:
        yield handler
    finally:
        root.removeHandler(handler)
        for logger, level in levels.items():
            logger.setLevel(level)
    handler.assert_no_canary()
