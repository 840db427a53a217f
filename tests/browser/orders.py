"""Orders for the console's tests, submitted through the API."""

import itertools
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from service.embedded.cloud import EmbeddedCloud
from service.orders.lifecycle import TERMINAL
from service.warehouses.simulated import SimulatedWarehouse
from tests.browser.warehouse import Mood, Warehouse
from tests.embedded.support import running_cloud, serving
from tests.polling import PATIENCE
from tests.support import valid_order
from tests.system import key_for

T = TypeVar("T")
QUICK = {"stats_every": 0.5}
UNHURRIED = {"function_timeout": 30, "visibility_timeout": 180, "recover_after": 360, "resend_after": 600}
"""A bulk redrive starts no order after 60 % of the function's timeout, which is 3 seconds with ``make run``."""
ADDRESS = {
    **{"name": "Anna Schmidt", "company": "<i>ACME</i>", "line1": "Hauptstraße 1", "city": "Berlin"},
    **{"postal_code": "10115", "country": "DE", "email": "anna@example.com"},
}
WHOLE = {
    **{"reference": "gid://shopify/Order/1", "ship_to": ADDRESS, "service_level": "express", "total_amount": 66.38},
    "note": "Please ring twice.\n<script>alert(1)</script>",
    "placed_at": "2026-01-31T09:30:00Z",
    "items": [
        {
            **{"product_id": "gid://shopify/Product/7", "quantity": 2, "price": 29.99, "line_id": "L7"},
            **{"sku": "SKU 12/B#4", "name": "Blue shirt, <b>size M</b>", "metadata": {"engraving": "A & B"}},
        }
    ],
    "adjustments": [
        {"kind": "tax", "amount": 11.4, "label": "VAT 19 %"},
        {"kind": "discount", "amount": -5, "line_id": "L7"},
    ],
}
"""The optional fields of an order, some with text that looks like HTML."""


@dataclass
class Shop:
    """An embedded cloud with its API over HTTP. Submits orders to it."""

    cloud: EmbeddedCloud
    base: str
    http: httpx.Client

    def __post_init__(self) -> None:
        self.numbers = itertools.count(1)

    def submit(
        self, order: dict[str, Any] | None = None, outcome: tuple[str, int] | None = None, **headers: str
    ) -> str:
        """Submit an order, with a given outcome if there is one, and return its id."""
        if outcome:
            headers["Idempotency-Key"] = key_for(self.cloud.settings, outcome, f"browser-test-{next(self.numbers)}")
        answer = self.http.post("/order", json=order or valid_order(), headers=headers)
        assert answer.status_code == 202, answer.text
        order_id: str = answer.json()["order_id"]
        return order_id

    def order(self, order_id: str) -> dict[str, Any]:
        """Read an order from the API."""
        shown: dict[str, Any] = self.http.get(f"/orders/{order_id}").json()
        return shown

    def settled(self, order_ids: Sequence[str]) -> list[dict[str, Any]]:
        """Wait until all orders have a terminal status, and return them."""
        return until(
            lambda: [self.order(order_id) for order_id in order_ids],
            lambda orders: all(order["status"] in TERMINAL for order in orders),
        )

    def set_success_rate(self, rate: float) -> None:
        """Set the success rate of the warehouse."""
        self.cloud.system.fulfiller = SimulatedWarehouse(rate, "browser")

    def set_warehouse(self, mood: Mood, pace: float = 0) -> None:
        """Set the outcome and the maximum duration of all attempts."""
        self.cloud.system.fulfiller = Warehouse(mood, pace)

    def deliver(self, order_id: str) -> None:
        """Send another message for an order to the queue. It is visible at once."""
        url = self.cloud.settings.queue_url
        self.cloud.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps({"order_id": order_id}))

    def dead_letters(self) -> dict[str, int]:
        """Return the depth of the dead-letter queue by the names of CloudWatch's metrics."""
        names = {
            "ApproximateNumberOfMessages": "ApproximateNumberOfMessagesVisible",
            "ApproximateNumberOfMessagesNotVisible": "ApproximateNumberOfMessagesNotVisible",
        }
        url = self.cloud.settings.dead_letter_queue_url
        answer = self.cloud.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=list(names))
        return {metric: int(answer["Attributes"][attribute]) for attribute, metric in names.items()}


@contextmanager
def open_shop(**settings: object) -> Iterator[Shop]:
    """Start an embedded cloud, and serve its API over HTTP."""
    with (
        running_cloud(**{**QUICK, **settings}) as cloud,
        serving(cloud) as base,
        httpx.Client(base_url=base, timeout=30) as http,
    ):
        yield Shop(cloud, base, http)


def until(read: Callable[[], T], holds: Callable[[T], bool], deadline: float = PATIENCE) -> T:
    """Poll until a condition holds."""
    ends = time.monotonic() + deadline
    while not holds(found := read()):
        assert time.monotonic() < ends, f"the condition does not hold after {deadline} s: {found}"
        time.sleep(0.05)
    return found
