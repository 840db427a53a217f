"""An embedded cloud for tests, with a client of its API, or with a server in front."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn
from fastapi import FastAPI

from service.api.app import create_app
from service.api.dependencies import run_in_thread
from service.embedded.cloud import EmbeddedCloud, embedded_settings
from tests.polling import PATIENCE
from tests.support import PINNED

EMBEDDED = {
    "log_format": "text",
    "status_shards": 2,
    "function_timeout": 10,
    "deadline_margin": 1,
    "visibility_timeout": 60,
    "retry_delay": 1,
    "restart_after": 10,
    "recover_after": 120,
    "resend_after": 300,
    "backoff_ceiling": 120,
    "embedded_warehouse": "direct",
    "embedded_reconcile_every": 5,
    "embedded_executions_kept": 1000,
    "embedded_aws_port": 0,
}
"""What differs from ``PINNED`` in an embedded cloud: seconds instead of minutes, and few partitions."""


def new_cloud(**settings: object) -> EmbeddedCloud:
    """An embedded cloud on a free port, not started, with settings given by their names in lower case."""
    environ = {f"DOFS_{name.upper()}": str(value) for name, value in {**PINNED, **EMBEDDED, **settings}.items()}
    return EmbeddedCloud(embedded_settings(environ))


@contextmanager
def running_cloud(**settings: object) -> Iterator[EmbeddedCloud]:
    """Run an embedded cloud like ``new_cloud``."""
    cloud = new_cloud(**settings)
    cloud.start()
    try:
        yield cloud
    finally:
        cloud.stop()


def client(cloud: EmbeddedCloud) -> httpx.AsyncClient:
    """A client of the cloud's API, over ASGI, in the way that a server runs it."""
    app = create_app(cloud.settings, run_in_thread, cloud.system)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://dofs.test")


@contextmanager
def serving(cloud: EmbeddedCloud, listening: socket.socket | None = None) -> Iterator[str]:
    """Serve the cloud's API over HTTP, as ``uvicorn`` does, from this process; its base URL."""
    with served(create_app(cloud.settings, run_in_thread, cloud.system), listening) as base:
        yield base


@contextmanager
def served(app: FastAPI, listening: socket.socket | None = None) -> Iterator[str]:
    """Serve an application over HTTP, as ``uvicorn`` does, from this process; its base URL.

    Args:
        app: the application.
        listening: the socket that it accepts connections from; by default, one on a free port.
    """
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_graceful_shutdown=1, timeout_keep_alive=75
    )
    server = uvicorn.Server(config)
    with listening or socket.create_server(("127.0.0.1", 0)) as accepting:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [accepting]}, name="uvicorn")
        thread.start()
        try:
            yield f"http://127.0.0.1:{accepting.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(PATIENCE)
            assert not thread.is_alive()
