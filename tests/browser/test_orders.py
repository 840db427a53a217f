import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.orders import open_shop
from tests.support import valid_order

pytestmark = pytest.mark.browser

NO_OBSERVER = "window.IntersectionObserver = class { observe() {} unobserve() {} disconnect() {} }"


@pytest.fixture(scope="module")
def shop():
    with open_shop(fulfillment_success_rate=1) as shop:
        yield shop


@pytest.fixture(scope="module")
def fulfilled(shop):
    """Enough orders for two pages."""
    orders = [shop.submit(valid_order(customer_id=f"cust_{number % 2}")) for number in range(24)]
    shop.settled(orders)
    return orders


@pytest.fixture(scope="module")
def rejected(shop):
    order_id = shop.submit({"customer_id": "cust_0", "items": [1, {"quantity": "two"}]}, Prefer="handling=lenient")
    shop.settled([order_id])
    return order_id


@pytest.fixture
def visit(shop, fulfilled, rejected, open_console):
    return open_console(shop.base)


def ids(page: Page) -> list[str]:
    return page.locator("tbody a.id").all_inner_texts()


def test_orders_of_all_statuses_are_listed_by_last_change(shop, fulfilled, rejected, visit):
    visit.go("orders")
    expect(visit.page.get_by_text("20 orders shown")).to_be_visible()
    visit.scroll_to_end()
    expect(visit.page.get_by_text("25 orders, end of list")).to_be_visible()
    listed = ids(visit.page)
    assert sorted(listed) == sorted([*fulfilled, rejected])
    changed = [shop.order(order_id)["updated_at"] for order_id in listed]
    assert changed == sorted(changed, reverse=True)


def test_a_button_loads_more_orders(visit):
    visit.page.add_init_script(NO_OBSERVER)
    visit.go("orders")
    expect(visit.page.get_by_text("20 orders shown")).to_be_visible()
    visit.page.get_by_role("button", name="Load more").press("Enter")
    expect(visit.page.get_by_text("25 orders, end of list")).to_be_visible()


def test_a_status_filters_and_is_in_the_link(rejected, visit):
    visit.go("orders")
    visit.page.get_by_label("Status").select_option("REJECTED")
    expect(visit.page.get_by_text("1 order, end of list")).to_be_visible()
    assert ids(visit.page) == [rejected]
    expect(visit.page).to_have_url(re.compile(r"#/orders\?status=REJECTED$"))
    visit.page.reload()
    expect(visit.page.get_by_label("Status")).to_have_value("REJECTED")
    expect(visit.page.get_by_text("1 order, end of list")).to_be_visible()


def test_a_date_filters_the_orders(visit):
    visit.go("orders")
    expect(visit.page.get_by_text("20 orders shown")).to_be_visible()
    visit.page.get_by_label("Updated to").fill("2026-01-31")
    expect(visit.page.get_by_text("No order matches the filters")).to_be_visible()
    visit.page.get_by_label("Updated to").fill("")
    visit.page.get_by_label("Updated from").fill("2026-01-31")
    expect(visit.page.get_by_text("20 orders shown")).to_be_visible()


def test_a_customer_search_can_be_filtered_by_status(shop, fulfilled, rejected, visit):
    visit.go("orders")
    visit.page.get_by_label("Order id, customer id or reference").fill("cust_0")
    visit.page.keyboard.press("Enter")
    expect(visit.page.get_by_text("13 orders, end of list")).to_be_visible()
    assert set(ids(visit.page)) == {*fulfilled[::2], rejected}
    visit.page.get_by_label("Status").select_option("REJECTED")
    expect(visit.page.get_by_text("1 order, end of list")).to_be_visible()
    assert ids(visit.page) == [rejected]


def test_a_search_for_an_order_id_opens_the_order(fulfilled, visit):
    visit.go("orders")
    visit.page.get_by_label("Order id, customer id or reference").fill(fulfilled[0])
    visit.page.get_by_role("button", name="Search").click()
    expect(visit.page.get_by_role("dialog").get_by_role("heading", name=fulfilled[0])).to_be_visible()


@pytest.mark.parametrize(
    ("wanted", "answer"),
    [("ord_0000", "No order, customer or reference matches"), ("nobody", "No customer or reference matches")],
)
def test_a_search_without_a_match_says_so(visit, wanted, answer):
    visit.expects("404")
    visit.go("orders")
    visit.page.get_by_label("Order id, customer id or reference").fill(wanted)
    visit.page.get_by_role("button", name="Search").click()
    expect(visit.page.get_by_text(answer)).to_be_visible()


def test_an_invalid_id_shows_the_errors_of_the_api(visit):
    visit.expects("422")
    visit.go(f"orders?q={'c' * 129}")
    expect(visit.page.get_by_role("alert").get_by_text("The parameters are not valid")).to_be_visible()
    # The search asks for a customer and for a reference; whichever is refused first is shown.
    shown = visit.page.get_by_role("alert").get_by_text(re.compile("^(customer_id|reference)$"))
    expect(shown).to_be_visible()


def test_an_order_shows_its_timeline_its_items_and_its_total(fulfilled, visit):
    visit.go(f"orders/{fulfilled[0]}")
    order = visit.page.get_by_role("dialog")
    steps = order.get_by_role("list", name="Timeline").get_by_role("listitem")
    expect(steps).to_have_count(4)
    for step, (status, actor) in zip(
        steps.all(),
        [("RECEIVED", "api"), ("PENDING", "workflow"), ("PROCESSING", "fulfillment"), ("FULFILLED", "fulfillment")],
        strict=True,
    ):
        expect(step).to_contain_text(status)
        expect(step).to_contain_text(f"by {actor}")
    expect(steps.nth(1)).to_contain_text(re.compile(r"\+\d+ ms|\+[\d.]+ s"))
    expect(steps.last).to_contain_text("attempt 1 succeeded")
    items = order.get_by_role("table", name="Items")
    expect(items.get_by_role("row", name="prod_456 2 29.99 59.98")).to_be_visible()
    expect(items.get_by_role("row", name="Total 59.98 USD")).to_be_visible()


def test_a_rejected_order_shows_its_errors_and_malformed_items(rejected, visit):
    visit.go(f"orders/{rejected}")
    wrong = visit.page.get_by_role("table", name="Errors by JSON Pointer")
    expect(wrong.get_by_role("row", name="/total_amount is required")).to_be_visible()
    expect(wrong.get_by_role("row", name="/items/1/quantity")).to_be_visible()
    expect(visit.page.get_by_role("table", name="Items").get_by_role("row", name="– two")).to_be_visible()
    expect(visit.page.get_by_role("button", name="Cancel order")).to_have_count(0)
    expect(visit.page.get_by_text('"quantity": "two"')).to_be_visible()


def test_a_link_to_an_unknown_order_says_so(visit):
    visit.expects("404")
    visit.go("orders/ord_none")
    expect(visit.page.get_by_role("dialog").get_by_text("There is no such order")).to_be_visible()


def test_the_back_button_closes_the_order(fulfilled, visit):
    visit.go("live")
    visit.page.get_by_role("link", name="Orders", exact=True).click()
    visit.page.get_by_role("link", name=re.compile("^ord_")).first.click()
    expect(visit.page.get_by_role("dialog")).to_be_visible()
    visit.page.go_back()
    expect(visit.page.get_by_role("dialog")).to_have_count(0)
    expect(visit.page.get_by_role("heading", name="Orders", level=1)).to_be_visible()
    visit.page.go_back()
    expect(visit.page.get_by_role("heading", name="Live", level=1)).to_be_visible()


def test_closing_an_order_goes_back_to_the_list_as_it_was(fulfilled, visit):
    visit.go("live")
    visit.go("orders?q=cust_1")
    expect(visit.page.get_by_text("12 orders, end of list")).to_be_visible()
    visit.page.get_by_role("link", name=fulfilled[1]).click()
    visit.page.get_by_role("dialog").get_by_role("button", name="Close").click()
    expect(visit.page).to_have_url(re.compile(r"#/orders\?q=cust_1$"))
    expect(visit.page.get_by_text("12 orders, end of list")).to_be_visible()
    expect(visit.page.get_by_role("link", name=fulfilled[1])).to_be_focused()
    visit.page.go_back()
    expect(visit.page.get_by_role("heading", name="Live", level=1)).to_be_visible()
    expect(visit.page.get_by_role("dialog")).to_have_count(0)


def test_no_order_is_listed_twice(visit, fulfilled):
    visit.go("orders?status=FULFILLED")
    expect(visit.page.get_by_text("20 orders shown")).to_be_visible()
    visit.scroll_to_end()
    expect(visit.page.get_by_text("24 orders, end of list")).to_be_visible()
    listed = ids(visit.page)
    assert len(listed) == len(set(listed)) == len(fulfilled)
