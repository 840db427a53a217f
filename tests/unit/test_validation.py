"""The rules for a valid order."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from iso4217 import Currency

from service.orders import strict_json
from service.orders.currencies import CURRENCIES
from service.orders.validation import MAX_AMOUNT, MAX_ERRORS, customer_of, pointer, validate
from tests.support import valid_order


def order(**changes: Any) -> dict[str, Any]:
    """A valid order as the strict reader returns it."""
    return strict_json.from_python(valid_order()) | changes


def item(**changes: Any) -> dict[str, Any]:
    return {"product_id": "prod_456", "quantity": 2, "price": Decimal("29.99"), **changes}


def errors(submitted: Any) -> dict[str, str]:
    verdict = validate(submitted)
    assert (verdict.document is None) is bool(verdict.errors)
    return {error.pointer: error.detail for error in verdict.errors}


def test_a_valid_order_is_normalized():
    submitted = order(items=[item(price=30)], total_amount=Decimal("60.0"))
    assert validate(submitted).document == {
        "customer_id": "cust_123",
        "items": [{"product_id": "prod_456", "quantity": 2, "price": Decimal("30.00")}],
        "total_amount": Decimal("60.00"),
        "currency": "USD",
        "metadata": {},
    }


def test_equal_orders_have_the_same_canonical_text():
    one = strict_json.parse(
        '{"total_amount":5,"customer_id":"c","items":[{"price":2.5,"quantity":2,"product_id":"p"}]}'
    )
    other = strict_json.parse(
        '{"customer_id": "c", "currency": "USD", "metadata": {}, "total_amount": 5.00,'
        ' "items": [{"product_id": "p", "quantity": 2, "price": 25e-1}]}'
    )
    assert strict_json.canonical_text(validate(one).document) == strict_json.canonical_text(validate(other).document)


def test_zero_has_no_sign():
    verdict = validate(order(items=[item(price=Decimal("-0.0"))], total_amount=Decimal("-0.00")))
    assert strict_json.canonical_text(verdict.document["total_amount"]) == "0.00"


def test_all_errors_are_listed_together():
    submitted = {
        "items": [item(quantity=0), item(product_id="a b", price=Decimal("1.999")), 7],
        "total_amount": "59.98",
        "currency": "usd",
        "metadata": {"note": 1},
        "coupon": "x",
    }
    assert errors(submitted) == {
        "/customer_id": "is required",
        "/items/0/quantity": "must be at least 1",
        "/items/1/product_id": "must be 1 to 64 of the characters A-Z a-z 0-9 _ . : -",
        "/items/1/price": "must have at most two decimals",
        "/items/2": "must be an object",
        "/total_amount": "must be a JSON number",
        "/currency": "must be an ISO 4217 currency code in capitals, such as USD",
        "/metadata/note": "must be a string",
        "/coupon": "is not a field of an order",
    }


@pytest.mark.parametrize("wrong", ["currency", "coupon", "items_note", "total_amount_note"])
def test_a_wrong_total_is_listed_beside_other_errors(wrong: str):
    submitted = order(total_amount=Decimal("59.97")) | {wrong: "usd"}
    assert errors(submitted).keys() == {"/total_amount", f"/{wrong}"}


def test_an_empty_object_lacks_every_required_field():
    assert errors({}) == dict.fromkeys(("/customer_id", "/items", "/total_amount"), "is required")


@pytest.mark.parametrize("submitted", [None, [], "order", 1, Decimal("1.5"), True])
def test_a_document_that_is_not_an_object_is_refused(submitted: Any):
    assert errors(submitted) == {"": "must be a JSON object"}


def test_at_most_a_hundred_errors_are_listed():
    assert len(validate(order(items=[7] * (MAX_ERRORS + 50))).errors) == MAX_ERRORS


@pytest.mark.parametrize("quantity", [True, False, "2", Decimal("2.0"), Decimal("2.5"), 2.0, None, [2], {}])
def test_a_quantity_must_be_an_integer(quantity: Any):
    assert errors(order(items=[item(quantity=quantity)])) == {"/items/0/quantity": "must be a whole number"}


@pytest.mark.parametrize("quantity", [-1, 0, 10_001, 10**39])
def test_a_quantity_is_between_1_and_10000(quantity: int):
    assert errors(order(items=[item(quantity=quantity)])).keys() == {"/items/0/quantity"}


def test_the_largest_quantity_is_accepted():
    assert not errors(order(items=[item(quantity=10_000)], total_amount=Decimal("299900.00")))


@pytest.mark.parametrize("price", [True, "29.99", 29.99, None, [], float("nan")])
def test_an_amount_must_be_an_exact_number(price: Any):
    assert errors(order(items=[item(price=price)])) == {"/items/0/price": "must be a JSON number"}


@pytest.mark.parametrize("price", ["0.001", "29.999", "29.990000000000000000000000001", "1e-300", "1.005"])
def test_an_amount_has_at_most_two_decimals(price: str):
    assert errors(order(items=[item(price=Decimal(price))])) == {"/items/0/price": "must have at most two decimals"}


@pytest.mark.parametrize("price", ["-0.01", "10000000000000.00", "9999999999999.991", "1e300", "-1e300"])
def test_an_amount_is_neither_negative_nor_beyond_fifteen_digits(price: str):
    assert errors(order(items=[item(price=Decimal(price))])).keys() == {"/items/0/price"}


def test_the_largest_amount_is_accepted():
    assert not errors(order(items=[item(quantity=1, price=MAX_AMOUNT)], total_amount=MAX_AMOUNT))


ITEMS = st.lists(st.tuples(st.integers(1, 10_000), st.integers(0, 99_999_999)), min_size=1, max_size=20)


def submission(items: list[tuple[int, int]], total: int) -> dict[str, Any]:
    return {
        "customer_id": "c",
        "items": [{"product_id": "p", "quantity": quantity, "price": cents(price)} for quantity, price in items],
        "total_amount": cents(total),
    }


def cents(number: int) -> Decimal:
    return Decimal(number).scaleb(-2)


@given(ITEMS)
def test_a_total_that_equals_the_sum_is_accepted(items: list[tuple[int, int]]):
    total = sum(quantity * price for quantity, price in items)
    assert validate(submission(items, total)).document["total_amount"] == cents(total)


@given(ITEMS, st.integers(-1_000, 1_000).filter(bool) | st.sampled_from([-1, 1]))
def test_a_total_that_is_wrong_by_a_cent_is_refused(items: list[tuple[int, int]], off: int):
    total = sum(quantity * price for quantity, price in items)
    if total + off < 0:
        off = -off
    assert errors(submission(items, total + off)) == {
        "/total_amount": f"must equal the sum of quantity × price, {cents(total)}"
    }


def test_the_sum_is_exact_where_floats_are_not():
    items = [item(quantity=3, price=Decimal("0.1")), item(quantity=1, price=Decimal("0.2"))]
    assert not errors(order(items=items, total_amount=Decimal("0.5")))
    many = [item(quantity=10_000, price=Decimal("9999999.99"))] * 100
    assert not errors(order(items=many, total_amount=Decimal("9999999990000.00")))


@pytest.mark.parametrize("items", [[], None, {}, "items", [item()] * 501])
def test_an_order_has_1_to_500_items_in_a_list(items: Any):
    assert errors(order(items=items)).keys() == {"/items"}


def test_an_order_of_500_items_is_accepted():
    assert not errors(order(items=[item()] * 500, total_amount=Decimal("29990.00")))


@pytest.mark.parametrize("unknown", ["customer", "Items", "total", ""])
def test_an_unknown_field_is_refused_at_any_depth(unknown: str):
    assert errors(order(**{unknown: 1})) == {f"/{unknown}": "is not a field of an order"}
    assert errors(order(items=[item(**{unknown: 1})])) == {f"/items/0/{unknown}": "is not a field of an order"}


@pytest.mark.parametrize("identifier", ["", "a b", "é", "a/b", "a\n", "\n", "x" * 65, 5, None, ["c"]])
def test_an_invalid_identifier_is_refused(identifier: Any):
    assert errors(order(customer_id=identifier)).keys() == {"/customer_id"}
    assert errors(order(items=[item(product_id=identifier)])).keys() == {"/items/0/product_id"}
    assert customer_of({"customer_id": identifier}) is None


@pytest.mark.parametrize("identifier", ["a", "A-Z_a-z.0:9", "x" * 64])
def test_an_identifier_is_accepted(identifier: str):
    assert not errors(order(customer_id=identifier))
    assert customer_of({"customer_id": identifier}) == identifier


def test_a_document_without_a_customer_has_none():
    assert customer_of({}) is None


@pytest.mark.parametrize(
    ("metadata", "at"),
    [
        ({str(number): "" for number in range(21)}, "/metadata"),
        ([], "/metadata"),
        (None, "/metadata"),
        ({"note": "x" * 257}, "/metadata/note"),
        ({"note": None}, "/metadata/note"),
        ({"x" * 65: "v"}, "/metadata/" + "x" * 65),
        ({"": "v"}, "/metadata/"),
        ({"a b": "v"}, "/metadata/a b"),
        ({"[key]": "v"}, "/metadata/[key]"),
    ],
)
def test_metadata_that_is_not_a_small_map_of_strings_is_refused(metadata: Any, at: str):
    assert errors(order(metadata=metadata)).keys() == {at}


def test_metadata_at_every_limit_is_kept():
    metadata = {f"{number:064}": "é" * 256 for number in range(20)}
    assert validate(order(metadata=metadata)).document["metadata"] == metadata


@pytest.mark.parametrize("name", ["a/b", "~", "~1", "a~/b", "[key]", "0", "{ge}", "{"])
def test_a_pointer_can_be_decoded_to_the_field_name(name: str):
    (at,) = errors(order(**{name: 1}))
    assert at.startswith("/")
    assert at[1:].replace("~1", "/").replace("~0", "~") == name


def test_a_pointer_escapes_tilde_and_slash():
    assert pointer(("items", 0, "a/b", "m~n", "~1")) == "/items/0/a~1b/m~0n/~01"
    assert pointer(()) == ""


def test_the_currencies_are_those_of_iso_4217():
    assert {currency.code for currency in Currency} == CURRENCIES


@pytest.mark.parametrize("currency", ["EUR", "INR", "XXX"])
def test_a_currency_of_iso_4217_is_kept(currency: str):
    assert validate(order(currency=currency)).document["currency"] == currency


@pytest.mark.parametrize("currency", ["usd", "US", "DEM", "USDX", " USD", "", "ABC", 840, None])
def test_an_unknown_currency_is_refused(currency: Any):
    assert errors(order(currency=currency)).keys() == {"/currency"}
