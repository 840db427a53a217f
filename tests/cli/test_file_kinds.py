"""Files as programs write them, by the options of the command line: each is read, or refused in one line."""

import json
import re
from decimal import Decimal
from pathlib import Path

import pytest

from service.cli.orders_csv import COLUMNS
from service.cli.orders_file import read_orders
from tests.cli.commands import run
from tests.documents import DIRECTORY
from tests.support import valid_order

ROOT = Path(__file__).parents[2]
ROWS = (
    "Order ID;Customer;SKU;Qty;Unit price;Shipping;ship_to.name;ship_to.line1;ship_to.city;ship_to.postal_code;"
    "ship_to.country\n"
    "1001;c;SHIRT;2;1.234,50;4,99;Jörg Müller;Große Straße 1;Köln;'01067;DE\n"
    "1001;c;MUG;1;3,00;;;;;;\n"
)
SHIP_TO = {"name": "Jörg Müller", "line1": "Große Straße 1", "city": "Köln", "postal_code": "01067", "country": "DE"}


def check(path, content, *options):
    """Check a file, and send nothing: nobody listens at this URL."""
    path.write_bytes(content)
    return run("--api", "http://127.0.0.1:1", "submit", str(path), "--dry-run", *options)


def read(path, content, *options):
    """The orders of a file that is valid, by its dry run."""
    ran = check(path, content, "--json", *options)
    assert ran.code == 0, ran.err
    return [(each["line"], each["reference"], each["outcome"]) for each in ran.json["orders"]]


ENCODINGS = [
    ("utf-8", ()),
    ("utf-8-sig", ()),
    ("utf-16", ()),
    ("cp1252", ("--encoding", "cp1252")),
    ("utf-16-le", ("--encoding", "utf-16-le")),
]


@pytest.mark.parametrize(("encoding", "options"), ENCODINGS, ids=[encoding for encoding, _ in ENCODINGS])
@pytest.mark.parametrize("begin", ["", "sep=;\r\n", '"sep=;"\r\n'])
def test_a_table_of_excel_is_read_in_each_encoding(encoding, options, begin, tmp_path):
    first = 3 if begin else 2
    assert read(tmp_path / "o.csv", (begin + ROWS).encode(encoding), *options) == [(first, "1001", "valid")]


def test_the_values_of_a_table_of_excel_are_exact():
    [entry] = read_orders(ROWS.encode("utf-16"), "o.csv")
    assert entry.document == {
        "reference": "1001",
        "customer_id": "c",
        "items": [
            {"sku": "SHIRT", "product_id": "SHIRT", "quantity": 2, "price": Decimal("1234.50")},
            {"sku": "MUG", "product_id": "MUG", "quantity": 1, "price": Decimal("3.00")},
        ],
        "adjustments": [{"kind": "shipping", "amount": Decimal("4.99")}],
        "ship_to": SHIP_TO,
        "total_amount": Decimal("2476.99"),
    }


@pytest.mark.parametrize(
    ("separator", "options"),
    [
        *((separator, ()) for separator in ",;\t|"),
        ("~", ("--delimiter", "~")),
        ("\t", ("--delimiter", "tab")),
        ("\t", ("--delimiter", r"\t")),
    ],
)
def test_each_separator_is_found_or_given(separator, options, tmp_path):
    content = "Order~CUSTOMER~sku~QTY~Price\n1~c~p~2~3\n".replace("~", separator)
    assert read(tmp_path / "o.csv", content.encode(), *options) == [(2, "1", "valid")]


def test_headings_in_another_language_are_mapped(tmp_path):
    content = "Bestellnr.;Kunde;Artikel;Menge;Netto\n7;c;p;2;3,50\n".encode("cp1252")
    names = ("order=Bestellnr.", "customer_id=Kunde", "product_id=Artikel", "quantity=Menge", "price=Netto")
    options = [option for name in names for option in ("--map", name)]
    assert read(tmp_path / "o.csv", content, *options) == [(2, "7", "valid")]


def test_the_currency_of_orders_that_name_none_is_given(tmp_path):
    content = b"order,customer_id,product_id,quantity,price,currency\n1,c,p,1,5,\n2,c,p,1,5.50,EUR\n"
    assert read(tmp_path / "o.csv", content, "--currency", "JPY") == [(2, "1", "valid"), (3, "2", "valid")]
    refused = check(tmp_path / "o.csv", content, "--currency", "XYZ")
    assert "must be an ISO 4217 currency code" in refused.out


REFUSED = [
    (
        "o.csv",
        b"order:customer_id:product_id:quantity:price\n",
        (),
        "one column only; give the separator with --delimiter",
    ),
    ("o.csv", ROWS.encode(), ("--delimiter", ","), "one column only with --delimiter ','; give the separator"),
    ("o.csv", ROWS.encode(), ("--delimiter", ";;"), "--delimiter: it must be one character, or tab."),
    ("o.csv", b"customer,sku,qty,Preis\n", (), "columns missing price; unknown Preis. The columns are customer_id, "),
    (
        "o.csv",
        b"customer,sku,qty,Preis\n",
        (),
        "--map price=Preis names a column of the file that is called otherwise.",
    ),
    ("o.csv", ROWS.encode(), ("--map", "price"), "--map: 'price' must have the form OURS=THEIRS"),
    (
        "o.csv",
        ROWS.encode("cp1252"),
        (),
        "line 2 is not UTF-8 text; save the file as UTF-8, or give --encoding cp1252.",
    ),
    ("o.csv", ROWS.encode(), ("--encoding", "cp"), "--encoding: 'cp' is not an encoding, such as cp1252."),
    ("o.csv", ROWS.encode("cp1252"), ("--encoding", "ascii"), "the file is not ascii text."),
    ("o.jsonl", json.dumps(valid_order(), indent=2).encode(), (), "extends over several lines; give --format json."),
    ("o.jsonl", json.dumps([valid_order()], indent=2).encode(), (), "extends over several lines; give --format json."),
    (
        "o.jsonl",
        b"\n" + 2 * (json.dumps(valid_order(), indent=2).encode() + b"\n"),
        (),
        "the JSON on line 2 extends over",
    ),
    (
        "o.txt",
        json.dumps(valid_order(), indent=2).encode(),
        ("--format", "jsonl"),
        "several lines; give --format json.",
    ),
    (
        "o.csv",
        (DIRECTORY / "shopify_orders.csv").read_bytes(),
        (),
        "this is an export of shopify; give --from shopify.",
    ),
    (
        "o.csv",
        (DIRECTORY / "woocommerce_orders.csv").read_bytes(),
        (),
        "export of woocommerce; give --from woocommerce.",
    ),
    (
        "o.csv",
        b"sep=,\n" + (DIRECTORY / "shopify_orders.csv").read_bytes(),
        (),
        "export of shopify; give --from shopify.",
    ),
    ("o.csv", b"", (), "o.csv: the file is empty."),
    ("o.txt", b"1001", (), "o.txt: the format is unknown; give --format json, jsonl or csv."),
    ("o.json", b" \n", (), "o.json: the file is empty."),
    ("o.jsonl", b"\n", (), "o.jsonl: the file is empty."),
    (
        "o.csv",
        b"Bestellnr.;Kunde;Menge\n",
        (),
        "missing customer_id, product_id, quantity, price; unknown Bestellnr., K",
    ),
    ("o.csv", ROWS.encode(), ("--map", "order=Nr."), "o.csv: --map: there is no heading 'Nr.'. The headings are "),
    ("o.csv", ROWS.encode(), ("--map", "nr=Price"), "--map: 'nr' is not a column. The columns are customer_id, "),
    ("o.csv", b"Order ID,Reference,sku\n", (), "repeated order (Order ID, Reference). The columns are "),
    (
        "o.json",
        json.dumps(valid_order()).encode(),
        ("--map", "a=b"),
        "--delimiter and --map are for CSV, but the file is",
    ),
    ("o.json", json.dumps(valid_order()).encode(), ("--delimiter", ";"), "for CSV, but the file is json."),
    ("o.csv", ROWS.encode("utf-16-le"), (), "UTF-16 without a byte order mark; give --encoding utf-16-le."),
    ("o.csv", ROWS.encode("utf-16-be"), (), "UTF-16 without a byte order mark; give --encoding utf-16-be."),
    (
        "o.jsonl",
        json.dumps(valid_order()).encode() + b"\n" + json.dumps(valid_order(), indent=2).encode(),
        (),
        "the JSON on line 2 extends over several lines; write each order on one line, as jq -c does.",
    ),
    ("o.csv", b"order,customer_id,product_id,quantity,price\n", (), "the file has no orders."),
]


@pytest.mark.parametrize(("name", "content", "options", "said"), REFUSED)
def test_a_file_that_cannot_be_read_is_refused_in_one_line_that_says_what_to_do(name, content, options, said, tmp_path):
    ran = check(tmp_path / name, content, *options)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert ran.err.count("\n") == 1


def test_a_dry_run_counts_the_valid_orders_also_if_there_are_none(tmp_path):
    ran = check(tmp_path / "o.csv", b"order,customer,sku,qty,price\n1,c,p,0,2\n")
    assert [line.split() for line in ran.out.splitlines()[:2]] == [["valid", "0"], ["refused", "1"]]
    assert "see the table for the reasons" in ran.err


def test_a_dry_run_lists_the_amounts_of_a_few_orders(tmp_path):
    content = b"order,customer,sku,qty,price,shipping,currency\n1,c,p,2,2,0.5,KWD\n1,c,q,1,1,,\n2,c,p,1,500,,JPY\n"
    ran = check(tmp_path / "o.csv", content)
    assert ran.out.splitlines()[:2] == ["line 2  1  5.500 KWD, 2 items  valid", "line 4  2  500 JPY, 1 item  valid"]


def test_a_dry_run_of_many_orders_only_counts_them(tmp_path):
    rows = b"".join(b"%d,c,p,1,2\n" % number for number in range(11))
    ran = check(tmp_path / "o.csv", b"order,customer,sku,qty,price\n" + rows)
    assert [line.split() for line in ran.out.splitlines()] == [["valid", "11"], ["refused", "0"]]


def test_json_output_says_where_the_reasons_are(tmp_path):
    ran = check(tmp_path / "o.csv", b"order,customer,sku,qty,price\n1,c,p,0,2\n", "--json")
    assert "orders[].detail and orders[].errors have the reasons" in ran.err


def test_json_lines_with_one_broken_line_names_that_line_only(tmp_path):
    ran = check(tmp_path / "o.jsonl", f"{{oops\n{json.dumps(valid_order())}\n".encode(), "--json")
    assert [each["outcome"] for each in ran.json["orders"]] == ["unreadable", "valid"]


def test_the_page_lists_the_headings_that_are_recognized():
    page = (ROOT / "docs/files.md").read_text(encoding="utf-8")
    table = page.partition("| column |")[2].partition("\n\n")[0]
    found = set()
    for row in table.splitlines()[2:]:
        columns, headings = row.split("|")[1:3]
        names = re.findall(r"`([^`]+)`", columns)
        assert all(COLUMNS.is_known(name) for name in names)
        for heading in filter(None, re.split("[,;]", headings.strip())):
            assert COLUMNS.name_of(heading.strip().upper()) in names, heading
            found.add(re.sub(r"[^a-z0-9]", "", heading.lower()))
    assert found >= {*COLUMNS.aliases}, "add the heading to docs/files.md"


@pytest.mark.parametrize(
    ("cell", "reference"),
    [
        ('="00123"', "00123"),
        ('"=""00123"""', "00123"),
        ("'+49-1001", "+49-1001"),
        ("'=1001", "=1001"),
        ("'-1001", "-1001"),
        ("'@1001", "@1001"),
        ("'1001", "'1001"),
        ("O'Neil", "O'Neil"),
        ("1E", "1E"),
        ("E+12", "E+12"),
    ],
)
def test_cells_that_were_kept_from_a_spreadsheet_are_read(cell, reference):
    """WooCommerce writes an apostrophe before =, +, - and @, so that no spreadsheet reads a formula."""
    text = f"order,customer_id,product_id,quantity,price,discount\n{cell},c,p,1,5.00,'-1.00\n"
    [entry] = read_orders(text.encode(), "o.csv")
    assert entry.document["reference"] == reference
    assert entry.document["adjustments"] == [{"kind": "discount", "amount": Decimal("-1.00")}]


@pytest.mark.parametrize("number", ["1.23457E+12", "1,23457E+12", "1E+12"])
@pytest.mark.parametrize("column", ["order", "customer_id", "product_id", "sku"])
def test_numbers_that_a_spreadsheet_has_shortened_are_refused(column, number):
    """Otherwise the rows of two orders were one order."""
    cells = {"order": "1001", "customer_id": "c", "product_id": "p", "sku": "s", "quantity": "1", "price": "5.00"}
    cells[column] = number
    text = ";".join(cells) + "\n" + 2 * (";".join(cells.values()) + "\n")
    [entry] = read_orders(text.encode(), "o.csv")
    assert entry.document is None
    assert entry.error == (
        f"{column} is {number}, which a spreadsheet writes for a longer number. "
        "Format the column as text, and export the file again"
    )
