"""The lines that the service logs while a test runs, as JSON."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from service.logs import FIELDS, JsonLines


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonLines())
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        line = json.loads(self.format(record))
        assert line.keys() <= set(FIELDS), f"what is not documented: {line.keys() - set(FIELDS)}"
        self.lines.append(line)


@contextmanager
def logged(level: str = "INFO") -> Iterator[list[dict[str, Any]]]:
    """Collect every line from a level on."""
    logger, handler = logging.getLogger("service"), _Lines()
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(level)
    try:
        yield handler.lines
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


def said(line: dict[str, Any], *names: str) -> tuple[Any, ...]:
    """What a line says under some names; None for what it does not."""
    return tuple(line.get(name) for name in names)
