"""Reading the orders of a file: the formats, the errors with their lines, and exact amounts."""

import json
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.cli.errors import CliError, ExitCode
from service.cli.order_entry import Entry
from service.cli.orders_file import Format, Reading, read_orders
from tests.support import valid_order

ORDER = json.dumps(valid_order())
HEAD = "order,customer_id,product_id,quantity,price\n"


def documents(content, name="orders.json", chosen=None):
    entries = read_orders(content.encode(), name, Reading(chosen))
    assert all(entry.error is None for entry in entries)
    return [entry.document for entry in entries]


def lines(content, name):
    return [(entry.line, entry.error) for entry in read_orders(content.encode(), name)]


def refusal(content, name):
    with pytest.raises(CliError) as stopped:
        read_orders(content if isinstance(content, bytes) else content.encode(), name)
    assert stopped.value.code is ExitCode.USAGE
    return str(stopped.value)


def test_json_has_one_order_or_an_array_of_orders():
    assert len(documents(ORDER)) == 1
    assert len(documents(f"[{ORDER}, {ORDER}]")) == 2
    assert documents("[]") == []


def test_each_order_of_an_array_has_a_line_and_an_error():
    content = f'[\n{ORDER},\n{{"price": NaN}},\n\n{{"a": 1, "a": 2}}, {ORDER}\n]\n'
    assert lines(content, "orders.json") == [
        (2, None),
        (3, "NaN is no number in JSON. Send a number, or leave the field out."),
        (5, "An object has two members of the same name. Send each name once."),
        (5, None),
    ]


def test_a_bad_line_of_json_lines_does_not_stop_the_others():
    content = f"{ORDER}\n\n{{oops\n{ORDER}\r\n".encode() + b"\xff\n"
    assert [(entry.line, entry.error) for entry in read_orders(content, "orders.jsonl")] == [
        (1, None),
        (3, "The document is not valid JSON (column 2)."),
        (4, None),
        (5, "The document is not valid UTF-8 text."),
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[{}", "line 1, column 4"),
        ("[{},]", "line 1, column 5"),
        ("[{}] {}", "line 1, column 6"),
        ("{}\n{}", "line 2, column 1"),
        ("[\n\n{oops}]", "line 3, column 2"),
        ("[" * 100_000, "nested too deep"),
    ],
)
def test_invalid_json_is_refused_with_its_position(content, said):
    assert said in refusal(content, "orders.json")


def test_the_digits_of_amounts_are_kept():
    [order] = documents('{"total_amount": 0.10, "items": [{"price": 12345678901234567.89}]}')
    assert (str(order["total_amount"]), str(order["items"][0]["price"])) == ("0.10", "12345678901234567.89")


def test_rows_with_the_same_order_are_one_order_with_the_exact_sum():
    rows = "A,cust_1,p1,3,0.10\nB,cust_2,p2,1,5\nA,,p3,1,0.20\n"
    assert documents(HEAD + rows, "orders.csv") == [
        {
            "reference": "A",
            "customer_id": "cust_1",
            "items": [
                {"product_id": "p1", "quantity": 3, "price": Decimal("0.10")},
                {"product_id": "p3", "quantity": 1, "price": Decimal("0.20")},
            ],
            "total_amount": Decimal("0.50"),
        },
        {
            "reference": "B",
            "customer_id": "cust_2",
            "items": [{"product_id": "p2", "quantity": 1, "price": 5}],
            "total_amount": Decimal(5),
        },
    ]


def test_each_row_without_an_order_is_one_order():
    content = "customer_id,product_id,quantity,price,total_amount,currency,metadata.channel\n"
    first, second = documents(content + "c,p,1,2.50,9.99,EUR,web\nc,p,1,2.50,,,\n", "orders.csv")
    assert (first["total_amount"], first["currency"], first["metadata"]) == (Decimal("9.99"), "EUR", {"channel": "web"})
    assert second.keys() == {"customer_id", "items", "total_amount"}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("A,c,p,two,1.00", "quantity is 'two', which is not a number such as 2 or 29.99"),
        ("A,c,p,,1.00", "quantity is empty"),
        ('A,c,p,1,"29,990"', "price is 29,990, which can mean two numbers; write it without a comma"),
        ('A,c,p,1,"2.9.9"', "price is '2.9.9', which is not a number"),
        ("A,c,p,1,$1.99", "price is '$1.99', which is not a number"),
        (f"A,c,p,1,{'x' * 90}", f"price is '{'x' * 40}…', which is not a number"),
        ("A,c,p,1,NaN", "price is 'NaN', which is not a number"),
        ("A,c,p,1", "the row has 4 cells, but the file has 5 columns"),
        ('A,c,p,1,"1"x', "the row is not valid CSV"),
    ],
)
def test_an_invalid_row_has_a_line_and_does_not_stop_the_other_orders(row, said):
    first, last = lines(HEAD + row + "\nB,c,p,1,1.00\n", "orders.csv")
    assert first[0] == 2
    assert said in first[1]
    assert last == (3, None)


def test_an_order_with_an_invalid_row_is_not_submitted():
    [(line, said)] = lines(HEAD + "A,c,p,1,1.00\nA,c,p,x,1.00\n", "orders.csv")
    assert (line, said[:23]) == (2, "line 3: quantity is 'x'")
    assert lines(HEAD + "A,c,p,1,1.00\nA,d,p,1,1.00\n", "orders.csv") == [
        (2, "line 3: customer_id differs from line 2 of the same order")
    ]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("29.99", "29.99"),
        ("29,99", "29.99"),
        ("1.234,50", "1234.50"),
        ("1.234.567,5", "1234567.5"),
        ("1,234.50", "1234.50"),
        ("0,125", "0.125"),
        ("1,2345", "1.2345"),
    ],
)
def test_a_price_may_have_a_decimal_comma(written, read):
    [order] = documents(f"customer_id;product_id;quantity;price\nc;p;1;{written}\n", "orders.csv")
    assert str(order["items"][0]["price"]) == read


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("begin", ["", "sep={}\n", "\ufeff"])
def test_the_separator_is_found(separator, begin):
    head = separator.join(("Order ID", "Customer", "SKU", "Product ID", "Qty", "Unit price"))
    row = separator.join(("1001", "c", "s", "p", "2", "1.50"))
    [order] = documents(begin.format(separator) + f"{head}\r\n{row}\r\n", "orders.csv")
    assert (order["reference"], order["customer_id"]) == ("1001", "c")
    assert order["items"] == [{"product_id": "p", "sku": "s", "quantity": 2, "price": Decimal("1.50")}]


def test_addresses_and_adjustments_have_columns_and_belong_to_the_total():
    head = "order,customer_id,product_id,quantity,price,tax,shipping,discount,ship_to.name,ship_to.country,note\n"
    [order] = documents(head + "1,c,p,2,10,3.80,4.99,5,Anna,DE,Hi\n1,c,q,1,1,3.80,,,,,\n", "orders.csv")
    assert order["adjustments"] == [
        {"kind": "tax", "amount": Decimal("3.80")},
        {"kind": "shipping", "amount": Decimal("4.99")},
        {"kind": "discount", "amount": -5},
    ]
    assert (order["total_amount"], order["note"]) == (Decimal("24.79"), "Hi")
    assert order["ship_to"] == {"name": "Anna", "country": "DE"}


def test_a_file_with_an_unknown_separator_says_what_to_do():
    assert "give the separator with --delimiter" in refusal("customer_id:product_id:quantity:price\n", "orders.csv")


def test_all_wrong_columns_are_named():
    said = refusal("customer_id,product_id,quantity,prize,prize,quantity\n", "orders.csv")
    assert "missing price; unknown prize, prize; repeated quantity (quantity, quantity)" in said


@pytest.mark.parametrize(
    ("content", "count"),
    [(f"[{ORDER}]", 1), (f" {ORDER}\n{ORDER}", 2), (json.dumps(valid_order(), indent=2), 1), (HEAD + "A,c,p,1,1\n", 1)],
    ids=["array", "lines", "one order", "csv"],
)
def test_the_format_of_standard_input_is_detected(content, count):
    assert len(documents(content, "-")) == count
    assert len(documents("\ufeff" + content, "-")) == count


def test_a_format_that_cannot_be_detected_must_be_given():
    assert "give --format" in refusal("hello", "-")
    assert len(documents(ORDER, "orders.txt", Format.JSONL)) == 1


def test_text_that_is_not_utf_8_is_refused_with_its_line():
    assert "line 2 is not UTF-8" in refusal(HEAD.encode() + b"A,c,\xff,1,1\n", "orders.csv")


JUNK = st.binary(max_size=60) | st.text('[]{},:"\\\n\r 1eE-.aN\ufeff', max_size=40).map(str.encode)
ROWS = st.text(',"\n\r A1.-e\0', max_size=40).map(lambda rows: (HEAD + rows).encode())


@given(JUNK | ROWS, st.sampled_from([None, *Format]))
@example(b'"' + b"x" * 200_000, Format.CSV)
@example(HEAD.encode() + b"A,c,p,9999999999999999999999999999999999999999,1e300\n", Format.CSV)
def test_junk_is_read_or_refused_with_a_message(content, chosen):
    try:
        entries = read_orders(content, "-", Reading(chosen))
    except CliError as stop:
        assert str(stop)
    else:
        assert all(isinstance(entry, Entry) and entry.line >= 1 for entry in entries)
