"""``uvicorn service.main:app``: serves the API; by default the whole system runs in the same process.

``DOFS_CLOUD`` selects the AWS services: ``embedded`` (the default here), ``localstack``, or ``aws``.
"""

import logging
import os
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import click
from fastapi import FastAPI

from service import logs
from service.api.app import create_app
from service.api.dependencies import run_in_thread
from service.settings import Settings, SettingsError
from service.wiring import LiveSystem

if TYPE_CHECKING:
    from service.embedded.cloud import EmbeddedCloud

DEFAULT_PORT = 8000  # uvicorn's own
GRACE = 0.5  # seconds that threads get after the cloud has stopped
BANNER = """
DOFS runs in this process. Nothing is stored when it stops.

  API              http://127.0.0.1:{port}/docs
  Console          http://127.0.0.1:{port}/console
  AWS endpoint     {endpoint}   (region {region}, any credentials)
{warehouse}
Try it:

  curl -i http://127.0.0.1:{port}/order -H 'Content-Type: application/json' -d '{order}'
"""
WAREHOUSE = """\
  Warehouse        {url}   (its ledger: parcels, and whether an order was shipped twice)
"""
SAMPLE = (
    '{"customer_id": "cust_123", "items": [{"product_id": "prod_456", "quantity": 2, "price": 29.99}], '
    '"total_amount": 59.98}'
)


def create() -> FastAPI:
    """Create the application for the cloud of ``DOFS_CLOUD``.

    Raises:
        SystemExit: the settings are wrong, or a port is in use; the message names the cause.
    """
    try:
        if (os.environ.get("DOFS_CLOUD") or "embedded") == "embedded":
            return _create_embedded()
        settings = Settings.load()
    except SettingsError as error:
        raise SystemExit(f"DOFS cannot start:\n{error}") from None
    _log(settings)
    return create_app(settings, run_in_thread, LiveSystem(settings))


def _create_embedded() -> FastAPI:
    try:
        from service.embedded.cloud import EmbeddedCloud, embedded_settings
        from service.embedded.endpoint import PortTaken, refuse_taken
        from service.embedded.isolation import WouldReachAws, refuse_other_machines
    except ModuleNotFoundError as missing:
        raise SystemExit(
            f"The embedded cloud needs {missing.name}: pip install -e '.[local]', or set DOFS_CLOUD=localstack or aws"
        ) from None
    settings = embedded_settings()
    _log(settings)
    try:
        refuse_other_machines()
        refuse_taken(settings.embedded_aws_port)
    except (PortTaken, WouldReachAws) as reason:
        raise SystemExit(f"DOFS cannot start: {reason}") from None
    cloud = EmbeddedCloud(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        cloud.start()
        app.state.system = cloud.system
        sys.stdout.write(_write_banner(cloud))
        sys.stdout.flush()
        try:
            yield
        finally:
            cloud.stop()
            _leave_soon()

    return create_app(cloud.settings, run_in_thread, lifespan=lifespan)


def _write_banner(cloud: "EmbeddedCloud") -> str:
    warehouse = WAREHOUSE.format(url=cloud.warehouse.url) if cloud.warehouse else ""
    endpoint, region = cloud.endpoint.url, cloud.settings.region
    return BANNER.format(port=_port(), endpoint=endpoint, region=region, warehouse=warehouse, order=SAMPLE)


def _leave_soon() -> None:
    """End the process soon. Python would wait for the threads of simulated attempts."""
    leave = threading.Timer(GRACE, os._exit, args=(0,))
    leave.daemon = True
    leave.start()


def _log(settings: Settings) -> None:
    logging.basicConfig()
    logs.configure(settings)
    logging.getLogger("moto").setLevel("CRITICAL")  # it logs every failed execution as an error


def _port() -> int:
    """Return the port that uvicorn listens on."""
    context = click.get_current_context(silent=True)
    return int(context.params.get("port") or DEFAULT_PORT) if context else DEFAULT_PORT


app = create()
