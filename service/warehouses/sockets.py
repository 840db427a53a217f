"""Sockets with one deadline for all that a request does: resolve, connect, TLS, send and read.

A timeout of a socket is not enough. It is the time of one operation: an endpoint that sends one byte a second ends
none of them, so a request with a timeout of five seconds could last for ever. ``create_connection`` waits so long for
each address of a host, and ``getaddrinfo`` knows no timeout. Here, each operation waits for the rest of the request's
time, and no longer.
"""

import queue
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_ends_at: ContextVar[float] = ContextVar("ends_at")
"""The end of the present request, on the monotonic clock. One thread makes one request at a time."""


class NotConnected(Exception):
    """No connection was made, so no byte of the request was sent. The message says why, without private data."""


@contextmanager
def limit_time(seconds: float) -> Iterator[None]:
    """Limit the time of everything within, together, that this module's sockets do in this thread."""
    token = _ends_at.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends_at.reset(token)


def time_left() -> float:
    """The seconds that are left.

    Raises:
        TimeoutError: none are left.
    """
    left = _ends_at.get() - time.monotonic()
    if left <= 0:
        raise TimeoutError("the time of the request is over")
    return left


class DeadlineSocket(socket.socket):
    """A socket whose operations end at the deadline of ``limit_time``, whatever timeout somebody has set.

    It has the operations that an HTTP client needs: HTTP clients read with ``recv_into``, through ``makefile``.
    """

    def recv_into(self, *args: Any, **options: Any) -> int:
        self.settimeout(time_left())
        return super().recv_into(*args, **options)

    def send(self, *args: Any, **options: Any) -> int:
        self.settimeout(time_left())
        return super().send(*args, **options)

    def sendall(self, *args: Any, **options: Any) -> None:
        # The timeout of a plain socket holds for all of the data. A TLS socket calls ``send`` for each piece.
        self.settimeout(time_left())
        super().sendall(*args, **options)


class DeadlineTlsSocket(DeadlineSocket, ssl.SSLSocket):
    """The same with TLS. A timeout of its handshake, and of each of its operations, is that of the whole of it."""


def new_tls_context() -> ssl.SSLContext:
    """A context that trusts the system's certificate authorities and checks the name of the host."""
    context = ssl.create_default_context()
    context.sslsocket_class = DeadlineTlsSocket
    context.set_alpn_protocols(["http/1.1"])
    return context


def connect(host: str, port: int, tls: ssl.SSLContext | None) -> socket.socket:
    """Connect to a host, with TLS if there is a context, within the time of ``limit_time``.

    Raises:
        NotConnected: there is no connection.
    """
    try:
        plain = _connect_to_any(_resolve(host, port))
        if tls is None:
            return plain
        try:
            plain.settimeout(time_left())
            return tls.wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise
    except (OSError, UnicodeError) as error:
        raise NotConnected(_describe(error)) from None


def _resolve(host: str, port: int) -> list[Any]:
    """Resolve a host in a thread of its own, because the system's resolver cannot be interrupted.

    If the time is over first, the thread ends when the resolver gives up. It holds nothing and nobody waits for it.
    """
    result: queue.SimpleQueue[list[Any] | OSError | UnicodeError] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            result.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:  # UnicodeError: a label that is empty or longer than 63 characters
            result.put(error)

    threading.Thread(target=look_up, name="resolve", daemon=True).start()
    try:
        found = result.get(timeout=time_left())
    except queue.Empty:
        raise socket.gaierror(socket.EAI_AGAIN, "no answer in time") from None
    if isinstance(found, Exception):
        raise found
    return found


def _connect_to_any(addresses: list[Any]) -> DeadlineSocket:
    """Connect to the first address that answers. Each gets an equal share of the time that is left."""
    problem: OSError = socket.gaierror(socket.EAI_NONAME, "no address")
    for tried, (family, kind, protocol, _, address) in enumerate(addresses):
        plain: DeadlineSocket | None = None
        try:
            plain = DeadlineSocket(family, kind, protocol)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            plain.settimeout(time_left() / (len(addresses) - tried))
            plain.connect(address)
        except OSError as error:  # also a family that this machine does not have
            problem = error
            if plain:
                plain.close()
        else:
            return plain
    raise problem


def _describe(error: Exception) -> str:
    match error:
        case socket.gaierror() | UnicodeError():
            return "the host name was not resolved"
        case TimeoutError():
            return "no connection in time"
        case ConnectionRefusedError():
            return "the connection was refused"
        case ssl.SSLCertVerificationError():
            return f"the certificate is not valid: {error.verify_message}"
        case ssl.SSLError():
            return f"TLS failed: {error.reason or type(error).__name__}"
        case _:
            return f"no connection: {type(error).__name__}"
