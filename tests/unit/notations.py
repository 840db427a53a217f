"""Generates valid orders, and writes them as JSON in any of their notations."""

import json
from copy import deepcopy
from decimal import Decimal
from random import Random
from typing import Any

from hypothesis import strategies as st

from service.orders.document import AddressRequest, AdjustmentRequest, OrderItemRequest, OrderRequest

PRICES = [Decimal(price) for price in ("0", "1", "1.1", "29.99", "0.125", "1234567.0001", "150")]
LINE = {
    "product_id": "SKU 12/B#4",
    "quantity": 100,
    "price": Decimal("1.1"),
    "line_id": "a",
    "name": "Blue shirt",
    "sku": "12",
    "metadata": {"gift wrap": "yes"},
}
ADJUSTMENT = {"kind": "discount", "amount": Decimal("-0.10"), "label": "WELCOME", "line_id": "b"}
ADDRESS = {
    "name": "Anna Schmidt",
    "company": "Schmidt & Söhne",
    "line1": "Hauptstraße 1",
    "line2": "3. Hof",
    "city": "Berlin",
    "region": "BE",
    "postal_code": "10115",
    "country": "DE",
    "phone": "+49 30 1234567",
    "email": "anna@example.com",
}
ORDER = {
    "customer_id": "cust_123",
    "items": [LINE, {**LINE, "line_id": "b", "price": Decimal(0)}],
    "total_amount": Decimal("109.90"),
    "currency": "EUR",
    "metadata": {"channel": "web"},
    "reference": "#1001",
    "adjustments": [ADJUSTMENT],
    "ship_to": ADDRESS,
    "service_level": "express",
    "note": "Ring twice.\nDanke 😀",
    "placed_at": "2026-01-31T09:30:00.000Z",
}
MODELS = {"order": OrderRequest, "items": OrderItemRequest, "adjustments": AdjustmentRequest, "ship_to": AddressRequest}
OPTIONAL = {
    place: {name for name, field in model.model_fields.items() if not field.is_required()}
    for place, model in MODELS.items()
}
INSTANTS = (
    "2026-01-31T09:30:00Z",
    "2026-01-31t09:30:00z",
    "2026-01-31t10:30:00.000+01:00",
    "2026-01-31 04:00:00.0-05:30",
)


@st.composite
def orders(draw: st.DrawFn) -> dict[str, Any]:
    """A valid order with any of the optional fields."""
    items = [
        {**LINE, "line_id": str(number), "price": price, "quantity": draw(st.sampled_from((200, 10_000)))}
        for number, price in enumerate(draw(st.lists(st.sampled_from(PRICES), min_size=1, max_size=3)), 1)
    ]
    amounts = draw(st.lists(st.sampled_from([Decimal(amount) for amount in ("0", "0.1", "7", "12.30")]), max_size=2))
    adjustments = [{**ADJUSTMENT, "line_id": "1", "amount": amount} for amount in amounts]
    order = {**deepcopy(ORDER), "items": items, "adjustments": adjustments}
    for place, parts in (("items", items), ("adjustments", adjustments), ("ship_to", [order["ship_to"]])):
        for part in parts:
            omit(draw, place, part)
    omit(draw, "order", order)
    adjusted = sum(each["amount"] for each in order.get("adjustments", ()))
    return order | {"total_amount": sum((each["quantity"] * each["price"] for each in items), adjusted)}


def omit(draw: st.DrawFn, place: str, part: dict[str, Any]) -> None:
    for name in draw(st.sets(st.sampled_from(sorted(OPTIONAL[place])))):
        del part[name]


def write(value: Any, random: Random, name: str = "order") -> str:
    """Write a part of an order as JSON, in one of its notations."""
    match value:
        case dict():
            members = [(each, write(part, random, each)) for each, part in value.items()]
            absent = OPTIONAL.get(name, set()) - value.keys()
            members += [(each, "null") for each in absent if random.random() < 0.3]
            random.shuffle(members)
            space = random.choice(("", " ", "\n\t"))
            return "{" + f",{space}".join(f'"{each}":{space}{text}' for each, text in members) + "}"
        case list():
            return "[" + ",".join(write(part, random, name) for part in value) + "]"
        case int() | Decimal():
            return random.choice(number_notations(Decimal(value), may_be_text=name != "quantity"))
        case _ if name == "placed_at":
            return json.dumps(random.choice(INSTANTS))
        case _:
            return json.dumps(value, ensure_ascii=random.random() < 0.5)


def number_notations(number: Decimal, *, may_be_text: bool) -> list[str]:
    plain = f"{number.normalize():f}"
    longer = f"{plain}0" if "." in plain else f"{plain}.0"
    found = [plain, longer, f"{number:e}", f"{plain}E0", f"{number.scaleb(2):f}e-2"]
    if not number:
        found += ["-0", "-0.00"]
    return found + [f'"{text}"' for text in (plain, longer, f"{longer}00") if may_be_text]


def places(part: Any, way: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The paths to all values of a document."""
    inner = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else None
    return [way] if inner is None else [place for name, each in inner for place in places(each, (*way, name))]
