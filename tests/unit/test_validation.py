"""The rules for a valid order."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from iso4217 import Currency

from service.orders import strict_json
from service.orders.currencies import MINOR_UNITS
from service.orders.document import OrderRequest
from service.orders.validation import MAX_ERRORS, customer_of, pointer, reference_of, validate
from tests.unit.documents import errors, item, order


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
        "items": [item(quantity=0), item(product_id=" a", price=Decimal("1e-9")), 7],
        "total_amount": "59,98",
        "currency": "usd",
        "metadata": {"note": 1},
        "coupon": "x",
    }
    assert errors(submitted) == {
        "/customer_id": "is required",
        "/items/0/quantity": "must be at least 1",
        "/items/1/product_id": "must not be empty, and must have no control characters and no white space at its ends",
        "/items/1/price": "must have at most 15 digits, and 8 of them after the point; round it",
        "/items/2": "must be an object",
        "/total_amount": 'must be a number, or a string such as "29.99"',
        "/currency": "must be an ISO 4217 currency code in capitals, such as USD",
        "/metadata/note": "must be a string",
        "/coupon": "is not a field of an order",
    }


@pytest.mark.parametrize("wrong", ["note", "coupon", "items_note", "total_amount_note"])
def test_a_wrong_total_is_listed_beside_other_errors(wrong: str):
    submitted = order(total_amount=Decimal("59.97")) | {wrong: 5}
    assert errors(submitted).keys() == {"/total_amount", f"/{wrong}"}


def test_fields_beside_a_wrong_one_are_checked_against_each_other():
    line = {"product_id": "p", "quantity": 1, "price": Decimal("0.005"), "line_id": "a"}
    submitted = order(
        items=[line | {"quantity": 0}, line, line],
        adjustments=[{"kind": "gift", "amount": 1}, {"kind": "tax", "amount": Decimal("0.005"), "line_id": "x"}],
    )
    assert errors(submitted).keys() == {
        "/items/0/quantity",
        "/items/1/price",
        "/items/2/price",
        "/items/2/line_id",
        "/adjustments/0/kind",
        "/adjustments/1/amount",  # its line_id may be that of the wrong item
    }


def test_the_total_is_checked_beside_a_wrong_currency():
    submitted = order(total_amount=Decimal("59.97")) | {"currency": "usd"}
    assert errors(submitted).keys() == {"/total_amount", "/currency"}


def test_decimals_are_not_judged_beside_a_wrong_currency():
    given = order(currency="DKW", items=[item(price=Decimal("29.995"))], total_amount=Decimal("59.99"))
    assert errors(given).keys() == {"/currency"}
    assert errors(given | {"items": [item(price=Decimal("29.995"), quantity=1)]}).keys() == {
        "/currency",
        "/total_amount",
    }


def test_the_total_is_not_judged_beside_a_wrong_adjustment():
    assert errors(order(adjustments=[{"kind": "toll", "amount": 5}])).keys() == {"/adjustments/0/kind"}


def test_an_empty_object_lacks_every_required_field():
    assert errors({}) == dict.fromkeys(("/customer_id", "/items", "/total_amount"), "is required")


@pytest.mark.parametrize("submitted", [None, [], 1, Decimal("1.5"), True])
def test_a_document_that_is_not_an_object_is_refused(submitted: Any):
    assert errors(submitted) == {"": "must be a JSON object"}


@pytest.mark.parametrize(("more", "said"), [(0, None), (1, "has 1 more error"), (50, "has 50 more errors")])
def test_a_list_of_errors_that_is_cut_says_how_many_more_there_are(more: int, said: str | None):
    found = validate(order(items=[7] * (MAX_ERRORS + more))).errors
    assert [error.detail for error in found[:MAX_ERRORS]] == ["must be an object"] * MAX_ERRORS
    assert [(error.pointer, error.detail) for error in found[MAX_ERRORS:]] == ([("", said)] if said else [])


@given(
    items=st.lists(st.sampled_from([{}, {"quantity": 0}, {"price": "x", "sku": ""}]), min_size=1, max_size=150),
    unknown=st.sets(st.text(max_size=100), max_size=20),
    wrong=st.sets(st.sampled_from(("reference", "service_level", "placed_at", "note", "ship_to"))),
)
def test_every_wrong_field_is_listed_or_counted(items, unknown, wrong):
    unknown -= {*OrderRequest.model_fields}
    given = order(items=[item(**each) for each in items], total_amount=len(items) * Decimal("59.98"))
    found = validate(given | dict.fromkeys(unknown | wrong, 0)).errors
    listed = [error for error in found if error.pointer]
    counted = [int(error.detail.split()[1]) for error in found if not error.pointer]
    assert len(listed) + sum(counted) == sum(map(len, items)) + len(unknown) + len(wrong)
    assert len({error.pointer for error in listed}) == len(listed) <= MAX_ERRORS
    assert not counted or len(listed) == MAX_ERRORS


@pytest.mark.parametrize("quantity", [True, False, "2", Decimal("2.5"), 2.0, None, [2], {}])
def test_a_quantity_must_be_an_integer(quantity: Any):
    assert errors(order(items=[item(quantity=quantity)])) == {"/items/0/quantity": "must be a whole number"}


@pytest.mark.parametrize("quantity", ["2.0", "2e0", "0.2e1", "2"])
def test_a_whole_quantity_may_be_written_with_a_fraction_or_an_exponent(quantity: str):
    document = validate(order(items=[item(quantity=Decimal(quantity))])).document
    assert strict_json.canonical_text(document) == strict_json.canonical_text(validate(order()).document)


@pytest.mark.parametrize("quantity", [-1, 0, 10_001, 10**39, Decimal("1e300")])
def test_a_quantity_is_between_1_and_10000(quantity: int):
    assert errors(order(items=[item(quantity=quantity)])).keys() == {"/items/0/quantity"}


def test_the_largest_quantity_is_accepted():
    assert not errors(order(items=[item(quantity=10_000)], total_amount=Decimal("299900.00")))


@pytest.mark.parametrize("items", [[], None, {}, "items", [item()] * 501])
def test_an_order_has_1_to_500_items_in_a_list(items: Any):
    assert errors(order(items=items)).keys() == {"/items"}


def test_an_order_of_500_items_is_accepted():
    assert not errors(order(items=[item()] * 500, total_amount=Decimal("29990.00")))


@pytest.mark.parametrize("unknown", ["customer", "Items", "total", ""])
def test_an_unknown_field_is_refused_at_any_depth(unknown: str):
    assert errors(order(**{unknown: 1})) == {f"/{unknown}": "is not a field of an order"}
    assert errors(order(items=[item(**{unknown: 1})])) == {f"/items/0/{unknown}": "is not a field of an order"}


@pytest.mark.parametrize(
    "identifier", ["", " ", " a", "a ", "a\n", "\n", "a\tb", "a\x85b", "a\u2028b", "\xa0a", "x" * 129, 5, None, ["c"]]
)
def test_an_invalid_identifier_is_refused(identifier: Any):
    assert errors(order(customer_id=identifier)).keys() == {"/customer_id"}
    assert errors(order(items=[item(product_id=identifier)])).keys() == {"/items/0/product_id"}
    assert customer_of({"customer_id": identifier}) is None
    assert reference_of({"reference": identifier}) is None


@pytest.mark.parametrize(
    "identifier", ["a", "A-Z_a-z.0:9", "gid://shopify/Order/1", "anna+shop@example.com", "SKU 12/B#4", "é", "x" * 128]
)
def test_an_identifier_is_accepted(identifier: str):
    assert not errors(order(customer_id=identifier, reference=identifier, items=[item(product_id=identifier)]))
    assert customer_of({"customer_id": identifier}) == reference_of({"reference": identifier}) == identifier


def test_a_document_without_a_customer_has_none():
    assert customer_of({}) is None


@pytest.mark.parametrize(
    ("metadata", "at"),
    [
        ({str(number): "" for number in range(51)}, "/metadata"),
        ([], "/metadata"),
        ({"note": "x" * 501}, "/metadata/note"),
        ({"note": None}, "/metadata/note"),
        ({"x" * 129: "v"}, "/metadata/" + "x" * 129),
        ({"": "v"}, "/metadata/"),
        ({" a": "v"}, "/metadata/ a"),
    ],
)
def test_metadata_that_is_not_a_small_map_of_strings_is_refused(metadata: Any, at: str):
    assert errors(order(metadata=metadata)).keys() == {at}


def test_metadata_at_every_limit_is_kept():
    metadata = {f"a key with spaces {number:110}": "é" * 500 for number in range(50)}
    assert validate(order(metadata=metadata)).document["metadata"] == metadata


@pytest.mark.parametrize("name", ["a/b", "~", "~1", "a~/b", "[key]", "0", "{ge}", "{"])
def test_a_pointer_can_be_decoded_to_the_field_name(name: str):
    (at,) = errors(order(**{name: 1}))
    assert at.startswith("/")
    assert at[1:].replace("~1", "/").replace("~0", "~") == name


def test_a_pointer_of_a_long_name_is_cut():
    (at,) = errors(order(**{"x" * 10_000: 1}))
    assert at == f"/{'x' * 298}…"


def test_a_pointer_escapes_tilde_and_slash():
    assert pointer(("items", 0, "a/b", "m~n", "~1")) == "/items/0/a~1b/m~0n/~01"
    assert pointer(()) == ""


def test_the_currencies_are_those_of_iso_4217():
    assert {each.code: each.exponent for each in Currency if each.exponent is not None} == MINOR_UNITS


@pytest.mark.parametrize("currency", ["EUR", "INR", "XCD"])
def test_a_currency_of_iso_4217_is_kept(currency: str):
    assert validate(order(currency=currency)).document["currency"] == currency


@pytest.mark.parametrize("currency", ["usd", "US", "DEM", "USDX", " USD", "", "ABC", 840, "XXX", "XTS", "XAU"])
def test_an_unknown_currency_is_refused(currency: Any):
    assert errors(order(currency=currency)).keys() == {"/currency"}


ADDRESS = {"name": "Anna Schmidt", "line1": "Hauptstraße 1", "city": "Berlin", "country": "DE"}


def test_every_optional_field_is_kept_and_none_is_stored_that_is_not_given():
    given = {
        "reference": "#1001",
        "adjustments": [
            {"kind": "tax", "amount": Decimal("4.79"), "label": "VAT 19 %", "line_id": "a"},
            {"kind": "shipping", "amount": "4.99"},
            {"kind": "discount", "amount": -5},
        ],
        "ship_to": ADDRESS | {"region": "BE", "postal_code": "10115", "phone": "+49 30 1", "email": "a@example.com"},
        "service_level": "express",
        "note": "Ring twice.\nThank you!",
        "placed_at": "2026-01-31T10:30:00.1234567+01:00",
    }
    line = item(line_id="a", name="Blue shirt", sku="SKU 12/B#4", metadata={"gift wrap": "yes"})
    submitted = order(items=[line], total_amount=Decimal("64.76"), **given)
    document = validate(submitted).document
    assert document == submitted | {
        "currency": "USD",
        "metadata": {},
        "adjustments": [
            {"kind": "tax", "amount": Decimal("4.79"), "label": "VAT 19 %", "line_id": "a"},
            {"kind": "shipping", "amount": Decimal("4.99")},
            {"kind": "discount", "amount": Decimal("-5.00")},
        ],
        "placed_at": "2026-01-31T09:30:00.123Z",
    }


def test_an_optional_field_that_is_null_is_not_given():
    nulls = dict.fromkeys(("currency", "metadata", "reference", "adjustments", "ship_to", "note", "placed_at"))
    line = item(line_id=None, name=None, sku=None, metadata=None)
    submitted = order(items=[line], **nulls)
    assert validate(submitted).document == validate(order()).document
    assert validate(order(ship_to=ADDRESS | {"company": None})).document["ship_to"] == ADDRESS


@pytest.mark.parametrize("field", ["customer_id", "items", "total_amount"])
def test_a_required_field_is_not_null(field: str):
    assert errors(order(**{field: None})).keys() == {f"/{field}"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"reference": ""},
        {"note": "a\x00"},
        {"note": "a\x85"},
        {"note": "x" * 2001},
        {"service_level": 1},
        {"adjustments": [{"kind": "tax", "amount": 0}] * 501},
    ],
)
def test_an_optional_field_that_is_wrong_is_refused(wrong: dict[str, Any]):
    assert errors(order(**wrong)).keys() == {f"/{field}" for field in wrong}


@pytest.mark.parametrize(
    "placed_at",
    [
        "2026-01-31",
        "2026-01-31T09:30:00",
        "20260131T093000Z",
        "2026-02-30T09:30:00Z",
        "0001-01-01T00:00:00+14:00",
        "0001-06-01T00:00:00Z",
        "9999-06-01T00:00:00Z",
        5,
        "now",
    ],
)
def test_a_time_without_a_zone_or_in_another_form_is_refused(placed_at: Any):
    assert errors(order(placed_at=placed_at)).keys() == {"/placed_at"}


LENGTHS = {
    **dict.fromkeys(("name", "company", "line1", "line2", "city", "email"), 256),
    **dict.fromkeys(("region", "postal_code", "phone"), 128),
}


@pytest.mark.parametrize("field", LENGTHS)
def test_a_field_of_an_address_has_a_longest_text(field: str):
    longest = "é" * LENGTHS[field]
    assert validate(order(ship_to=ADDRESS | {field: longest})).document["ship_to"][field] == longest
    assert errors(order(ship_to=ADDRESS | {field: f"{longest}é"})).keys() == {f"/ship_to/{field}"}


@pytest.mark.parametrize(("field", "length"), [("line_id", 128), ("name", 256), ("sku", 128)])
def test_a_text_of_a_line_has_a_longest_form(field: str, length: int):
    assert validate(order(items=[item(**{field: "x" * length})])).document["items"][0][field] == "x" * length
    assert errors(order(items=[item(**{field: "x" * (length + 1)})])).keys() == {f"/items/0/{field}"}


@pytest.mark.parametrize("missing", ["name", "line1", "city", "country"])
def test_an_address_has_a_name_a_line_a_city_and_a_country(missing: str):
    address = {name: value for name, value in ADDRESS.items() if name != missing}
    assert errors(order(ship_to=address)) == {f"/ship_to/{missing}": "is required"}


@pytest.mark.parametrize(
    ("field", "wrong"), [("country", "Germany"), ("country", "de"), ("country", "XX"), ("line2", "a\nb"), ("town", "x")]
)
def test_an_address_that_is_wrong_is_refused(field: str, wrong: str):
    assert errors(order(ship_to=ADDRESS | {field: wrong})).keys() == {f"/ship_to/{field}"}
