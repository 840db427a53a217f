"""A warehouse for each file, and a delivery key for each test."""

import base64
from collections.abc import Iterator

import pytest

from service.warehouses.server import WarehouseServer
from tests.warehouses.warehouse_client import WarehouseClient, running_warehouse


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[WarehouseServer, WarehouseClient]]:
    with running_warehouse() as running:
        yield running


@pytest.fixture
def server(running) -> WarehouseServer:
    return running[0]


@pytest.fixture
def client(running) -> WarehouseClient:
    return running[1]


@pytest.fixture
def key(request: pytest.FixtureRequest) -> str:
    """A delivery key that no other test uses."""
    return f"ord_{base64.b32encode(request.node.name.encode()).decode().rstrip('=')[-60:]}-d1"
