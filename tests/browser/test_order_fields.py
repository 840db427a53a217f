"""The fields of an order that a shop sends, and ids with any printable character."""

import json
import re

import pytest
from playwright.sync_api import expect

from service.cli.orders_file import Reading, read_orders
from service.cli.shops.shop import Shop
from service.orders.strict_json import canonical_text
from tests.browser.browsing import PHONE
from tests.browser.orders import ADDRESS, WHOLE, open_shop
from tests.browser.stub import BASE, StubApi, order, orders_page
from tests.browser.warehouse import Mood
from tests.documents import DIRECTORY, FILES, ORDERS
from tests.support import valid_order

pytestmark = pytest.mark.browser

ODD = ["gid://shopify/Order/1", "#1001", "<b>\"x\"</b> 'y'", "a%2Fb?c&d=e+f", "anna+shop@example.com", "x" * 128]


@pytest.fixture(scope="module")
def shop():
    with open_shop(fulfillment_success_rate=1) as shop:
        yield shop


@pytest.fixture
def visit(shop, open_console):
    return open_console(shop.base)


@pytest.fixture
def stubbed(open_console):
    """Open the console at an API with one order of these fields."""

    def opened(**fields):
        visit, api = open_console(BASE), StubApi()
        api.on("GET", "/orders", orders_page())
        api.on("GET", "/orders/ord_1", order(status="REJECTED", **fields))
        api.install(visit.page)
        visit.go("orders/ord_1")
        return visit.page.get_by_role("dialog")

    return opened


def fact(place, name):
    """The value of a fact by its name."""
    return place.locator(f"dt:text-is({json.dumps(name)}) + dd")


def search(visit, wanted):
    visit.page.get_by_label("Order id, customer id or reference").fill(wanted)
    visit.page.get_by_role("button", name="Search").click()


def ids(visit):
    return visit.page.locator("tbody a.id").all_inner_texts()


def test_an_order_shows_its_reference_its_address_and_its_note(shop, visit):
    visit.go(f"orders/{shop.submit(valid_order(**WHOLE))}")
    shown = visit.page.get_by_role("dialog")
    for name, value in (
        ("Reference", "gid://shopify/Order/1"),
        ("Service level", "express"),
        ("Placed", re.compile(r"^Jan \d+, ")),
        ("Name", "Anna Schmidt"),
        ("Company", "<i>ACME</i>"),
        ("Address", "Hauptstraße 1"),
        ("Postal code", "10115"),
        ("Country", "DE"),
        ("Email", "anna@example.com"),
    ):
        expect(fact(shown, name)).to_have_text(value)
    for part in ("Ship to", "Note", "Items and adjustments"):
        expect(shown.get_by_role("heading", name=part, exact=True)).to_be_visible()
    expect(shown.get_by_text("<script>alert(1)</script>")).to_be_visible()
    expect(shown.get_by_text("Address, line 2")).to_have_count(0)


def test_the_total_is_the_sum_of_the_items_and_the_adjustments(shop, visit):
    visit.go(f"orders/{shop.submit(valid_order(**WHOLE))}")
    rows = visit.page.get_by_role("table", name="Items").get_by_role("row")
    expect(rows).to_have_text(
        [
            "ProductQuantityPriceAmount",
            "Blue shirt, <b>size M</b>gid://shopify/Product/7SKU SKU 12/B#4line L7engraving: A & B229.9959.98",
            "taxVAT 19 %11.40",
            "discountline L7-5.00",
            "Total66.38 USD",
        ]
    )


def test_an_order_of_version_0_1_0_shows_no_empty_parts(shop, visit):
    visit.go(f"orders/{shop.submit(valid_order())}")
    shown = visit.page.get_by_role("dialog")
    expect(shown.get_by_role("heading", name="Items", exact=True)).to_be_visible()
    for part in ("Ship to", "Note", "Reference", "Service level", "Placed"):
        expect(shown.get_by_text(part, exact=True)).to_have_count(0)


@pytest.mark.parametrize(
    ("currency", "price", "total", "texts"),
    [("JPY", 1200, 1200, ("1,200", "1,200 JPY")), ("KWD", 1.25, 1.25, ("1.250", "1.250 KWD"))],
)
def test_amounts_have_the_decimals_of_their_currency(currency, price, total, texts, stubbed):
    rows = stubbed(
        currency=currency, total_amount=total, items=[{"product_id": "p", "quantity": 1, "price": price}]
    ).get_by_role("row")
    expect(rows.nth(1)).to_have_text(f"p1{texts[0]}{texts[0]}")
    expect(rows.nth(2)).to_have_text(f"Total{texts[1]}")


def test_a_price_that_is_finer_than_the_currency_is_shown_whole(stubbed):
    item = {"product_id": "screw", "quantity": 3000, "price": 0.00125}
    rows = stubbed(currency="EUR", total_amount=3.75, items=[item]).get_by_role("row")
    expect(rows.nth(1)).to_have_text("screw30000.001253.75")


@pytest.mark.parametrize("odd", [5, "text", [1, None, "two"], {"name": {"a": 1}, "gift": 2}, [{"amount": []}]])
def test_a_rejected_order_is_shown_whatever_its_fields_are(odd, stubbed):
    fields = ("adjustments", "ship_to", "note", "service_level", "placed_at", "currency", "total_amount")
    shown = stubbed(**dict.fromkeys(fields, odd), items=odd if isinstance(odd, list) else [odd])
    expect(shown.get_by_role("list", name="Timeline")).to_be_visible()
    expect(shown.get_by_role("row", name="Total")).to_be_visible()
    expect(shown.get_by_role("alert")).to_have_count(0)


@pytest.mark.parametrize("reference", ODD)
def test_a_search_finds_an_order_by_its_reference(reference, shop, visit):
    own = f"r {reference}"[:128]
    order_id = shop.submit(valid_order(reference=own))
    visit.go("orders")
    search(visit, own)
    expect(visit.page.get_by_text("1 order, end of list")).to_be_visible()
    assert ids(visit) == [order_id]
    row = visit.page.get_by_role("row").filter(has_text=order_id)
    expect(row.get_by_text(own, exact=True)).to_be_attached()
    visit.page.reload()
    expect(visit.page.get_by_label("Order id, customer id or reference")).to_have_value(own)
    expect(visit.page.get_by_text("1 order, end of list")).to_be_visible()


@pytest.mark.parametrize("file", FILES)
def test_the_orders_of_a_shops_file_are_found_by_their_references(file, shop, visit):
    expected = [each for each in ORDERS if each.file == file]
    entries = read_orders((DIRECTORY / file).read_bytes(), file, Reading(shop=Shop(expected[0].shop)))
    order_ids = [shop.submit(json.loads(canonical_text(entry.document))) for entry in entries]
    for order_id, each in zip(order_ids, expected, strict=True):
        visit.go("orders")
        search(visit, each.reference)
        visit.page.get_by_role("row").filter(has_text=order_id).get_by_role("link").first.click()
        shown = visit.page.get_by_role("dialog")
        expect(fact(shown, "Reference")).to_have_text(each.reference)
        expect(fact(shown, "Address")).to_have_text(each.ship_to["line1"])
        visit.page.keyboard.press("Escape")


@pytest.mark.parametrize("customer", ODD)
def test_a_search_finds_orders_by_any_customer_id(customer, shop, visit):
    own = f"c {customer}"[:128]
    order_id = shop.submit(valid_order(customer_id=own))
    visit.go("orders")
    search(visit, own)
    expect(visit.page.get_by_text("1 order, end of list")).to_be_visible()
    assert ids(visit) == [order_id]
    visit.page.get_by_role("link", name=order_id).click()
    expect(fact(visit.page.get_by_role("dialog"), "Customer")).to_have_text(own)


def test_an_order_whose_customer_and_reference_are_equal_is_listed_once(shop, visit):
    both = [shop.submit(valid_order(customer_id="both", reference="both")) for _ in range(2)]
    other = shop.submit(valid_order(reference="both"))
    visit.go("orders?q=both")
    expect(visit.page.get_by_text("3 orders, end of list")).to_be_visible()
    assert ids(visit) == [other, *reversed(both)]


def test_a_question_mark_in_a_link_belongs_to_the_search(shop, visit):
    order_id = shop.submit(valid_order(reference="a?b"))
    visit.go("orders?q=a?b")
    expect(visit.page.get_by_role("link", name=order_id)).to_be_visible()


def test_characters_that_change_the_direction_of_text_are_visible(shop, visit):
    shop.submit(valid_order(customer_id="cust_\u202e321", reference="bidi"))
    visit.go("orders?q=bidi")
    expect(visit.page.get_by_text(r"cust_\u202e321", exact=True)).to_be_visible()


def test_failed_orders_are_listed_and_redriven_with_their_reference(shop, visit):
    shop.set_warehouse(Mood.REFUSES)
    order_id = shop.submit(valid_order(reference="<b>#1001</b>"))
    shop.settled([order_id])
    visit.go("failed")
    row = visit.page.get_by_role("row").filter(has_text=order_id)
    expect(row.get_by_text("<b>#1001</b>", exact=True)).to_be_visible()
    row.get_by_role("button", name="Redrive").click()
    dialog = visit.page.get_by_role("dialog", name="Redrive")
    dialog.get_by_label("Note").fill("to see")
    dialog.get_by_label("Dry run").check()
    dialog.get_by_role("button", name="Dry run", exact=True).click()
    expect(dialog.get_by_role("row").filter(has_text=order_id).get_by_text("<b>#1001</b>", exact=True)).to_be_visible()


@pytest.mark.parametrize("viewport", [{"width": 320, "height": 640}, PHONE, {"width": 1280, "height": 900}])
def test_long_texts_do_not_widen_the_page(viewport, shop, open_console):
    long = "x" * 128
    item = {**WHOLE["items"][0], "product_id": long, "name": long, "sku": long, "line_id": long}
    adjustments = [{"kind": "tax", "amount": 6.4, "label": long}]
    texts = dict.fromkeys(("customer_id", "reference", "service_level", "note"), long)
    whole = {**WHOLE, **texts, "items": [item], "adjustments": adjustments, "ship_to": {**ADDRESS, "line1": long}}
    order_id = shop.submit(valid_order(**whole))
    visit = open_console(shop.base, viewport=viewport)
    for where in ("orders", f"orders/{order_id}"):
        visit.go(where)
        expect(visit.page.get_by_text(order_id).first).to_be_visible()
        boxes = '[document.documentElement, ...document.querySelectorAll("dialog[open]")]'
        assert visit.page.evaluate(f"{boxes}.every((box) => box.scrollWidth <= innerWidth)"), where
