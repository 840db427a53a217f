"""Sends one HTTP request to a warehouse and reads the answer, strictly and within one deadline."""

import http.client
import time
from collections.abc import Collection, Mapping
from contextlib import closing
from typing import NamedTuple
from urllib.parse import urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.response import BaseHTTPResponse, HTTPResponse

from service import __version__
from service.warehouses import sockets
from service.warehouses.malformed import Malformed
from service.warehouses.wire import StrictResponse

MAX_BODY = 1024 * 1024
"""Bytes of an answer, which names the lines of each parcel: 500 lines with the longest ids have less."""
MAX_IDLE = 4.0
"""Seconds for which a connection stays open without a request. Many servers close theirs after five."""
CONNECTIONS = 32
"""The most connections that stay open. More threads than these each open a connection for one request."""

_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": f"dofs/{__version__}"}


class NoAnswer(Exception):
    """There is no complete answer. ``status`` is its HTTP status if that has arrived, otherwise None.

    The message names the cause, and holds nothing of the request and nothing of the answer.
    """

    def __init__(self, cause: str, status: int | None) -> None:
        super().__init__(cause)
        self.status = status


class Response(NamedTuple):
    """An answer; ``body`` is None if it was not read."""

    status: int
    headers: Mapping[str, str]
    body: bytes | None


class Transport:
    """Connections to a warehouse. Several threads can share one instance.

    It follows no redirect, uses no proxy, and sends each request once: a retry is the caller's decision.

    Args:
        url: the base URL, as ``validate_url`` takes it.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._path = parts.path.rstrip("/")
        host = parts.hostname or ""
        self._pool: urllib3.HTTPConnectionPool
        if parts.scheme == "http":
            self._pool = _Pool(host, parts.port, maxsize=CONNECTIONS)
        else:
            self._pool = _TlsPool(host, parts.port, maxsize=CONNECTIONS, ssl_context=sockets.new_tls_context())

    def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        seconds: float,
        with_body: Collection[int],
    ) -> Response:
        """Send one request, and read the answer.

        Args:
            method: the HTTP method.
            path: the path below the base URL.
            headers: the headers beside those of every request.
            body: the body.
            seconds: the time for all of it.
            with_body: HTTP statuses of answers whose body is read. The connections of other answers are closed.

        Raises:
            NotConnected: nothing was sent.
            NoAnswer: there is no complete answer.
        """
        status = None
        try:
            with (
                sockets.limit_time(seconds),
                closing(
                    self._pool.urlopen(
                        method,
                        self._path + path,
                        body=body or None,
                        headers={**_HEADERS, **headers},
                        retries=False,
                        redirect=False,
                        timeout=None,  # the sockets keep the time
                        preload_content=False,
                        decode_content=False,
                    )
                ) as response,
            ):
                status = response.status
                return Response(status, response.headers, _read_body(response) if status in with_body else None)
        except Malformed as error:
            cause = str(error)
        except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as error:
            cause = _describe(error, seconds)
        # Outside of the handlers: the errors' own texts quote the answer, and would be this error's context.
        raise NoAnswer(cause, status)

    def close(self) -> None:
        """Close the connections that are idle."""
        self._pool.close()


class _Connection(HTTPConnection):
    """Connects within the request's time, and fails with ``NotConnected`` as long as nothing was sent.

    A server may close an idle connection in the moment in which a request is sent on it. Then nobody can say whether
    the request arrived: it counts as unknown. So that it happens rarely, a connection is used again only within
    ``MAX_IDLE``. The wall clock measures it, because the monotonic clock may stand still while Lambda freezes the
    process.
    """

    response_class = StrictResponse
    _used_at = float("-inf")

    def connect(self) -> None:
        self.sock = sockets.connect(self.host, self.port, None)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as in urllib3
        response = super().getresponse()
        self._used_at = time.time()
        return response

    @property
    def is_connected(self) -> bool:
        return 0 <= time.time() - self._used_at <= MAX_IDLE and super().is_connected


class _TlsConnection(_Connection, HTTPSConnection):
    def connect(self) -> None:
        self.sock = sockets.connect(self.host, self.port, self.ssl_context)
        self.is_verified = True


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


def _read_body(response: BaseHTTPResponse) -> bytes:
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Malformed("the body has a content encoding")  # it may be small, and huge when it is decoded
    body = b""
    while chunk := response.read(MAX_BODY + 1 - len(body)):
        body += chunk
        if len(body) > MAX_BODY:
            raise Malformed(f"the body is longer than {MAX_BODY} bytes")
    return body


def _describe(error: Exception, seconds: float) -> str:
    """The cause in words of this module: the error's own text may quote the answer."""
    inner = error.args[-1] if error.args and isinstance(error.args[-1], Exception) else error
    if isinstance(inner, TimeoutError | urllib3.exceptions.TimeoutError):
        return f"no complete answer in {seconds:.1f} s"
    return f"no complete answer: {type(inner).__name__}"
