"""Orders that are shown as examples in the OpenAPI document."""

from typing import Any

SHORT_ORDER: dict[str, Any] = {
    "customer_id": "cust_123",
    "items": [{"product_id": "prod_456", "quantity": 2, "price": 29.99}],
    "total_amount": 59.98,
}
FULL_ORDER: dict[str, Any] = {
    "customer_id": "anna+shop@example.com",
    "reference": "#1001",
    "currency": "EUR",
    "items": [
        {"product_id": "SKU 12/B#4", "quantity": 2, "price": "29.99", "name": "Blue shirt, size M"},
        {"product_id": "prod_789", "quantity": 1, "price": "5.00", "line_id": "gift"},
    ],
    "adjustments": [
        {"kind": "discount", "amount": "-5.00", "label": "WELCOME5", "line_id": "gift"},
        {"kind": "shipping", "amount": "4.90"},
        {"kind": "tax", "amount": "12.33", "label": "VAT 19 %"},
    ],
    "total_amount": "77.21",
    "ship_to": {
        "name": "Anna Schmidt",
        "line1": "Hauptstraße 1",
        "city": "Berlin",
        "postal_code": "10115",
        "country": "DE",
        "email": "anna@example.com",
    },
    "service_level": "express",
    "note": "Please ring twice.",
    "placed_at": "2026-01-31T10:30:00+01:00",
    "metadata": {"gift wrap": "yes"},
}
"""The order of docs/order.md, with every kind of field."""
