"""Generated order documents, valid and invalid; all of them contain the canary."""

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tests.hostile.logs import CANARY

CUSTOMERS = (f"{CANARY}-0", f"gid://{CANARY}/1?a=b&c#+%2F", f"{CANARY} \u202e'\"\\ 😀")
REFERENCES = (f"#1001 {CANARY}", f"\u2066{CANARY}/../%00+?q=\"'\u202e", f"{CANARY}\\n{{}}é")
"""Customers and references of any printable characters; those that a URL, JSON or a log line treats specially."""

PLACED_AT = ("2026-01-31T09:30:00Z", "2026-01-31t10:30:00.0001+01:00")
"""Two notations of one instant."""

CURRENCIES = {None: 2, "USD": 2, "INR": 2, "JPY": 0, "KWD": 3}
"""The currencies of the generated orders with the decimals of each; USD if none is given."""

texts = st.text(max_size=8).map(lambda text: text + CANARY)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.floats(-1e6, 1e6, allow_subnormal=False).map(lambda number: round(number, 3))
    | texts
)
anything = st.recursive(
    scalars, lambda each: st.lists(each, max_size=3) | st.dictionaries(texts, each, max_size=3), max_leaves=6
)


@st.composite
def orders(draw: st.DrawFn) -> dict[str, Any]:
    """A valid order, with any of the optional fields."""
    currency = draw(st.sampled_from((None, *CURRENCIES)))
    unit = 10 ** CURRENCIES[currency]
    lines = draw(st.lists(st.tuples(st.integers(1, 20), st.integers(0, 10_000)), min_size=1, max_size=3))
    adjusted = draw(st.lists(st.integers(-10_000, 10_000), max_size=2))
    total = sum(quantity * price for quantity, price in lines) + sum(adjusted)
    if total < 0:
        adjusted, total = [*adjusted, -total], 0
    order: dict[str, Any] = {
        "customer_id": draw(st.sampled_from(CUSTOMERS)),
        "items": [
            {"product_id": f"{CANARY}/{number}", "quantity": draw(st.sampled_from((quantity, float(quantity))))}
            | {"price": draw(amounts(price, unit)), **draw(st.fixed_dictionaries({}, optional=line_fields(number)))}
            for number, (quantity, price) in enumerate(lines)
        ],
        "total_amount": draw(amounts(total, unit)),
    }
    if currency:
        order["currency"] = currency
    if adjusted:
        order["adjustments"] = [{"kind": draw(kinds), "amount": draw(amounts(units, unit))} for units in adjusted]
    return order | draw(st.fixed_dictionaries({}, optional=ORDER_FIELDS))


@st.composite
def amounts(draw: st.DrawFn, units: int, unit: int) -> Any:
    """An amount in minor units, as a number or as a string."""
    return draw(st.sampled_from((units / unit, f"{Decimal(units) / unit:f}")))


kinds = st.sampled_from(("tax", "shipping", "discount", "fee", "other"))
nulls_or_texts = st.none() | st.sampled_from((CANARY, f"{CANARY} <b>'\"\u202e"))
metadata = st.dictionaries(st.sampled_from(("note", "gift wrap", "0")), texts, max_size=3)
addresses = st.fixed_dictionaries(
    {"name": st.just(CANARY), "line1": st.just(f"{CANARY} 1"), "city": st.just(CANARY), "country": st.just("DE")},
    optional=dict.fromkeys(("company", "line2", "region", "postal_code", "phone", "email"), nulls_or_texts),
)
ORDER_FIELDS: dict[str, Any] = {
    "metadata": st.none() | metadata,
    "reference": st.none() | st.sampled_from(REFERENCES),
    "ship_to": st.none() | addresses,
    "service_level": nulls_or_texts,
    "note": st.none() | st.just(f"{CANARY}\n\tplease"),
    "placed_at": st.none() | st.sampled_from(PLACED_AT),
}


def line_fields(number: int) -> dict[str, Any]:
    line_id = st.just(f"{CANARY}#{number}")
    return {"line_id": line_id, "name": nulls_or_texts, "sku": nulls_or_texts, "metadata": metadata}


ADDRESS = {"name": CANARY, "line1": CANARY, "city": CANARY, "country": "DE"}
LINE = {"product_id": CANARY, "quantity": 1, "price": 0, "line_id": CANARY}
DEFECTS = {
    "no customer": {"customer_id": None},
    "a customer with a blank at the end": {"customer_id": f"{CANARY} "},
    "a reference of two lines": {"reference": f"{CANARY}\nx"},
    "no items": {"items": []},
    "an item that is no object": {"items": [CANARY]},
    "a wrong total": {"total_amount": 999_999_999.99},
    "a total in words": {"total_amount": CANARY},
    "two lines with one id": {"items": [LINE, LINE], "adjustments": None, "total_amount": 0},
    "a finer adjustment": {"items": [LINE], "adjustments": [{"kind": "tax", "amount": "0.0001"}], "total_amount": 1e-4},
    "an adjustment of no line": {
        "items": [LINE],
        "adjustments": [{"kind": "tax", "amount": 0, "line_id": f"{CANARY}2"}],
        "total_amount": 0,
    },
    "an adjustment of another kind": {"adjustments": [{"kind": CANARY, "amount": 0}]},
    "another country": {"ship_to": {**ADDRESS, "country": CANARY}},
    "an address without a city": {"ship_to": {**ADDRESS, "city": None}},
    "an address in one text": {"ship_to": CANARY},
    "a note with a control character": {"note": f"{CANARY}\x00"},
    "a time without a zone": {"placed_at": "2026-01-31T09:30:00"},
    "an unknown currency": {"currency": CANARY},
    "metadata that is a text": {"metadata": CANARY},
    "metadata with a number": {"metadata": {CANARY: 5}},
    "an unknown field": {CANARY: CANARY},
    "an envelope": {"dofs": {"task": "reconcile", "order_id": CANARY}},
    "a batch": {"Records": [{"eventSource": "aws:sqs", "body": CANARY}]},
    "a proxy event": {"resource": "/{proxy+}", "httpMethod": "GET", "path": f"/{CANARY}", "requestContext": {}},
}


@st.composite
def invalid_orders(draw: st.DrawFn) -> dict[str, Any]:
    """A JSON object that is not a valid order: an order with a defect, or an arbitrary object."""
    if draw(st.booleans()):
        return {**draw(orders()), **draw(st.sampled_from(list(DEFECTS.values())))}
    document = draw(st.dictionaries(texts, anything, max_size=4))
    names = st.sampled_from(
        ("customer_id", "total_amount", "metadata", "currency", "order_id", "status", "reference", "ship_to", "note")
    )
    return document | draw(st.dictionaries(names, anything, max_size=3))
