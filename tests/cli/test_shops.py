"""Orders of shops become valid order documents, whole."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from service.cli.shops import shopify, woocommerce
from service.cli.shops.parts import NotAnOrder
from service.orders import strict_json
from service.orders.validation import validate

DOCUMENTS = Path(__file__).parents[1] / "documents"
SHOPS = {"shopify_order": shopify, "woocommerce_order": woocommerce}


def read(name: str):
    return strict_json.parse((DOCUMENTS / f"{name}.json").read_bytes())


@pytest.mark.parametrize("name", SHOPS)
def test_an_order_of_a_shop_is_valid(name):
    assert validate(SHOPS[name].convert(read(name))).errors == ()


def test_an_order_of_shopify_keeps_its_number_address_lines_and_adjustments():
    order = validate(shopify.convert(read("shopify_order"))).document
    assert (order["reference"], order["customer_id"], order["placed_at"]) == (
        "#1001",
        "7712345678902",
        "2026-03-02T09:15:19.000Z",
    )
    assert [(item["product_id"], item["quantity"], item["price"]) for item in order["items"]] == [
        ("SHIRT-BLUE/M", 2, Decimal("29.95")),
        ("4612345678909", 1, Decimal("20.00")),
    ]
    assert [(each["kind"], each["amount"]) for each in order["adjustments"]] == [
        ("shipping", Decimal("4.99")),
        ("discount", Decimal("-8.00")),
        ("tax", Decimal("14.61")),
    ]
    assert order["ship_to"] == {
        "name": "Mara Lindqvist",
        "line1": "Lange Straße 12",
        "city": "Hamburg",
        "region": "HH",
        "postal_code": "20095",
        "country": "DE",
        "phone": "+49 40 5550123",
        "email": "mara.lindqvist@example.com",
    }
    assert (order["metadata"], order["service_level"]) == ({"gift wrap": "yes"}, "standard")


def test_a_line_of_woocommerce_whose_total_cannot_be_divided_has_a_rounding_adjustment():
    order = validate(woocommerce.convert(read("woocommerce_order"))).document
    assert [(item["product_id"], item["price"]) for item in order["items"]] == [
        ("MUG L", Decimal("3.33")),
        ("23", Decimal("15.00")),
    ]
    assert order["adjustments"][-1] == {
        "kind": "other",
        "amount": Decimal("0.01"),
        "label": "Rounding",
        "line_id": "315",
    }
    assert order["total_amount"] == Decimal("51.70")


@pytest.mark.parametrize("name", SHOPS)
@pytest.mark.parametrize("missing", ["line_items", "currency"])
def test_a_document_that_is_no_order_of_the_shop_says_what_is_missing(name, missing):
    order = {key: value for key, value in read(name).items() if key != missing}
    with pytest.raises(NotAnOrder, match=f"{missing} is missing"):
        SHOPS[name].convert(order)


@pytest.mark.parametrize("name", SHOPS)
def test_fields_that_a_shop_leaves_out_or_null_are_not_given(name):
    kept = {"id", "name", "number", "currency", "line_items", "total", "total_price", "email", "customer_id"}
    order = {key: value if key in kept else None for key, value in read(name).items()}
    converted = json.loads(json.dumps(SHOPS[name].convert(order), default=str))
    assert converted.keys() <= {"customer_id", "reference", "currency", "items", "total_amount", "adjustments"}
