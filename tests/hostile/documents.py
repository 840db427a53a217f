"""Generated order documents, valid and invalid; all of them contain the canary."""

from typing import Any

from hypothesis import strategies as st

from tests.hostile.logs import CANARY

CUSTOMERS = tuple(f"{CANARY}-{number}" for number in range(3))

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
    """A valid order."""
    lines = draw(st.lists(st.tuples(st.integers(1, 20), st.integers(0, 10_000)), min_size=1, max_size=3))
    order: dict[str, Any] = {
        "customer_id": draw(st.sampled_from(CUSTOMERS)),
        "items": [
            {"product_id": f"{CANARY}.{number}", "quantity": quantity, "price": cents / 100}
            for number, (quantity, cents) in enumerate(lines)
        ],
        "total_amount": sum(quantity * cents for quantity, cents in lines) / 100,
    }
    if draw(st.booleans()):
        order["currency"] = draw(st.sampled_from(("USD", "INR", "JPY")))
    if draw(st.booleans()):
        order["metadata"] = draw(st.dictionaries(st.sampled_from(("note", "a.b:c", "0")), texts, max_size=3))
    return order


DEFECTS = {
    "no customer": {"customer_id": None},
    "a customer with a blank": {"customer_id": f"{CANARY} x"},
    "no items": {"items": []},
    "an item that is no object": {"items": [CANARY]},
    "a wrong total": {"total_amount": 999_999_999.99},
    "a total in words": {"total_amount": CANARY},
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
    names = st.sampled_from(("customer_id", "total_amount", "metadata", "currency", "order_id", "status"))
    return document | draw(st.dictionaries(names, anything, max_size=3))
