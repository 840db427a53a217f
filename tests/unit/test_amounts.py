"""Amounts of an order: the precision of each currency, and totals that are exact."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from iso4217 import Currency

from service.orders import strict_json
from service.orders.money import MAX_AMOUNT
from service.orders.validation import validate
from tests.unit.documents import errors, item, order

DECIMALS = {each.code: each.exponent for each in Currency if each.exponent is not None}
"""The decimals of each currency's minor unit, by a library of ISO 4217."""

CURRENCIES = st.sampled_from(sorted(DECIMALS))
LINES = st.lists(st.tuples(st.integers(1, 10_000), st.integers(0, 9_999_999)), min_size=1, max_size=20)
"""The quantity of each line, and its price in minor units."""
ADJUSTMENTS = st.lists(st.integers(-9_999_999, 9_999_999), max_size=20)
NOTATIONS = st.sampled_from((Decimal, str, lambda amount: Decimal(f"{amount:e}")))


def amount_of(units: int, currency: str) -> Decimal:
    """An amount of a currency, given in minor units."""
    return Decimal(units).scaleb(-DECIMALS[currency])


@st.composite
def priced_orders(draw: st.DrawFn) -> tuple[dict[str, Any], Decimal]:
    """An order of any currency with lines and adjustments, without its total; and the total."""
    currency, lines, adjustments = draw(CURRENCIES), draw(LINES), draw(ADJUSTMENTS)
    total = sum(quantity * price for quantity, price in lines) + sum(adjustments)
    if total < 0:
        adjustments, total = [*adjustments, -total], 0

    def write(units: int) -> Any:
        return draw(NOTATIONS)(amount_of(units, currency))

    priced = order(currency=currency, items=[item(quantity=quantity, price=write(price)) for quantity, price in lines])
    if adjustments:
        kinds = st.sampled_from(("tax", "shipping", "discount", "fee", "other"))
        priced["adjustments"] = [{"kind": draw(kinds), "amount": write(units)} for units in adjustments]
    return priced, amount_of(total, currency)


@pytest.mark.parametrize("price", [True, 29.99, None, [], float("nan")])
def test_an_amount_must_be_an_exact_number(price: Any):
    assert errors(order(items=[item(price=price)])) == {
        "/items/0/price": 'must be a number, or a string such as "29.99"'
    }


@pytest.mark.parametrize(
    "price", [Decimal(f"1.{'0' * 36}1"), Decimal(f"999999999.{'0' * 19}1"), f"999999999.{'0' * 19}1"]
)
def test_an_amount_is_never_rounded(price: Any):
    assert errors(order(items=[item(price=price)])).keys() == {"/items/0/price"}


@pytest.mark.parametrize(
    "price", ["", "29,99", "1e1", "+1", " 1", "1 ", ".5", "5.", "05", "0x1", "NaN", "1_0", "1" * 16]
)
def test_a_string_that_is_no_plain_number_is_no_amount(price: str):
    assert errors(order(items=[item(price=price)])).keys() == {"/items/0/price"}


@pytest.mark.parametrize("price", [30, Decimal("3e1"), Decimal("30.000"), "30", "30.0", "30.00", "30.000000000000"])
def test_an_amount_has_one_form_however_it_is_written(price: Any):
    document = validate(order(items=[item(price=price)], total_amount=60)).document
    assert strict_json.canonical_text(document["items"][0]["price"]) == "30.00"


@pytest.mark.parametrize(
    ("currency", "quantity", "price", "total", "wrong"),
    [
        ("USD", 1, "29.99", "29.99", None),
        ("USD", 1000, "0.0005", "0.50", None),
        ("USD", 3, "0.005", "0.015", "quantity × price must have at most 2 decimals in this currency"),
        ("JPY", 1, "100", "100", None),
        ("JPY", 2, "0.5", "1", None),
        ("JPY", 1, "0.5", "0.5", "quantity × price must be a whole number in this currency"),
        ("KWD", 1, "1.125", "1.125", None),
        ("KWD", 1, "1.1255", "1.1255", "quantity × price must have at most 3 decimals in this currency"),
        ("UYW", 1, "1.1234", "1.1234", None),
    ],
)
def test_a_line_comes_to_whole_minor_units_of_the_currency(currency, quantity, price, total, wrong):
    found = errors(order(items=[item(quantity=quantity, price=price)], total_amount=total, currency=currency))
    assert found == ({"/items/0/price": wrong} if wrong else {})


@pytest.mark.parametrize(
    "price", ["-0.01", "10000000000000.00", "9999999999999.991", "1e300", "-1e300", "1e-300", "1234567.123456789"]
)
def test_an_amount_is_neither_negative_nor_beyond_fifteen_digits(price: str):
    assert errors(order(items=[item(price=Decimal(price))])).keys() == {"/items/0/price"}


@pytest.mark.parametrize("price", ["123456789.1234567", "0.123456789"])
def test_an_amount_has_at_most_15_digits_and_8_decimals(price: str):
    detail = "must have at most 15 digits, and 8 of them after the point; round it"
    assert errors(order(items=[item(price=Decimal(price))])) == {"/items/0/price": detail}


def test_the_largest_amount_is_accepted():
    assert not errors(order(items=[item(quantity=1, price=MAX_AMOUNT)], total_amount=MAX_AMOUNT))


@pytest.mark.parametrize("currency", sorted(DECIMALS))
def test_a_minor_unit_of_each_currency_is_accepted_and_a_finer_amount_is_not(currency: str):
    unit = amount_of(1, currency)
    finer = unit / 10

    def found(price: Decimal, quantity: int, total: Decimal, *adjustments: Decimal) -> set[str]:
        adjusted = [{"kind": "other", "amount": amount} for amount in adjustments]
        lines = [item(price=price, quantity=quantity)]
        return {*errors(order(items=lines, total_amount=total, adjustments=adjusted, currency=currency))}

    assert found(unit, 1, unit, unit, -unit) == set()
    assert found(finer, 1, finer) == {"/items/0/price"}
    assert found(finer, 9, 9 * finer) == {"/items/0/price"}
    assert found(finer, 10, unit) == set()
    assert found(unit, 1, unit, finer, -finer) == {"/adjustments/0/amount", "/adjustments/1/amount"}


@given(CURRENCIES, st.integers(1, 10_000), st.integers(0, 999_999), st.integers(1, 4))
def test_a_finer_price_is_accepted_if_its_line_comes_to_whole_minor_units(currency, quantity, parts, finer):
    price = Decimal(parts).scaleb(-DECIMALS[currency] - finer)
    lines = [item(quantity=quantity, price=price)]
    found = errors(order(items=lines, total_amount=quantity * price, currency=currency))
    assert found.keys() == ({"/items/0/price"} if quantity * parts % 10**finer else set())


@given(priced_orders(), NOTATIONS)
def test_a_total_is_the_sum_of_any_lines_and_adjustments(priced, notation):
    submitted, total = priced
    document = validate(submitted | {"total_amount": notation(total)}).document
    assert document["total_amount"] == total


@given(priced_orders(), st.integers(-1_000, 1_000).filter(bool) | st.sampled_from([-1, 1]))
def test_any_other_total_is_refused_and_the_error_names_the_right_one(priced, off):
    submitted, total = priced
    wrong = amount_of(off, submitted["currency"])
    if total + wrong < 0:
        wrong = -wrong
    found = errors(submitted | {"total_amount": total + wrong})
    parts = "the sum of quantity × price" + (" and the adjustments" if "adjustments" in submitted else "")
    assert found.keys() == {"/total_amount"}
    said, named = found["/total_amount"].rsplit(" ", 1)
    assert said == f"must equal {parts}, which is"
    assert errors(submitted | {"total_amount": named}) == {}


def test_the_sum_is_exact_where_floats_are_not():
    items = [item(quantity=3, price=Decimal("0.1")), item(quantity=1, price=Decimal("0.2"))]
    assert not errors(order(items=items, total_amount=Decimal("0.5")))
    many = [item(quantity=10_000, price=Decimal("9999999.99"))] * 100
    assert not errors(order(items=many, total_amount=Decimal("9999999990000.00")))


@pytest.mark.parametrize(
    ("adjustment", "at"),
    [
        ({"kind": "VAT", "amount": 0}, "/adjustments/0/kind"),
        ({"kind": "tax"}, "/adjustments/0/amount"),
        ({"kind": "tax", "amount": "0.001"}, "/adjustments/0/amount"),
        ({"kind": "tax", "amount": 0, "line_id": "2"}, "/adjustments/0/line_id"),
    ],
)
def test_an_adjustment_that_is_wrong_is_refused(adjustment: dict[str, Any], at: str):
    assert at in errors(order(adjustments=[adjustment]))


def test_an_adjustment_may_name_a_line_by_its_position():
    assert not errors(order(adjustments=[{"kind": "tax", "amount": 0, "line_id": "1"}]))


@pytest.mark.parametrize("line_ids", [("a", "a"), ("2", None)])
def test_two_lines_have_different_ids(line_ids: tuple[str | None, ...]):
    lines = [item(quantity=1, line_id=line_id) for line_id in line_ids]
    assert errors(order(items=lines)).keys() == {"/items/1/line_id"}
