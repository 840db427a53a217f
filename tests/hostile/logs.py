"""Whatever is logged while a test runs, and whether any of it tells what a customer sent."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

CANARY = "canary.5d41402a:bird"
"""An id, a metadata value, an idempotency key and a header value alike; what holds it was written by a customer."""

ASIDE = ("httpx", "httpcore", "urllib3", "asyncio")
"""Loggers that are no part of the service: the clients that tests send with know the address that they call."""


class Overheard(logging.Handler):
    """Writes down each record as a formatter shows it, at once: a later look at its arguments may show others."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    def assert_no_canary(self) -> None:
        telling = [line for line in self.lines if CANARY.lower() in line.lower()]
        assert not telling, f"{len(telling)} of {len(self.lines)} lines tell what was sent; the first:\n{telling[0]}"


def left_the_function(error: Exception) -> None:
    """Log an exception as Lambda's runtime does with one that nobody caught."""
    logging.getLogger("awslambdaric").error("%s", type(error).__name__, exc_info=error)


@contextmanager
def overheard(formatter: logging.Formatter | None = None) -> Iterator[Overheard]:
    """Listen to everything that is logged, at every level; at the end, none of it may hold the canary.

    Args:
        formatter: how lines are written; the standard library's if None.
    """
    root = logging.getLogger()
    levels = {logger: logger.level for logger in (root, *map(logging.getLogger, ASIDE))}
    handler = Overheard(formatter or logging.Formatter())
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
