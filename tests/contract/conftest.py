"""The stores that the contract tests check: one in memory, and one on an emulated DynamoDB."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count

import pytest
from moto import mock_aws

from service.aws.clients import Clients
from service.aws.store import DynamoDbOrderStore
from service.embedded.moto_speedups import speed_up_moto
from service.orders.ports import OrderStore
from service.provisioning.tables import failed_orders_table, orders_table
from service.settings import Settings
from tests.api.conftest import event_loop
from tests.memory.store import InMemoryOrderStore
from tests.support import SETTINGS

__all__ = ["event_loop"]


@pytest.fixture(scope="module")
def clients() -> Iterator[Clients]:
    with mock_aws(), speed_up_moto():
        yield Clients(SETTINGS)


@pytest.fixture(scope="module")
def new_tables(clients: Clients) -> Callable[..., Settings]:
    """Creates two empty tables; returns the settings that name them."""
    numbers = count(1)

    def create(**changes: int) -> Settings:
        number = next(numbers)
        settings = replace(SETTINGS, orders_table=f"orders-{number}", failed_orders_table=f"failed-{number}", **changes)
        clients.dynamodb.create_table(**orders_table(settings.orders_table, by_owner=True))
        clients.dynamodb.create_table(**failed_orders_table(settings.failed_orders_table))
        return settings

    return create


@pytest.fixture
def dynamodb_store(clients: Clients, new_tables: Callable[..., Settings]) -> DynamoDbOrderStore:
    return DynamoDbOrderStore(clients, new_tables())


@pytest.fixture(params=["memory", "dynamodb"])
def store(request: pytest.FixtureRequest) -> OrderStore:
    if request.param == "memory":
        return InMemoryOrderStore()
    found: OrderStore = request.getfixturevalue("dynamodb_store")
    return found
