"""An embedded cloud for tests, with a client of its API."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from service.api.app import create_app
from service.api.dependencies import in_thread
from service.embedded.cloud import EmbeddedCloud, embedded_settings


@contextmanager
def running_cloud(**settings: object) -> Iterator[EmbeddedCloud]:
    """Run an embedded cloud on a free port, with settings given by their names in lower case."""
    environ = {f"DOFS_{name.upper()}": str(value) for name, value in settings.items()}
    cloud = EmbeddedCloud(embedded_settings({"DOFS_EMBEDDED_AWS_PORT": "0", **environ}))
    cloud.start()
    try:
        yield cloud
    finally:
        cloud.stop()


def client(cloud: EmbeddedCloud) -> httpx.AsyncClient:
    """A client of the cloud's API, over ASGI, in the way that a server runs it."""
    app = create_app(cloud.settings, in_thread, cloud.system)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://dofs.test")
