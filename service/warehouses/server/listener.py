"""The simulated warehouse's server: it starts and stops, in a process of its own or in a thread."""

import contextlib
import http.server
import logging
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Self

from service.warehouses.ledger import Ledger
from service.warehouses.server.callbacks import Callbacks
from service.warehouses.server.faults import FaultInjector, Faults
from service.warehouses.server.http import Answer, Connection
from service.warehouses.server.routes import Routes

HOST = "127.0.0.1"
POLL = 0.05  # seconds until the accepting thread sees that it must stop, or that work on a delivery is due

log = logging.getLogger(__name__)


class WarehouseServer:
    """Serves the warehouse contract over HTTP. It listens from its creation on, and answers from ``start`` on.

    Args:
        ledger: the ledger that it keeps.
        keys: the keys of the secrets that requests may be signed with; without one, signatures are not verified.
        faults: the faults at the start; ``PUT /faults`` replaces them.
        host: the address to listen on.
        port: the port to listen on; 0 for a free one.
        clock: the present time in seconds since 1970, for signatures.
        callback_url: the URL that receives a callback for each event of the ledger; None for none.
        callback_key: the key that signs the callbacks; by default, the first of ``keys``.

    Raises:
        OSError: the address cannot be used.
    """

    def __init__(
        self,
        ledger: Ledger,
        keys: Sequence[bytes] = (),
        faults: Faults | None = None,
        host: str = HOST,
        port: int = 0,
        clock: Callable[[], float] = time.time,
        callback_url: str | None = None,
        callback_key: bytes | None = None,
    ) -> None:
        self.ledger = ledger
        self._stopping = threading.Event()
        self._injector = FaultInjector(ledger.seed, faults or Faults())
        self._callbacks: Callbacks | None = None
        if callback_url:
            self._callbacks = Callbacks(callback_url, callback_key or keys[0], self._injector.draw_delays)
            ledger.report = self._callbacks.add
        routes = Routes(ledger, self._injector, keys, clock, self._stopping.wait, self._callbacks)
        self._listener = _Listener(host, port, routes.answer, ledger.advance)
        self._thread = threading.Thread(
            target=self._listener.serve_forever, args=(POLL,), name="warehouse", daemon=True
        )

    @property
    def url(self) -> str:
        """The base URL of the routes."""
        host, port = self._listener.server_address[:2]
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(str(host), str(host))  # noqa: S104  # nosec B104
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @property
    def faults(self) -> Faults:
        """The present faults; they may be replaced at any time."""
        return self._injector.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._injector.faults = faults

    def start(self) -> None:
        """Start answering, and sending callbacks."""
        self._thread.start()
        if self._callbacks:
            self._callbacks.start()

    def stop(self) -> None:
        """Stop at once: close all connections, also those that wait for a slow answer, and free the port."""
        self._stopping.set()
        if self._thread.is_alive():
            self._listener.shutdown()
            self._thread.join()
        self._listener.close_all()
        if self._callbacks:
            self._callbacks.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Listener(http.server.ThreadingHTTPServer):
    daemon_threads = False  # so that server_close waits for them; it closes their connections before
    request_queue_size = 128

    def __init__(self, host: str, port: int, answer: Answer, work: Callable[[], None]) -> None:
        self._work = work
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__((host, port), type("AnsweringConnection", (Connection,), {"answer": staticmethod(answer)}))

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)  # HTTPServer would look up a name for the address

    def service_actions(self) -> None:
        self._work()  # at least once in each POLL

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def close_all(self) -> None:
        """Close all connections and the listening socket, and wait for the threads."""
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):  # the client has gone
            log.error("a connection failed: %s", type(error).__name__)
