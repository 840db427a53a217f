"""The form of the log: one JSON object per line, or text for a terminal."""

import json
import logging
from datetime import UTC, datetime

from service.orders.timestamps import text
from service.settings import Settings

TEXT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


class JsonLines(logging.Formatter):
    """Writes each record as one JSON object on one line, with what an exception says in it."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "timestamp": text(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


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
    form = JsonLines() if settings.log_format == "json" else logging.Formatter(TEXT)
    for handler in root.handlers:
        # The handler of Lambda's runtime writes what it is given, and nothing after it.
        handler.setFormatter(form if isinstance(handler, logging.StreamHandler) else Ended(form))
