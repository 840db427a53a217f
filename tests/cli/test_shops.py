"""The import of shops' orders: each file of tests/documents whole, missing members, and rules of each shop."""

import csv
import io
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
from tests.documents import DIRECTORY, FILES, ORDERS

SHOP_OF = {order.file: order.shop for order in ORDERS}
LINES = {"shopify": "line_items", "woocommerce": "line_items", "medusa": "items", "saleor": "lines"}


def read_file(file, content=None, **reading):
    given = DIRECTORY.joinpath(file).read_bytes() if content is None else content
    return read_orders(given, file, Reading(shop=Shop(SHOP_OF[file]), **reading))


def document(file):
    """The first order of a JSON file, as the shop writes it."""
    content = json.loads((DIRECTORY / file).read_bytes())
    found = content[0] if isinstance(content, list) else content
    return found.get("order", found)


def convert(file, order):
    [entry] = read_file(file, json.dumps(order).encode())
    return entry


def rows(file):
    return list(csv.DictReader(io.StringIO((DIRECTORY / file).read_text(encoding="utf-8"))))


def read_rows(file, changed, **reading):
    out = io.StringIO()
    writer = csv.DictWriter(out, changed[0])
    writer.writeheader()
    writer.writerows(changed)
    return read_file(file, out.getvalue().encode(), **reading)


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


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("shopify_orders.csv", {"Cancelled at": "2026-03-04 10:00:00 +0100"}),
        ("shopify_orders.csv", {"Fulfillment Status": "fulfilled"}),
        ("woocommerce_orders.csv", {"Order Status": "Cancelled"}),
    ],
)
def test_an_order_of_an_export_that_the_shop_has_closed_is_skipped(file, change):
    first, *others = rows(file)
    entries = read_rows(file, [{**first, **change}, *others])
    assert [bool(entry.skipped) for entry in entries] == [True, *[False] * (len(entries) - 1)]
    assert entries[0].reference == next(order.reference for order in ORDERS if order.file == file)


@pytest.mark.parametrize("file", [file for file in FILES if file.endswith("json")])
def test_names_with_line_breaks_and_of_any_length_are_accepted(file):
    order, long = document(file), "Shirt\n\tblue\ufeff " + "x" * 400
    for line in order[LINES[SHOP_OF[file]]]:
        line |= {name: long for name in ("name", "product_name", "product_title") if name in line}
    converted = validate(convert(file, order).document)
    assert converted.errors == ()
    name = converted.document["items"][0]["name"]
    assert (name[:13], len(name)) == ("Shirt blue xx", 256)


def test_headings_of_an_export_in_another_language_are_mapped():
    names = {"Order Number": "Bestellnummer", "Item Name": "Artikel", "Currency": "Währung"}
    given = [{names.get(name, name): cell for name, cell in row.items()} for row in rows("woocommerce_orders.csv")]
    assert read_rows("woocommerce_orders.csv", given, mapping=names) == read_file("woocommerce_orders.csv")


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


def test_a_row_that_needs_no_shipping_is_an_amount_and_no_item():
    first, second, *others = rows("shopify_orders.csv")
    given = [first, {**second, "Lineitem requires shipping": "false"}, *others]
    order = validate(read_rows("shopify_orders.csv", given)[0].document)
    assert order.errors == ()
    assert [item["product_id"] for item in order.document["items"]] == ["SHIRT-BLUE/M"]
    assert [(each["kind"], str(each["amount"])) for each in order.document["adjustments"]] == [
        ("shipping", "4.99"),
        ("discount", "-7.99"),
        ("fee", "20.00"),
    ]


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


def test_the_discount_on_shipping_belongs_to_the_discount():
    first, *others = rows("shopify_orders.csv")
    first |= {"Discount Amount": "12.98", "Total": "71.91"}  # 7.99 of the items, 4.99 of the shipping
    order = validate(read_rows("shopify_orders.csv", [first, *others])[0].document)
    assert order.errors == ()
    assert [(each["kind"], str(each["amount"])) for each in order.document["adjustments"]] == [
        ("shipping", "4.99"),
        ("discount", "-12.98"),
    ]


def test_a_total_that_the_columns_do_not_explain_is_kept():
    first, *others = rows("shopify_orders.csv")
    order = validate(read_rows("shopify_orders.csv", [{**first, "Total": "80.00"}, *others])[0].document)
    assert order.errors == ()
    assert order.document["adjustments"][-1] == {
        "kind": "other",
        "amount": Decimal("3.10"),
        "label": "Difference to the total of the shop",
    }


def test_an_export_whose_prices_are_after_discounts_has_no_discount():
    before = "Item Cost Before Discount"
    given = [{name: cell for name, cell in row.items() if name != before} for row in rows("woocommerce_orders.csv")]
    order = validate(read_rows("woocommerce_orders.csv", given)[0].document)
    assert order.errors == ()
    assert [str(item["price"]) for item in order.document["items"]] == ["11.25", "27.00"]
    assert "discount" not in {each["kind"] for each in order.document["adjustments"]}


def test_rows_that_repeat_nothing_of_the_order_belong_to_the_order_above():
    given = rows("woocommerce_orders.csv")
    blank = {
        name: "" for name in given[1] if name not in ("SKU", "Item #", "Item Name", "Item Cost", "Quantity (- Refund)")
    }
    given[1] |= {**blank, "Item Cost Before Discount": "30"}
    assert read_rows("woocommerce_orders.csv", given) == read_file("woocommerce_orders.csv")


def test_a_refunded_line_is_not_shipped():
    given = rows("woocommerce_orders.csv")
    given[1]["Quantity (- Refund)"] = "0"
    given[0]["Order Refund Amount"] = given[1]["Order Refund Amount"] = "30"
    order = read_rows("woocommerce_orders.csv", given)[0].document
    assert [item["product_id"] for item in order["items"]] == ["MUG L"]


def test_an_export_without_a_currency_needs_one():
    given = [{name: cell for name, cell in row.items() if name != "Currency"} for row in rows("woocommerce_orders.csv")]
    with pytest.raises(CliError, match="no column Currency; give --currency") as stopped:
        read_rows("woocommerce_orders.csv", given)
    assert stopped.value.code is ExitCode.USAGE
    entries = read_rows("woocommerce_orders.csv", given, currency="CAD")
    assert [entry.document["currency"] for entry in entries] == ["CAD", "CAD"]


@pytest.mark.parametrize("separator", [";", "\t"])
def test_an_export_that_excel_saved_is_read(separator):
    given = rows("shopify_orders.csv")
    for row in given:
        for name in ("Subtotal", "Shipping", "Taxes", "Total", "Discount Amount", "Lineitem price", "Tax 1 Value"):
            row[name] = row[name].replace(".", ",")
    out = io.StringIO()
    writer = csv.DictWriter(out, given[0], delimiter=separator)
    writer.writeheader()
    writer.writerows(given)
    content = f"sep={separator}\r\n{out.getvalue()}".encode("utf-16")
    entries = read_file("shopify_orders.csv", content)
    assert [validate(entry.document).document for entry in entries] == [
        validate(entry.document).document for entry in read_file("shopify_orders.csv")
    ]


@pytest.mark.parametrize(
    ("file", "total"), [("shopify_orders.csv", "Total"), ("woocommerce_orders.csv", "Order Total Amount")]
)
def test_an_order_of_an_export_without_its_first_row_is_an_error(file, total):
    first, *others = rows(file)
    [entry, *_] = read_rows(file, [{**first, total: ""}, *others])
    assert entry.document is None
    assert entry.error == f"its first row has no {total}; export the orders again, and do not sort or cut the file"


@pytest.mark.parametrize(("lost", "sum_of_rows"), [(0, "34.83"), (1, "42.33")])
def test_an_order_of_woocommerce_that_lost_the_row_of_an_item_is_an_error(lost, sum_of_rows):
    given = rows("woocommerce_orders.csv")
    entries = read_rows("woocommerce_orders.csv", given[:lost] + given[lost + 1 :])
    said = (
        f"its rows come to {sum_of_rows}, but Order Total Amount is 72.33; export every row of the order, and the "
        "columns of shipping, fees and taxes"
    )
    assert [(entry.reference, entry.error) for entry in entries if entry.error] == [("728", said)]


@pytest.mark.parametrize("lost", [1, 4])
def test_an_order_of_shopify_that_lost_the_row_of_an_item_is_an_error(lost):
    given = rows("shopify_orders.csv")
    lost_one = given[lost]["Name"]
    entries = read_rows("shopify_orders.csv", given[:lost] + given[lost + 1 :])
    said = "its items cost less than its Subtotal: the file lacks rows of the order; export it again"
    assert [(entry.reference, entry.error) for entry in entries if entry.error] == [(lost_one, said)]


def test_an_amount_of_an_export_that_is_no_number_is_an_error_of_its_order():
    first, *others = rows("shopify_orders.csv")
    entries = read_rows("shopify_orders.csv", [{**first, "Total": "free"}, *others])
    said = "Total is 'free', which is not a number such as 2 or 29.99"
    assert [(entry.line, entry.error) for entry in entries[:2]] == [(2, said), (6, None)]


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
