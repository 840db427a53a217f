"""The function's log group in the embedded cloud: the last lines of the log, where CloudWatch Logs has them on AWS."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from moto.logs.models import LogGroup, LogStream, logs_backends

from service.logs import JsonLines
from service.provisioning.names import Names

STREAM = 1000  # lines of a stream
STREAMS = 10  # the last ones, which are kept
LONGEST = 64 * 1024  # characters of a line that are kept


class LogGroupHandler(logging.Handler):
    """Puts every record, as one JSON object, into a log group of moto's. Nothing that goes wrong here is heard."""

    def __init__(self, group: LogGroup) -> None:
        super().__init__()
        self._group = group
        self._streams = 0
        self._busy = False
        self._stream = self._following()
        self.setFormatter(JsonLines())

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record. Whoever logs holds this handler's lock, so records come one at a time."""
        if self._busy:  # what writing a line logs would be written without end
            return
        self._busy = True
        try:
            with suppress(Exception):
                self._write(record)
        finally:
            self._busy = False

    def _write(self, record: logging.LogRecord) -> None:
        event = {"timestamp": int(record.created * 1000), "message": self.format(record)[:LONGEST]}
        if len(self._stream.events) >= STREAM:
            self._stream = self._following()
        self._stream.put_log_events([event])

    def _following(self) -> LogStream:
        """A new stream in place of the oldest. A search walks through the old dictionary, which stays as it is."""
        self._streams += 1
        stream = LogStream(self._group, f"{self._streams:08}")
        last = list(self._group.streams.values())[1 - STREAMS :]
        self._group.streams = {each.log_stream_name: each for each in (*last, stream)}
        return stream


@contextmanager
def kept_log(names: Names) -> Iterator[None]:
    """Keep what the service logs, for as long as the cloud runs."""
    logs, group = logs_backends[names.account][names.region], f"/aws/lambda/{names.function}"
    logs.ensure_log_group(group)
    handler, service = LogGroupHandler(logs.groups[group]), logging.getLogger("service")
    service.addHandler(handler)
    try:
        yield
    finally:
        service.removeHandler(handler)
