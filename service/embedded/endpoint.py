"""The AWS endpoint of the embedded cloud, for the AWS CLI: moto's server on the same data."""

import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server

from service.embedded.isolation import LOOPBACK

HOST = "127.0.0.1"


class PortTaken(Exception):
    """Another program listens on the endpoint's port."""

    def __init__(self, port: int) -> None:
        super().__init__(
            f"port {port} is taken, perhaps by another DOFS or by LocalStack: "
            "stop that, or choose another port with DOFS_EMBEDDED_AWS_PORT"
        )


def refuse_taken(port: int) -> None:
    """Raise PortTaken if a program listens on the port."""
    with socket.socket() as probe:
        if port and probe.connect_ex((HOST, port)) == 0:
            raise PortTaken(port)


class AwsEndpoint:
    """Serves the AWS API over HTTP on 127.0.0.1."""

    def __init__(self, port: int) -> None:
        try:
            self._server: BaseWSGIServer = make_server(
                HOST,
                port,
                only_from_this_machine(DomainDispatcherApplication(create_backend_app)),
                threaded=True,
                request_handler=_QuietHandler,
            )
        except SystemExit:  # werkzeug exits when the address is in use
            raise PortTaken(port) from None
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="aws", daemon=True)

    @property
    def url(self) -> str:
        """The URL for ``aws --endpoint-url``."""
        return f"http://{HOST}:{self._server.server_port}"

    def start(self) -> None:
        """Start serving."""
        self._thread.start()

    def stop(self) -> None:
        """Stop serving and free the port."""
        self._server.shutdown()
        self._server.server_close()


class _QuietHandler(MotoRequestHandler):  # type: ignore[misc]
    def log(self, *_: Any) -> None:
        """Log nothing."""


def only_from_this_machine(application: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """Reject requests of web pages: those with an origin, and those with a host name that resolves to this machine."""

    def check_origin(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        host = urlsplit(f"//{environ.get('HTTP_HOST', '')}").hostname
        if host not in LOOPBACK or "HTTP_ORIGIN" in environ:
            start_response("403 Forbidden", [("Content-Type", "text/plain")])
            return [b"The embedded AWS endpoint answers programs on this machine only.\n"]
        return application(environ, start_response)

    return check_origin
