import re

import pytest
from playwright.sync_api import expect

from tests.browser.orders import open_shop

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def shop():
    with open_shop(fulfillment_success_rate=1) as shop:
        yield shop


@pytest.fixture
def visit(shop, open_console):
    visit = open_console(shop.base)
    visit.go("try")
    return visit


def submit(visit, preset: str) -> None:
    visit.page.get_by_role("radio", name=re.compile(f"^{preset}")).check()
    visit.page.get_by_role("button", name="Submit order").click()


def test_a_valid_order_is_shown_until_it_is_fulfilled(shop, visit):
    submit(visit, "Valid")
    steps = visit.page.get_by_role("list", name="Timeline").get_by_role("listitem")
    expect(steps.last).to_contain_text("FULFILLED")
    expect(visit.page.get_by_text("202 Accepted")).to_be_visible()
    expect(visit.page.get_by_text("The order is now FULFILLED.")).to_be_attached()
    visit.page.get_by_role("link", name="Open the order").click()
    expect(visit.page.get_by_role("dialog").get_by_text("72.48 USD").first).to_be_visible()


def test_the_timeline_grows_while_the_order_is_processed(shop, visit):
    shop.set_success_rate(0)
    submit(visit, "Valid")
    expect(visit.page.get_by_text("in progress…")).to_be_visible()
    steps = visit.page.get_by_role("list", name="Timeline").get_by_role("listitem")
    expect(steps.filter(has_text="attempt 1 of 3")).to_be_visible()
    shop.set_success_rate(1)
    expect(steps.last).to_contain_text("FULFILLED")


def test_an_invalid_order_shows_every_invalid_field(visit):
    visit.expects("422")
    submit(visit, "Invalid")
    expect(visit.page.get_by_text("The order is not valid")).to_be_visible()
    wrong = visit.page.get_by_role("table", name="Errors by JSON Pointer")
    for pointer, what in (
        ("/customer_id", "must"),
        ("/items/0/quantity", "must be at least 1"),
        ("/items/0/price", "must be a number"),
        ("/gift", "not"),
    ):
        expect(wrong.get_by_role("row").filter(has_text=pointer)).to_contain_text(what)
    expect(visit.page.get_by_role("list", name="Timeline")).to_have_count(0)


def test_a_lenient_order_is_accepted_then_rejected(visit):
    submit(visit, "Lenient")
    expect(visit.page.get_by_text("handling=lenient", exact=True)).to_be_visible()
    expect(visit.page.get_by_role("list", name="Timeline").get_by_text("REJECTED")).to_be_visible()
    expect(visit.page.get_by_role("row", name="/customer_id is required")).to_be_visible()


def test_an_order_sent_twice_with_one_key_is_one_order(visit):
    submit(visit, "Repeated")
    expect(visit.page.get_by_text("One order: the second response repeats the first")).to_be_visible()
    first, second = visit.page.locator(".answer").all()
    assert first.get_by_role("link").inner_text() == second.get_by_role("link").inner_text()
    expect(first.get_by_text("Idempotency-Replayed")).to_have_count(0)
    expect(second.get_by_text("Idempotency-Replayed")).to_be_visible()


def test_invalid_json_is_sent_unchanged_and_the_api_reports_the_error(visit):
    visit.expects("400")
    visit.page.get_by_label("Order (JSON)").fill('{"customer_id": ')
    visit.page.get_by_role("button", name="Submit order").click()
    expect(visit.page.get_by_text("The body is not acceptable JSON")).to_be_visible()
