"""A receiver of the simulated warehouse's callbacks."""

import json
from typing import Any

from tests.polling import eventually
from tests.warehouses.endpoint import Endpoint, respond
from tests.warehouses.warehouse_client import WarehouseClient

ITEMS = [{"line_id": "1", "product_id": "prod_456", "quantity": 2}, {"line_id": "2", "product_id": "p", "quantity": 1}]
TAKEN = respond(200)


def settled(client: WarehouseClient) -> dict[str, Any]:
    """Wait until no callback is pending, and return what the ledger shows of them."""
    return eventually(lambda: client.ledger()["callbacks"], lambda callbacks: not callbacks["pending"])


def bodies(endpoint: Endpoint) -> list[dict[str, Any]]:
    return [json.loads(request.body) for request in endpoint.requests]


def url_of(endpoint: Endpoint) -> str:
    return f"{endpoint.url}/warehouse/events"
