"""The function's log group in the embedded cloud. It holds the last lines of the log."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from moto.logs.models import LogGroup, LogStream, logs_backends

from service.logs import JsonLines
from service.provisioning.names import Names

LINES = 1000  # lines in a stream
STREAMS_KEPT = 10  # streams that are kept
LINE_LENGTH = 64 * 1024  # characters of a line


class LogGroupHandler(logging.Handler):
    """Writes every record as a JSON object to a log group of moto. Errors are ignored."""

    def __init__(self, group: LogGroup) -> None:
        super().__init__()
        self._group = group
        self._streams = 0
        self._busy = False
        self._stream = self._new_stream()
        self.setFormatter(JsonLines())

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record. Logging holds the handler's lock, so there is one call at a time."""
        if self._busy:  # writing a line can log, which would repeat forever
            return
        self._busy = True
        try:
            with suppress(Exception):
                self._write(record)
        finally:
            self._busy = False

    def _write(self, record: logging.LogRecord) -> None:
        event = {"timestamp": int(record.created * 1000), "message": self.format(record)[:LINE_LENGTH]}
        if len(self._stream.events) >= LINES:
            self._stream = self._new_stream()
        self._stream.put_log_events([event])

    def _new_stream(self) -> LogStream:
        """Add a stream and drop the oldest. The dictionary is replaced, as a search may be reading the old one."""
        self._streams += 1
        stream = LogStream(self._group, f"{self._streams:08}")
        last = list(self._group.streams.values())[1 - STREAMS_KEPT :]
        self._group.streams = {each.log_stream_name: each for each in (*last, stream)}
        return stream


@contextmanager
def log_to_group(names: Names) -> Iterator[None]:
    """Write the service's log to the log group while the cloud runs."""
    logs, group = logs_backends[names.account][names.region], f"/aws/lambda/{names.function}"
    logs.ensure_log_group(group)
    handler, service = LogGroupHandler(logs.groups[group]), logging.getLogger("service")
    service.addHandler(handler)
    try:
        yield
    finally:
        service.removeHandler(handler)
