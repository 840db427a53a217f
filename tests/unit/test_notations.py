"""Fingerprints and repeats depend on what a document says, and not on how it is written."""

import json
from collections.abc import Callable
from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.orders.errors import KeyReused
from service.orders.model import Order
from service.orders.orders import Orders
from service.orders.strict_json import MAX_SIZE, parse
from service.orders.submission import Submission, order_from
from service.orders.validation import validate
from tests.support import MemorySystem
from tests.unit.notations import OPTIONAL, ORDER, orders, places, write

WRONG_TOTAL = ORDER | {"total_amount": Decimal("0.10")}
SPOILED: dict[str, Callable[[Any], Any]] = {
    "the total is wrong": lambda order: order | {"total_amount": order["total_amount"] + 1},
    "it has an unknown field": lambda order: order | {"tip": "none"},
    "a line has no product": lambda order: order | {"items": [{**order["items"][0], "product_id": ""}]},
    "there is no customer": lambda order: {name: value for name, value in order.items() if name != "customer_id"},
}
"""Functions that make an order invalid."""


def fingerprint(text: str) -> str:
    document = parse(text)
    assert validate(document).errors == ()
    return order_from(Submission(document, "anonymous"), MemorySystem()).fingerprint


@given(orders(), st.randoms(use_true_random=True))
def test_two_notations_of_an_order_have_the_same_fingerprint(order, random):
    assert fingerprint(write(order, random)) == fingerprint(write(order, random))


@given(orders(), st.randoms(use_true_random=True), st.sampled_from(sorted(SPOILED)))
def test_two_notations_of_an_order_that_is_not_valid_are_repeats(order, random, defect):
    spoiled, system = SPOILED[defect](deepcopy(order)), MemorySystem()
    first, again = (submit_leniently(write(spoiled, random), system) for _ in range(2))
    assert first[0].submission == again[0].submission
    assert (first[1], again[1]) == (False, True)


CHANGED = {"country": "AT", "currency": "USD", "kind": "fee", "placed_at": "2026-01-31T09:30:00.001Z"}
PLACES = [place for place in places(ORDER) if place[:2] != ("items", 1) and place != ("total_amount",)]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: ".".join(map(str, place)))
def test_every_value_of_an_order_is_in_its_fingerprint(place):
    changed: Any = deepcopy(ORDER)
    *way, last = place
    part = changed
    for name in way:
        part = part[name]
    if place == ("adjustments", 0, "line_id"):
        part[last] = "a"
    else:
        part[last] = CHANGED.get(last, f"{part[last]}2" if isinstance(part[last], str) else part[last] + 1)
    lines = sum(each["quantity"] * each["price"] for each in changed["items"])
    changed["total_amount"] = lines + changed["adjustments"][0]["amount"]
    assert fingerprint(plain_text(changed)) != fingerprint(plain_text(ORDER))


@pytest.mark.parametrize("field", sorted(OPTIONAL["order"] - {"currency", "metadata"}))
def test_an_order_without_an_optional_field_has_another_fingerprint(field):
    without = {name: value for name, value in ORDER.items() if name != field}
    if field == "adjustments":
        without["total_amount"] = Decimal(110)
    assert fingerprint(plain_text(without)) != fingerprint(plain_text(ORDER))


@pytest.mark.parametrize("place", PLACES, ids=lambda place: ".".join(map(str, place)))
def test_every_value_of_an_order_that_is_not_valid_is_compared(place):
    changed, system = deepcopy(WRONG_TOTAL), MemorySystem()
    *way, last = place
    part: Any = changed
    for name in way:
        part = part[name]
    part[last] = f"{part[last]}2" if isinstance(part[last], str) else part[last] + 1
    submit_leniently(plain_text(WRONG_TOTAL), system)
    with pytest.raises(KeyReused):
        submit_leniently(plain_text(changed), system)


@pytest.mark.parametrize(
    ("first", "other"),
    [
        ('{"metadata":{"price":"1.10"}}', '{"metadata":{"price":"1.1"}}'),
        ('{"items":[{"product_id":"1.10"}]}', '{"items":[{"product_id":"1.1"}]}'),
        ('{"items":[{"quantity":"2"}]}', '{"items":[{"quantity":2}]}'),
        ('{"x":"1.10"}', '{"x":1.1}'),
        ('{"x":true}', '{"x":1}'),
        ('{"x":null}', "{}"),
        ('{"customer_id":null}', "{}"),
        ('{"x":1234567890123456789012345678901234567890}', '{"x":1234567890123456789012345678901234567891}'),
        ('{"x":[1,2]}', '{"x":[2,1]}'),
    ],
)
def test_other_values_are_no_notations(first, other):
    system = MemorySystem()
    submit_leniently(first, system)
    with pytest.raises(KeyReused):
        submit_leniently(other, system)


@pytest.mark.parametrize(
    ("first", "other"),
    [
        ('{"x":1.10}', '{"x":11e-1}'),
        ('{"x":{"y":[100]}}', '{"x":{"y":[1E+2]}}'),
        ('{"total_amount":-1.0}', '{"total_amount":-1}'),
        ('{"x":-0.0}', '{"x":0}'),
        ("{}", '{"currency":"USD","metadata":{}}'),
    ],
)
def test_numbers_of_an_order_that_is_not_valid_have_many_notations(first, other):
    system = MemorySystem()
    assert submit_leniently(first, system)[0] == submit_leniently(other, system)[0]


def submit_leniently(text: str, system: MemorySystem) -> tuple[Order, bool]:
    document = parse(text)
    assert validate(document).errors
    return Orders(system).submit(
        Submission(document, "anonymous", lenient_bytes=MAX_SIZE, idempotency_key="a-key-of-16-chars")
    )


def plain_text(order: Any) -> str:
    return json.dumps(order, default=str)
