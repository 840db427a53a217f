"""The import of Shopify's and WooCommerce's CSV exports: rows of an order, columns, and incomplete files."""

import csv
import io
from decimal import Decimal

import pytest

from service.cli.errors import CliError, ExitCode
from service.orders.validation import validate
from tests.cli.shop_files import read_file, read_rows, rows
from tests.documents import ORDERS


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


def test_headings_of_an_export_in_another_language_are_mapped():
    names = {"Order Number": "Bestellnummer", "Item Name": "Artikel", "Currency": "Währung"}
    given = [{names.get(name, name): cell for name, cell in row.items()} for row in rows("woocommerce_orders.csv")]
    assert read_rows("woocommerce_orders.csv", given, mapping=names) == read_file("woocommerce_orders.csv")


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


@pytest.mark.parametrize(
    ("file", "column"),
    [
        ("shopify_orders.csv", "Name"),
        ("shopify_orders.csv", "Lineitem sku"),
        ("woocommerce_orders.csv", "Order Number"),
        ("woocommerce_orders.csv", "SKU"),
    ],
)
def test_an_export_whose_numbers_a_spreadsheet_has_shortened_is_refused(file, column):
    """A barcode of 13 digits is 4.00638E+12 in a spreadsheet."""
    first, *others = rows(file)
    entry = read_rows(file, [{**first, column: "4.00638E+12"}, *others])[0]
    assert f"{column} is 4.00638E+12, which a spreadsheet writes for a longer number." in entry.error
