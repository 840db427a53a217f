"""What `dofs` shows of an order, and how it finds orders by ids with any printable character."""

import re
from decimal import Decimal

import pytest

from service.cli.order_view import format_money, render_order
from service.cli.render import create_console
from tests.cli.commands import run
from tests.cli.stub import Answer, stub
from tests.cli.test_orders import submit_order
from tests.polling import eventually
from tests.support import valid_order

ODD = ["gid://shopify/Order/1", "#1001", "a b%2F?&=+;ü\"'<b>", "anna+shop@example.com", "订单 7"]
ADDRESS = {"name": "Anna Schmidt", "line1": "Hauptstraße 1", "city": "Berlin", "postal_code": "10115", "country": "DE"}
WHOLE = {
    "items": [
        {"product_id": "prod_456", "quantity": 2, "price": 29.99, "line_id": "L7", "sku": "SKU 12/B#4", "name": "Shirt"}
    ],
    "adjustments": [
        {"kind": "tax", "amount": 11.4, "label": "VAT 19 %"},
        {"kind": "discount", "amount": -5, "line_id": "L7"},
    ],
    "total_amount": 66.38,
    "ship_to": ADDRESS,
    "service_level": "express",
    "note": "Please ring twice.\n\u202eThank you",
    "placed_at": "2026-01-31T09:30:00+01:00",
}


def words(ran):
    """The lines of a command's output, with single spaces."""
    return [" ".join(line.split()) for line in ran.out.splitlines()]


@pytest.mark.parametrize("reference", ODD)
def test_an_order_is_found_by_its_reference(reference, url, customer, tmp_path):
    own = f"{reference} {customer}"
    order_id = submit_order(url, customer, tmp_path, reference=own)
    ran = run("--api", url, "--json", "list", "--reference", own)
    assert [(each["order_id"], each["reference"]) for each in ran.lines] == [(order_id, own)], ran.err
    assert own in run("--api", url, "list", "--customer", customer).out


@pytest.mark.parametrize("odd", ODD)
def test_a_customers_orders_are_listed_whatever_characters_the_id_has(odd, url, customer, tmp_path):
    order_id = submit_order(url, f"{odd} {customer}", tmp_path)
    ran = run("--api", url, "--json", "list", "--customer", f"{odd} {customer}")
    assert [(each["order_id"], each["customer_id"]) for each in ran.lines] == [(order_id, f"{odd} {customer}")]


def test_a_space_in_a_query_is_percent_encoded_so_that_its_signature_is_valid():
    with stub(lambda _: Answer(200, {"orders": [], "next_cursor": None})) as server:
        ran = run("--api", server.url, "list", "--reference", "a b+c%2F~")
        of_another = run("--api", server.url, "list", "--reference", "a b", "--owner", "api_key:other")
    assert server.received[0].path == "/orders?reference=a%20b%2Bc%252F~&limit=20"
    assert ran.err == "No orders. The API finds a reference among the orders that you have submitted.\n"
    assert of_another.err == "No orders.\n"


def test_with_aws_an_order_is_found_by_its_reference(with_aws, url, customer, tmp_path):
    order_id = submit_order(url, customer, tmp_path, reference=f"#1 {customer}")
    assert [each["order_id"] for each in with_aws("list", "--reference", f"#1 {customer}").lines] == [order_id]
    own = with_aws("list", "--reference", f"#1 {customer}", "--owner", "anonymous")
    assert [each["order_id"] for each in own.lines] == [order_id]
    assert with_aws("list", "--reference", f"#1 {customer}", "--owner", "api_key:other").lines == []


@pytest.mark.parametrize("aws", [False, True])
def test_an_order_is_shown_with_its_reference_its_address_and_its_adjustments(
    aws, url, cloud, customer, tmp_path, monkeypatch
):
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint.url)
    order_id = submit_order(url, customer, tmp_path, reference=f"#1 {customer}", **WHOLE)
    ran = run(*(["--aws"] if aws else ["--api", url]), "show", order_id)
    assert ran.code == 0, ran.err
    assert {
        f"reference #1 {customer}",
        "service level express",
        "placed 2026-01-31T08:30:00.000Z",
        "amount 66.38 USD",
        "name Anna Schmidt",
        "line1 Hauptstraße 1",
        "postal code 10115",
        "Please ring twice.",
        r"\u202eThank you",
        "adjustment amount line label",
        "tax 11.40 – VAT 19 %",
        "discount -5.00 L7 –",
    } <= {*words(ran)}
    # As soon as it is shipped, another column says how many pieces.
    shown = " | ".join(words(ran))
    assert re.search(
        r"product quantity price( shipped)? line sku name \|.* prod_456 2 29.99( 2)? L7 SKU 12/B#4 Shirt", shown
    )


def test_a_failed_order_is_listed_and_redriven_with_its_reference(url, failing, customer, tmp_path):
    order_id = submit_order(url, customer, tmp_path, reference=f"#1 {customer}")
    assert run("--api", url, "watch", order_id).code == 1
    for command in (("failed", "list"), ("redrive", order_id, "--note", "x", "--dry-run")):
        [line] = [line for line in run("--api", url, *command).out.splitlines() if order_id in line]
        assert f"#1 {customer}" in line


def test_a_trace_on_aws_names_the_reference_if_it_has_read_the_order(
    url, cloud, customer, tmp_path, monkeypatch, caplog
):
    caplog.set_level("INFO", "service")
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint.url)
    order_id = submit_order(url, customer, tmp_path, reference=f"#1 {customer}")
    assert run("--api", url, "watch", order_id).code == 0
    head = f"{order_id}  #1 {customer}  20"
    eventually(lambda: run("--aws", "trace", order_id).out.startswith(head))


def test_characters_that_change_the_direction_of_text_are_escaped(url, customer, tmp_path):
    order_id = submit_order(url, customer, tmp_path, reference="\u202e1001#", ship_to={**ADDRESS, "name": "\u2066A"})
    shown, listed = run("--api", url, "show", order_id), run("--api", url, "list", "--customer", customer)
    for ran in (shown, listed):
        assert r"\u202e1001#" in ran.out
        assert not {"\u202e", "\u2066"} & {*ran.out}


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (Decimal("59.90"), "USD", "59.90"),
        (Decimal("1000.00"), "JPY", "1000"),
        (Decimal("1.50"), "KWD", "1.500"),
        (Decimal("0.00125"), "USD", "0.00125"),
        (Decimal("-5.00"), "EUR", "-5.00"),
        (0, None, "0.00"),
        (Decimal("1e999999"), "USD", Decimal("1e999999")),
        ("2.5", "USD", "2.5"),
        (True, ["USD"], True),
        (None, "USD", None),
    ],
)
def test_an_amount_has_the_decimals_of_its_currency(amount, currency, text):
    assert format_money(amount, currency) == text


@pytest.mark.parametrize("odd", [5, "text", [1, "two", None], {"name": {"a": 1}, "x": 2}, [{"amount": []}], True])
def test_an_order_that_was_rejected_is_shown_whatever_its_fields_are(odd, capsys):
    names = (
        "items",
        "adjustments",
        "ship_to",
        "metadata",
        "note",
        "service_level",
        "currency",
        "total_amount",
        "placed_at",
    )
    create_console().print(*render_order({**valid_order(), **dict.fromkeys(names, odd), "order_id": "ord_1"}))
    assert "ord_1" in capsys.readouterr().out


def test_a_rejected_order_is_shown_as_it_was_sent(capsys):
    sent = {"lines": [{"sku": "A\x1b", "price": Decimal("1.50")}], "note": None}
    create_console().print(*render_order({**valid_order(), "order_id": "ord_1", "submission": sent}))
    shown = capsys.readouterr().out
    assert '{"lines":[{"sku":"A\\u001b","price":1.50}]}' in shown
    assert '{"note":null}' in shown
