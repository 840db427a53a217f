"""The callbacks of the simulated warehouse: each event of the ledger is sent to one URL, signed, until it is taken."""

import contextlib
import heapq
import http.client
import itertools
import json
import logging
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import urlsplit

from service import __version__
from service.warehouses import signatures, sockets
from service.warehouses.ledger_entries import Event
from service.warehouses.server import callback_entries, views
from service.warehouses.server.callback_entries import CallbackExtract, CallbackResult
from service.warehouses.wire import read_retry_after

SECONDS = 10.0
"""The time of one try."""
TRIES = 12
"""The most tries of a callback. With the longest pauses they take three minutes, unless the receiver asks for more."""
FIRST_PAUSE, MAX_PAUSE = 0.5, 30.0
"""Seconds between the tries of a callback; each pause is twice as long as the one before."""
STOP_SECONDS = 1.0
"""The most that ``stop`` waits for the thread. A try that is connecting ends later, without sending."""
LATEST = 1000
"""The results that are kept."""
NO_ANSWER = "no answer"

log = logging.getLogger(__name__)


class Callbacks:
    """Sends the callbacks from one thread, so a slow receiver delays callbacks and nothing else.

    A callback is sent again after 409, 429, 5xx and a try without an answer. Every other answer ends it.

    Args:
        url: the URL that receives the callbacks.
        key: the key of the secret that signs them.
        draw_delays: returns the seconds after which each copy of the callback with an id is sent.
    """

    def __init__(self, url: str, key: bytes, draw_delays: Callable[[str], list[float]]) -> None:
        parts = urlsplit(url)
        self._host, self._path = parts.hostname or "", (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._tls = sockets.new_tls_context() if parts.scheme == "https" else None
        self._port = parts.port or (443 if self._tls else 80)
        self._key = key
        self._draw_delays = draw_delays
        self._changed = threading.Condition()
        self._due: list[tuple[float, int, int, Event]] = []  # a heap: the time, a number, the tries, the event
        self._numbers = itertools.count()
        self._is_sending = False
        self._stopping = False
        self._socket: socket.socket | None = None
        self._counts = Counter(dict.fromkeys(callback_entries.OUTCOMES, 0))
        self._latest: deque[CallbackResult] = deque(maxlen=LATEST)
        self._thread = threading.Thread(target=self._run, name="warehouse-callbacks", daemon=True)

    def add(self, event: Event) -> None:
        """Plan the callback of an event. It never blocks."""
        delays = self._draw_delays(event.id)
        with self._changed:
            if not delays:
                self._end(event, callback_entries.LOST, "", 0)
            for delay in delays:
                self._plan(delay, 0, event)

    def read(self, limit: int) -> CallbackExtract:
        """Read the counts, and up to ``limit`` of the latest results."""
        with self._changed:
            latest = tuple(itertools.islice(reversed(self._latest), limit))
            return CallbackExtract(dict(self._counts), len(self._due) + self._is_sending, latest)

    def start(self) -> None:
        """Start sending."""
        self._thread.start()

    def stop(self) -> None:
        """Stop at once, also in the middle of a try. Callbacks that were not sent are lost."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
            if self._socket:
                with contextlib.suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)

    def _plan(self, delay: float, tries: int, event: Event) -> None:
        heapq.heappush(self._due, (time.monotonic() + delay, next(self._numbers), tries, event))
        self._changed.notify_all()

    def _end(self, event: Event, outcome: str, answer: str, tries: int) -> None:
        self._counts[outcome] += 1
        self._latest.append(CallbackResult(event, datetime.now(UTC), outcome, answer, tries))

    def _run(self) -> None:
        while due := self._wait():
            tries, event = due[0] + 1, due[1]
            status, retry_after = self._send(event)
            answer = f"HTTP {status}" if status else NO_ANSWER
            with self._changed:
                self._is_sending = False
                if self._stopping:
                    return
                if status and 200 <= status < 300:
                    self._end(event, callback_entries.SENT, answer, tries)
                elif tries < TRIES and (not status or status in (409, 429) or status >= 500):
                    self._plan(pause_after(tries, retry_after), tries, event)
                else:
                    self._end(event, callback_entries.GIVEN_UP, answer, tries)
                    log.warning("a callback was given up: %s", answer)

    def _wait(self) -> tuple[int, Event] | None:
        """Wait for the next callback that is due; None if the sender stops."""
        with self._changed:
            while not self._stopping:
                seconds = self._due[0][0] - time.monotonic() if self._due else None
                if seconds is not None and seconds <= 0:
                    self._is_sending = True
                    return heapq.heappop(self._due)[2:]
                self._changed.wait(seconds)
        return None

    def _send(self, event: Event) -> tuple[int | None, float | None]:
        """Send a callback once.

        Returns:
            The status, None without an answer; and the seconds of Retry-After, None without one.
        """
        body = json.dumps(views.show_event(event)).encode()
        try:
            with sockets.limit_time(SECONDS), contextlib.closing(self._connect()) as connection:
                connection.request("POST", self._path, body, self._headers(event.id, body))
                response = connection.getresponse()
                return response.status, read_retry_after(response.headers.get("Retry-After"), datetime.now(UTC))
        except (sockets.NotConnected, OSError, http.client.HTTPException):
            return None, None
        finally:
            with self._changed:
                self._socket = None

    def _connect(self) -> http.client.HTTPConnection:
        connection = (
            http.client.HTTPSConnection(self._host, self._port, context=self._tls)
            if self._tls
            else http.client.HTTPConnection(self._host, self._port)
        )
        opened = sockets.connect(self._host, self._port, self._tls)
        connection.sock = opened
        with self._changed:
            if self._stopping:
                connection.close()
                raise sockets.NotConnected("the sender stops")
            self._socket = opened
        return connection

    def _headers(self, event_id: str, body: bytes) -> dict[str, str]:
        return {
            **signatures.sign(self._key, event_id, int(time.time()), body),
            "Content-Type": "application/json",
            "User-Agent": f"dofs-simulated-warehouse/{__version__}",
        }


def pause_after(tries: int, retry_after: float | None) -> float:
    """Return the seconds until the next try.

    Args:
        tries: the number of tries so far.
        retry_after: the seconds that the receiver has asked for, if it has.
    """
    return max(min(FIRST_PAUSE * 2.0 ** (tries - 1), MAX_PAUSE), retry_after or 0.0)
