"""The import of shops' orders: each file of tests/documents whole, missing members, and rules of each shop."""

import json
from decimal import Decimal

import pytest

from service.cli.errors import CliError, ExitCode
from service.cli.order_entry import Entry
from service.cli.orders_file import Reading, read_orders
from service.cli.shops.orders import convert_documents
from service.cli.shops.shop import Shop
from service.orders import strict_json
from service.orders.validation import validate
from tests.cli.shop_files import SHOP_OF, convert, document, read_file
from tests.documents import DIRECTORY, FILES, ORDERS

LINES = {"shopify": "line_items", "woocommerce": "line_items", "medusa": "items", "saleor": "lines"}


def test_each_file_of_a_shop_is_imported_whole():
    for file in FILES:
        references = [entry.document["reference"] for entry in read_file(file)]
        assert references == [order.reference for order in ORDERS if order.file == file], file


@pytest.mark.parametrize("expected", ORDERS, ids=lambda order: f"{order.file}-{order.reference}")
def test_an_order_of_a_shop_keeps_its_number_address_lines_adjustments_and_total(expected):
    [entry] = [each for each in read_file(expected.file) if each.reference == expected.reference]
    verdict = validate(entry.document)
    assert verdict.errors == ()
    order = verdict.document
    assert (order["customer_id"], order["currency"], order["ship_to"]) == (
        expected.customer_id,
        expected.currency,
        expected.ship_to,
    )
    assert order["total_amount"] == Decimal(expected.total)
    assert [(item["product_id"], item["quantity"], str(item["price"])) for item in order["items"]] == [*expected.lines]
    found = [(each["kind"], str(each["amount"])) for each in order["adjustments"]]
    assert found == [*expected.adjustments]


def test_notes_times_and_attributes_of_a_shop_are_kept():
    [order, *_] = [entry.document for entry in read_file("shopify_orders.csv")]
    assert order["note"] == "Please ring twice.\nThank you, Jonas"
    assert order["metadata"] == {"gift wrap": "yes", "card text": "Happy birthday"}
    assert validate(order).document["placed_at"] == "2026-03-03T17:02:09.000Z"
    [order] = [entry.document for entry in read_file("medusa_order.json")]
    assert order["metadata"] == {"source": "newsletter", "visits": "3"}
    [order] = [entry.document for entry in read_file("saleor_order.json")]
    assert order["metadata"] == {"gift": "no"}, "private metadata is not imported"


CLOSED = [
    ("shopify_order.json", {"cancelled_at": "2026-03-02T10:15:20+01:00"}),
    ("shopify_order.json", {"fulfillment_status": "partial"}),
    ("woocommerce_order.json", {"status": "completed"}),
    ("medusa_order.json", {"fulfillment_status": "partially_shipped"}),
    ("saleor_order.json", {"status": "unconfirmed"}),
]


@pytest.mark.parametrize(("file", "change"), CLOSED)
def test_an_order_that_the_shop_has_closed_is_skipped(file, change):
    entry = convert(file, {**document(file), **change})
    assert (entry.document, entry.error) == (None, None)
    assert entry.skipped.startswith("its status in the shop is ")


@pytest.mark.parametrize("file", [file for file in FILES if file.endswith("json")])
def test_names_with_line_breaks_and_of_any_length_are_accepted(file):
    order, long = document(file), "Shirt\n\tblue\ufeff " + "x" * 400
    for line in order[LINES[SHOP_OF[file]]]:
        line |= {name: long for name in ("name", "product_name", "product_title") if name in line}
    converted = validate(convert(file, order).document)
    assert converted.errors == ()
    name = converted.document["items"][0]["name"]
    assert (name[:13], len(name)) == ("Shirt blue xx", 256)


UNSHIPPED = [
    ("shopify_order.json", "line_items", {"requires_shipping": False}, ("fee", "59.90", "Linen shirt - Blue / M")),
    ("medusa_order.json", "items", {"requires_shipping": False}, ("fee", "48.00", "Organic T-shirt - Black / M")),
]


@pytest.mark.parametrize(("file", "lines", "change", "fee"), UNSHIPPED)
def test_a_line_that_needs_no_shipping_is_an_amount_and_no_item(file, lines, change, fee):
    order = document(file)
    order[lines][0] |= change
    converted = validate(convert(file, order).document)
    assert converted.errors == ()
    assert len(converted.document["items"]) == 1
    found = [(each["kind"], str(each["amount"]), each.get("label")) for each in converted.document["adjustments"]]
    assert fee in found
    order[lines][1] |= change
    assert convert(file, order).skipped == "no line of the order is shipped"


def test_a_line_that_was_removed_in_shopify_is_not_shipped():
    order = document("shopify_order.json")
    order["line_items"][0]["current_quantity"] = 1
    order["line_items"][1]["current_quantity"] = 0
    converted = validate(convert("shopify_order.json", order).document)
    assert converted.errors == ()
    assert [(item["product_id"], item["quantity"]) for item in converted.document["items"]] == [("SHIRT-BLUE/M", 1)]


@pytest.mark.parametrize(
    ("file", "total"), [("shopify_order.json", "total_price"), ("woocommerce_order.json", "total")]
)
def test_the_total_of_a_shop_is_kept_if_its_parts_come_to_another(file, total):
    order = document(file)
    before, order[total] = Decimal(order[total]), str(Decimal(order[total]) + Decimal("0.02"))
    converted = validate(convert(file, order).document)
    assert converted.errors == ()
    assert converted.document["total_amount"] == before + Decimal("0.02")
    assert converted.document["adjustments"][-1]["amount"] == Decimal("0.02")


@pytest.mark.parametrize("file", [file for file in FILES if file.endswith("json")])
def test_an_order_without_lines_is_an_error_of_this_order(file):
    order = document(file)
    content = [order, {**order, LINES[SHOP_OF[file]]: []}]
    first, second = read_file(file, json.dumps(content).encode())
    assert (first.error, second.error) == (None, f"{LINES[SHOP_OF[file]]} is missing")


@pytest.mark.parametrize("file", [file for file in FILES if file.endswith("json")])
def test_members_that_a_shop_leaves_null_are_not_given(file):
    order = document(file)
    kept = {
        "id",
        "name",
        "number",
        "currency",
        "currency_code",
        "channel",
        "display_id",
        "total",
        "total_price",
        "billing",
    }
    kept |= {
        "line_items",
        "items",
        "lines",
        "email",
        "user_email",
        "customer_id",
        "total_net_amount",
        "total_gross_amount",
    }
    entry = convert(file, {key: value if key in kept else None for key, value in order.items()})
    assert entry.error is None
    optional = {"adjustments", "ship_to"} if file.startswith("woo") else {"adjustments"}  # the address of the invoice
    assert entry.document.keys() <= {"customer_id", "reference", "currency", "items", "total_amount"} | optional


def test_an_array_and_the_answers_of_a_shops_api_are_read():
    order = document("medusa_order.json")
    for content in ([order], {"orders": [order], "count": 1, "offset": 0}, {"order": order}):
        [entry] = read_file("medusa_order.json", json.dumps(content).encode())
        assert entry.document["reference"] == "214"


def test_webhooks_of_saleor_are_read_from_json_lines_and_answers_from_standard_input():
    line = json.dumps([document("saleor_order.json")])
    entries = read_orders(f"{line}\n{line}\n".encode(), "webhooks.jsonl", Reading(shop=Shop.SALEOR))
    assert [entry.document["reference"] for entry in entries] == ["3107", "3107"]
    answer = json.dumps({"orders": [document("shopify_order.json")]})
    [entry] = read_orders(answer.encode(), "-", Reading(shop=Shop.SHOPIFY))
    assert entry.document["reference"] == "#1001"


def test_amounts_that_medusa_does_not_round_come_to_the_total():
    order = document("medusa_order.json")
    order["items"][1] |= {"is_tax_inclusive": False, "tax_total": 1.998, "total": 11.988, "original_total": 11.988}
    order["items"][1] |= {"original_tax_total": 1.998, "subtotal": 9.99}
    order["total"] = 61.188
    converted = validate(convert("medusa_order.json", order).document)
    assert converted.errors == ()
    assert converted.document["total_amount"] == Decimal("61.19")
    assert [(each["kind"], str(each["amount"])) for each in converted.document["adjustments"]] == [
        ("shipping", "5.00"),
        ("discount", "-4.80"),
        ("tax", "3.00"),
    ]


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("shop", [None, *Shop])
def test_a_file_of_another_shop_is_refused_with_the_shop_to_give(file, shop):
    if shop and shop == SHOP_OF[file]:
        return
    with pytest.raises(CliError) as stopped:
        read_orders((DIRECTORY / file).read_bytes(), file, Reading(shop=shop))
    said = str(stopped.value)
    assert stopped.value.code is ExitCode.USAGE
    if file.endswith("csv") and shop in (Shop.MEDUSA, Shop.SALEOR):
        assert said == f"{file}: CSV of {shop} cannot be read; give its orders as JSON."
    else:
        assert f"give --from {SHOP_OF[file]}." in said
    assert "\n" not in said


def test_order_documents_are_no_orders_of_a_shop():
    with pytest.raises(CliError, match="this is no file of shopify: the order on line 1 has no line_items"):
        read_orders(b'{"customer_id": "c", "items": [], "total_amount": 0}', "o.json", Reading(shop=Shop.SHOPIFY))
    with pytest.raises(CliError, match="columns missing Name, Subtotal"):
        read_orders(b"order,customer_id,product_id\n1,2,3\n", "o.csv", Reading(shop=Shop.SHOPIFY))


def paths(value, path=()):
    """The path of each value in a document."""
    yield path
    if isinstance(value, dict | list):
        for key, member in value.items() if isinstance(value, dict) else enumerate(value):
            yield from paths(member, (*path, key))


def replace(value, path, junk):
    if not path:
        return junk
    copy = value.copy()
    copy[path[0]] = replace(value[path[0]], path[1:], junk)
    return copy


JUNK = (None, "", "x", "NaN", "1e999999", 0, -1, 10**30, 1.5, True, [], {}, [None], [[]], [{}], {"a": []})


@pytest.mark.parametrize("file", [file for file in FILES if file.endswith("json")])
def test_junk_anywhere_in_an_order_of_a_shop_is_read_or_refused_with_a_message(file):
    shop, order = Shop(SHOP_OF[file]), document(file)
    for path in paths(order):
        for junk in JUNK:
            _, entry = convert_documents([Entry(1, order), Entry(2, replace(order, path, junk))], shop, file)
            if entry.error or entry.skipped:
                assert (entry.error or entry.skipped).isprintable()
            else:
                assert entry.document.keys() >= {"customer_id", "items", "total_amount"}, (path, junk)
                validate(strict_json.parse(strict_json.canonical_text(entry.document)))
