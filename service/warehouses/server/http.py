"""HTTP for the simulated warehouse: requests, replies, and the connection that reads and writes them."""

import http.server
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any, cast

MAX_BODY = 512 * 1024  # bytes
IDLE_SECONDS = 60
PROBLEM = "application/problem+json"
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
NO_CONTENT_POLICY = "default-src 'none'; frame-ancestors 'none'"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Request:
    """A request. ``headers`` have names in lower case; values of repeated headers are joined with a comma."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    is_local: bool


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer."""

    status: int
    body: bytes
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


class HttpError(Exception):
    """The request is answered with a problem. The client sees the detail, which quotes nothing of the request."""

    def __init__(self, status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers or {}


Answer = Callable[[Request], Reply | None]
"""Answers a request; None closes the connection without an answer."""


def json_reply(status: int, document: Any, headers: Mapping[str, str] | None = None) -> Reply:
    """Return a reply with a JSON document."""
    return Reply(status, _encode(document), headers=headers or {})


def problem(error: HttpError) -> Reply:
    """Return problem details (RFC 9457)."""
    document = {"type": "about:blank", "title": error.status.phrase, "status": error.status, "detail": error.detail}
    return Reply(error.status, _encode(document), PROBLEM, error.headers)


def _encode(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


class Connection(http.server.BaseHTTPRequestHandler):
    """Reads the requests of one connection, and writes the replies. It logs nothing about a request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # a reply is written at once, when it is complete
    timeout = IDLE_SECONDS
    answer: Answer

    def _serve(self) -> None:
        try:
            reply = self.answer(self._read())
        except HttpError as error:
            reply = problem(error)
        except OSError:  # the client has gone, or sends nothing more
            raise
        except Exception as error:  # a defect of the simulation itself
            log.error("a request failed: %s", type(error).__name__)
            reply = problem(HttpError(HTTPStatus.INTERNAL_SERVER_ERROR, "The simulated warehouse has a defect."))
        if reply is None:
            self.close_connection = True
        else:
            self._write(reply)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve  # noqa: N815

    def _read(self) -> Request:
        body = self._read_body()
        address: str = self.client_address[0]
        names = {name.lower() for name in self.headers}
        path, _, query = self.path.partition("?")
        return Request(
            method=self.command,
            path=path,
            query=query,
            headers={name: ", ".join(self.headers.get_all(name, ())) for name in names},
            body=body,
            is_local=ip_address(address.partition("%")[0].removeprefix("::ffff:")).is_loopback,
        )

    def _read_body(self) -> bytes:
        # After an error in here the rest of the body is unread, so the connection cannot be used again.
        closes, self.close_connection = self.close_connection, True
        if "Transfer-Encoding" in self.headers:
            raise HttpError(HTTPStatus.LENGTH_REQUIRED, "Send the body with Content-Length.")
        lengths = self.headers.get_all("Content-Length", ["0"])
        if len(lengths) > 1 or not (lengths[0].isascii() and lengths[0].isdigit()):
            raise HttpError(HTTPStatus.BAD_REQUEST, "Content-Length must be one number.")
        if len(lengths[0]) > 10 or int(lengths[0]) > MAX_BODY:
            raise HttpError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body must have at most {MAX_BODY} bytes.")
        body = self.rfile.read(int(lengths[0]))
        if len(body) < int(lengths[0]):
            raise HttpError(HTTPStatus.BAD_REQUEST, "The body ended early.")
        self.close_connection = closes
        return body

    def _write(self, reply: Reply) -> None:
        self.send_response_only(reply.status)
        headers = {
            "Date": self.date_time_string(),
            "Content-Type": reply.media_type,
            "Content-Length": str(len(reply.body)),
            "Content-Security-Policy": NO_CONTENT_POLICY,
            **HEADERS,
            **reply.headers,
        }
        for name, value in headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)
        self.wfile.flush()

    def handle_expect_100(self) -> bool:
        proceeds = super().handle_expect_100()
        self.wfile.flush()
        return proceeds

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Answer a request that the parser rejects."""
        self.close_connection = True
        self.command = cast("str", getattr(self, "command", None) or "GET")
        if self.request_version == "HTTP/0.9":
            self.request_version = self.protocol_version
        self._write(problem(HttpError(HTTPStatus(code), "The request could not be read.")))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log nothing."""
