"""A scripted HTTP server on 127.0.0.1. It sends the bytes that a test gives, and records each request as it arrived.

It is a server of bytes, because many of the answers are not HTTP.
"""

import json
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

LONG = 60.0
"""Seconds that a server hangs, unless its test ends before. A client's deadline in a test is far below."""


@dataclass(frozen=True)
class Request:
    connection: int  # the number of the connection, from 1
    line: str
    headers: dict[str, str]  # names in lower case
    body: bytes


Step = bytes | Callable[[threading.Event], Iterator[bytes]]
"""One answer: the bytes, or a function that yields them in pieces. After a function, the connection is closed."""


def respond(status: int, content: Any = b"", **headers: str) -> bytes:
    """A correct response: its body is bytes, or a value to be written as JSON."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    fields = {"Content-Length": str(len(body)), **{name.replace("_", "-"): value for name, value in headers.items()}}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} Something\r\n{head}\r\n".encode() + body


def trickle(content: bytes) -> Step:
    """Send some bytes one after the other, and then the last of them again, for 20 seconds at least."""

    def send(stop: threading.Event) -> Iterator[bytes]:
        for index in range(1000):
            yield content[index : index + 1] or content[-1:]
            if stop.wait(0.02):
                return

    return send


def hang(content: bytes = b"") -> Step:
    """Send some bytes, and then nothing."""

    def send(stop: threading.Event) -> Iterator[bytes]:
        yield content
        stop.wait(LONG)

    return send


def break_off(content: bytes = b"") -> Step:
    """Send some bytes, and close the connection."""
    return lambda _: iter([content])


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


class Endpoint:
    """The server, as a context manager. The last of its steps answers all further requests."""

    def __init__(self, *steps: Step, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self.closed = threading.Event()  # the server has closed a connection
        self.answer: Callable[[Request], bytes] | None = None  # answers all requests, in place of the steps
        self._steps = list(steps)
        self._tls = tls
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._open: set[Any] = set()
        endpoint = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                endpoint._serve(self.request)

        class Server(socketserver.ThreadingTCPServer):
            request_queue_size = 50

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"

    def __enter__(self) -> "Endpoint":
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._server.shutdown()
        self._thread.join()
        with self._lock:
            connections = [*self._open]
        for connection in connections:
            with suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)  # wakes the thread that reads from it
        self._server.server_close()  # waits for the threads

    def _serve(self, connection: Any) -> None:
        if self._tls:  # without its handshake, so that ``__exit__`` can end that too
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with self._lock:
            self.connections += 1
            number = self.connections
            self._open.add(connection)
        try:
            with suppress(OSError):  # also of TLS: the client breaks off
                if self._tls:
                    connection.do_handshake()
                self._answer_all(connection, number)
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()
            self.closed.set()

    def _answer_all(self, connection: Any, number: int) -> None:
        with connection.makefile("rb") as stream:
            while request := _read(stream, number):
                with self._lock:
                    self.requests.append(request)
                    step = self._steps.pop(0) if len(self._steps) > 1 else self._steps[0]
                if self.answer:
                    step = self.answer(request)
                if isinstance(step, bytes):
                    connection.sendall(step)
                    continue
                for piece in step(self._stop):
                    connection.sendall(piece)
                return


def _read(stream: Any, number: int) -> Request | None:
    line = stream.readline()
    if not line:
        return None
    headers: dict[str, str] = {}
    while field := stream.readline().decode().strip():
        name, _, value = field.partition(": ")
        assert name.lower() not in headers, f"{name} was sent twice"
        headers[name.lower()] = value
    return Request(number, line.decode().strip(), headers, stream.read(int(headers.get("content-length", 0))))
