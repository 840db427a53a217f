"""The OpenAPI document's schema of an order accepts what the service accepts, but for the rules that it names.

Two validators judge each order: jsonschema, which is written in Python, and jsonschema-rs, which is written in Rust.
"""

import json
import re
from collections import Counter
from copy import deepcopy
from decimal import Decimal
from random import Random
from typing import Any

import jsonschema
import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api import openapi
from service.orders.currencies import MINOR_UNITS
from service.orders.model import FieldError
from service.orders.strict_json import parse
from service.orders.validation import validate
from tests.unit.notations import number_notations, orders, places, write

COMPONENTS = json.loads(openapi.document())["components"]
SCHEMA = {"$ref": "#/components/schemas/OrderRequest", "components": COMPONENTS}
IN_PYTHON, IN_RUST = jsonschema.Draft202012Validator(SCHEMA), jsonschema_rs.Draft202012Validator(SCHEMA)

BEYOND_JSON_SCHEMA = re.compile(
    "must equal the sum of quantity × price.*"
    "|(quantity × price )?must (have at most [0-9] decimals|be a whole number) in this currency"
    "|must have at most 15 digits, and 8 of them after the point; round it"
    "|is the line_id, or the position, of another item.*"
    "|must be the line_id of an item.*"
)
"""The errors of the rules that the schema's description names. ``placed_at`` has a test of its own."""

NO_AMOUNTS = (
    "null",
    "true",
    "[]",
    "{}",
    '""',
    '"1e2"',
    '" 1"',
    '"1 "',
    '"01"',
    '"1."',
    '".5"',
    '"1,5"',
    '"+1"',
    '"NaN"',
)
AMOUNTS = ("19.99", "2.0", "2e0", "1.999E+1", '"19.99"', "0", "-0", "-0.0", '"-0"', '"-0.00"', "9999999999999.99")
WRONG_AMOUNTS = ("-1", '"-0.01"', "-1e-8", "10000000000000", '"10000000000000"', "1e300", '"9999999999999999.99"')
JUNK = (
    None,
    True,
    0,
    -1,
    2.0,
    2.5,
    10_001,
    1e15,
    "",
    " ",
    "a",
    "é" * 129,
    "x" * 501,
    "2",
    "DE",
    "USD",
    "XXX",
    "\u0085",
)
JUNK_PARTS: tuple[Any, ...] = (*JUNK, [], {}, [[]], [{}], {"a": "b"}, {"a": None}, {" ": "b"})


def judge(text: str) -> tuple[tuple[FieldError, ...], bool, bool]:
    """The errors of the service, and whether each validator accepts the document."""
    document = json.loads(text)
    return validate(parse(text)).errors, IN_PYTHON.is_valid(document), IN_RUST.is_valid(document)


def a_price(random: Random) -> str:
    """A price, in one of its notations: in a currency's decimals, finer, negative, too large, or none at all."""
    kind = random.random()
    if kind < 0.1:
        return random.choice(NO_AMOUNTS + AMOUNTS + WRONG_AMOUNTS)
    decimals = random.choice((0, 2, 2, 2, 3, 4, 8, 9)) if kind < 0.6 else 2
    number = Decimal(random.randrange(10 ** random.choice((2, 4, 8)))).scaleb(-decimals)
    return random.choice(number_notations(-number if kind > 0.95 else number, may_be_text=True))


def test_10_000_prices_are_judged_alike():
    random, seen = Random(20), Counter()  # noqa: S311
    for number in range(200):
        prices = [a_price(random) for _ in range(50)]
        items = ",".join(f'{{"product_id":"p","quantity":1,"price":{price}}}' for price in prices)
        currency = random.choice(("USD", "EUR", "JPY", "KWD", "CLF"))
        text = f'{{"customer_id":"c","items":[{items}],"total_amount":{number},"currency":"{currency}"}}'
        errors = {error.pointer: error.detail for error in validate(parse(text)).errors}
        document = json.loads(text)
        refused = [
            {tuple(error.absolute_path) for error in IN_PYTHON.iter_errors(document)},
            {tuple(error.instance_path) for error in IN_RUST.iter_errors(document)},
        ]
        for place, price in enumerate(prices):
            detail = errors.get(f"/items/{place}/price")
            verdicts = {("items", place, "price") in each for each in refused}
            if detail is None or not BEYOND_JSON_SCHEMA.fullmatch(detail):
                assert verdicts == {detail is not None}, (price, currency, detail)
            seen["accepted" if detail is None else "refused" if True in verdicts else "beyond"] += 1
    assert seen.total() == 10_000
    assert min(seen.values()) > 500, seen


@pytest.mark.parametrize("price", AMOUNTS)
def test_every_notation_of_an_amount_is_accepted(price):
    text = f'{{"customer_id":"c","items":[{{"product_id":"p","quantity":1,"price":{price}}}],"total_amount":{price}}}'
    assert judge(text) == ((), True, True)


@pytest.mark.parametrize("number", range(100))
def test_every_cent_is_accepted(number):
    """A schema with ``multipleOf: 0.01`` refuses 19.99, because 0.01 is not exact in a double."""
    prices = [f"{number}.{cents:02}" for cents in range(100)]
    items = ",".join(f'{{"product_id":"p","quantity":1,"price":{price}}}' for price in prices)
    text = f'{{"customer_id":"c","items":[{items}],"total_amount":{sum(map(Decimal, prices))}}}'
    assert judge(text) == ((), True, True)


@given(orders(), st.randoms(use_true_random=True))
def test_valid_orders_are_accepted(order, random):
    assert judge(write(order, random)) == ((), True, True)


@given(orders(), st.sampled_from(JUNK_PARTS), st.randoms(use_true_random=True), st.booleans())
def test_orders_with_a_wrong_value_are_judged_alike(order, junk, random, is_part):
    document: Any = deepcopy(order)
    *way, last = random.choice(places(document))
    if is_part and way:
        *way, last = way
    part = document
    for name in way:
        part = part[name]
    part[last] = junk
    errors, in_python, in_rust = judge(write(document, random))
    beyond = [error for error in errors if BEYOND_JSON_SCHEMA.fullmatch(error.detail)]
    assert in_python == in_rust
    if len(beyond) == len(errors):
        assert in_python or any("15 digits" in error.detail for error in beyond), errors
    elif any(error not in beyond and error.pointer != "/placed_at" for error in errors):
        assert not in_python, errors


@pytest.mark.parametrize("name", ["customer_id", "items", "total_amount", "x"])
def test_missing_and_unknown_fields_are_judged_alike(name):
    order = {"customer_id": "c", "items": [{"product_id": "p", "quantity": 1, "price": 0}], "total_amount": 0}
    changed = {each: value for each, value in order.items() if each != name} | ({"x": 1} if name == "x" else {})
    errors, *verdicts = judge(json.dumps(changed))
    assert [error.pointer for error in errors] == [f"/{name}"]
    assert verdicts == [False, False]


@pytest.mark.parametrize(
    ("written", "by_the_service", "by_the_schema"),
    [
        ("2026-01-31T09:30:00Z", True, True),
        ("2026-01-31t09:30:00.123456789+14:00", True, True),
        ("2026-01-31 09:30:00z", True, True),
        ("2026-02-30T09:30:00Z", False, True),
        ("0001-01-01T00:00:00Z", False, True),
        ("2026-01-31T09:30:00", False, False),
        ("2026-01-31T09:30Z", False, False),
        ("20260131T093000Z", False, False),
        ("2026-01-31", False, False),
        ("1769851800", False, False),
    ],
)
def test_times_are_judged_alike_unless_they_do_not_exist(written, by_the_service, by_the_schema):
    order = {"customer_id": "c", "items": [{"product_id": "p", "quantity": 1, "price": 0}], "total_amount": 0}
    errors, *verdicts = judge(json.dumps(order | {"placed_at": written}))
    assert [error.pointer for error in errors] == ([] if by_the_service else ["/placed_at"])
    assert verdicts == [by_the_schema, by_the_schema]


@pytest.mark.parametrize("field", ["customer_id", "total_amount", "placed_at"])
def test_only_python_accepts_a_newline_at_the_end(field):
    """``$`` of Python's regular expressions matches before a newline, too. JSON Schema's are those of ECMA-262."""
    values: dict[str, Any] = {"customer_id": "c", "total_amount": "0", "placed_at": "2026-01-31T09:30:00Z"}
    order = {"items": [{"product_id": "p", "quantity": 1, "price": 0}], **values, field: f"{values[field]}\n"}
    errors, in_python, in_rust = judge(json.dumps(order))
    assert [error.pointer for error in errors] == [f"/{field}"]
    assert (in_python, in_rust) == (True, False)


@pytest.mark.parametrize("currency", sorted({"XXX", "XAU", "XTS", "usd", "", "DEM", *list(MINOR_UNITS)[:3]}))
def test_currencies_are_judged_alike(currency):
    order = {"customer_id": "c", "items": [{"product_id": "p", "quantity": 1, "price": 0}], "total_amount": 0}
    errors, *verdicts = judge(json.dumps(order | {"currency": currency}))
    assert verdicts == [not errors, not errors]
    assert bool(errors) is (currency not in MINOR_UNITS)


def test_the_description_names_the_rules_that_the_schema_lacks():
    described = COMPONENTS["schemas"]["OrderRequest"]["description"]
    for words in ("sum of quantity × price", "decimals of the currency", "15 digits", "`line_id`", "`placed_at`"):
        assert words in described
