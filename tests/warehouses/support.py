"""An order, a secret, and the state of its delivery as a warehouse writes it."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from service.orders import strict_json
from service.orders.model import Order
from service.warehouses.http import HttpWarehouse
from service.warehouses.signatures import read_secret
from service.warehouses.signer import Signer

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
KEY = read_secret(SECRET)
PRIVATE = "22 Acacia Avenue"
"""What no error text may quote."""


def order(**changes: Any) -> Order:
    document = {
        "customer_id": "cust_123",
        "items": [
            {"product_id": "prod_456", "quantity": 2, "price": strict_json.parse("29.99")},
            {"product_id": "prod_789", "quantity": 1, "price": strict_json.parse("1.00")},
        ],
        "total_amount": strict_json.parse("60.98"),
        "currency": "USD",
        "metadata": {"gift": "yes", "floor": "3rd – left"},
    }
    at = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
    values: dict[str, Any] = {
        "order_id": "ord_1",
        "owner": "owner",
        "submission": strict_json.canonical_text(document),
        "fingerprint": "f",
        "customer_id": "cust_123",
        "created_at": at,
        "updated_at": at,
        "write_id": "w",
        "attempts": 2,
        "asked": 1,
    }
    return Order(**{**values, **changes})


def state(status: str, **members: Any) -> dict[str, Any]:
    """The state of the order's first delivery, on the wire."""
    return {"order_id": "ord_1-d1", "status": status, **members}


def warehouse(url: str) -> HttpWarehouse:
    return HttpWarehouse(url, signer(), now)


def signer(load: Callable[[], str] = lambda: SECRET) -> Signer:
    return Signer(load, now)


def now() -> datetime:
    return datetime.now(UTC)
