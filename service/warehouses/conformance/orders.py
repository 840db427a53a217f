"""The orders of the conformance checks: small, to a fictitious address, with keys that are easy to find."""

import secrets
import threading
from datetime import UTC, datetime
from typing import Any

from service.orders import strict_json
from service.orders.model import Order
from service.warehouses.conformance.results import NotSeen
from service.warehouses.wire import write_order

PREFIX = "ord_check_"
"""The beginning of each delivery key. A warehouse can recognize the orders by it."""
NOTE = "Conformance check of the warehouse contract. Do not ship."
ADDRESS = {
    "name": "DOFS conformance check, do not ship",
    "line1": "Musterstraße 1",
    "city": "Musterstadt",
    "postal_code": "12345",
    "country": "DE",
}


class Orders:
    """Makes the orders of one run. Several threads can share one instance.

    Args:
        product: the id of the product that they order.
        limit: the most orders.
    """

    def __init__(self, product: str, limit: int) -> None:
        self.prefix = f"{PREFIX}{secrets.token_hex(6)}_"
        self.by_key: dict[str, Order] = {}
        self._product = product
        self._limit = limit
        self._lock = threading.Lock()

    @property
    def left(self) -> int:
        """The number of orders that can still be made."""
        return self._limit - len(self.by_key)

    def new_order(self) -> Order:
        """Make an order with two lines.

        Raises:
            NotSeen: there are as many orders as there may be.
        """
        with self._lock:
            if self.left <= 0:
                raise NotSeen(f"it needs more than {self._limit} orders")
            order = self._create(
                f"{self.prefix}{len(self.by_key) + 1}", [_line("a", self._product, 2), _line("b", self._product, 1)]
            )
            self.by_key[order.delivery_key] = order
        return order

    def write_other_texts(self, order: Order) -> bytes:
        """The body of a repeated request in which everything is changed except the items."""
        changes = {"reference": "dofs-check-changed", "note": f"{NOTE} Changed.", "metadata": {"changed": "yes"}}
        return write_order(self._create(order.order_id, order.document["items"], service_level="express", **changes))

    def write_other_items(self, order: Order) -> dict[str, bytes]:
        """Bodies of requests for other items, by what differs."""
        first, second = order.document["items"]
        variants = {
            "with quantity 3 in place of 2": [{**first, "quantity": 3}, second],
            "with another product": [{**first, "product_id": f"{first['product_id']}-other"}, second],
            "without its second line": [first],
        }
        return {what: write_order(self._create(order.order_id, items)) for what, items in variants.items()}

    @staticmethod
    def _create(order_id: str, items: list[dict[str, Any]], **changes: Any) -> Order:
        document = {
            "items": items,
            "reference": "dofs-check",
            "ship_to": ADDRESS,
            "note": NOTE,
            "metadata": {},
            **changes,
        }
        now = datetime.now(UTC)
        return Order(
            order_id=order_id,
            owner="",
            submission=strict_json.canonical_text(document),
            fingerprint="",
            customer_id=None,
            created_at=now,
            updated_at=now,
            write_id="",
            asked=1,
        )


def _line(name: str, product: str, quantity: int) -> dict[str, Any]:
    return {"line_id": f"check-{name}", "product_id": product, "quantity": quantity, "name": "Conformance check"}
