"""The console with PENDING orders: there are 30 seconds between two attempts."""

import pytest
from playwright.sync_api import expect

from tests.browser.orders import open_shop, until

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def shop():
    with open_shop(retry_delay=30) as shop:
        yield shop


@pytest.fixture
def waiting(shop):
    """A PENDING order between its first and its second attempt."""
    shop.set_success_rate(0)
    order_id = shop.submit()
    until(lambda: shop.order(order_id), lambda order: order["attempts"] == 1 and order["status"] == "PENDING")
    return order_id


@pytest.fixture
def visit(shop, open_console):
    return open_console(shop.base)


def test_the_live_page_links_to_the_oldest_open_order(shop, waiting, visit):
    oldest = shop.http.get("/stats").json()["oldest_open"]["order_id"]
    visit.go("live")
    visit.page.get_by_role("link", name=oldest).click()
    expect(visit.page.get_by_role("dialog").get_by_role("heading", name=oldest)).to_be_focused()


def test_an_open_order_is_updated_without_a_reload(shop, waiting, visit):
    visit.go(f"orders/{waiting}")
    steps = visit.page.get_by_role("list", name="Timeline").get_by_role("listitem")
    expect(steps).to_have_count(4)
    shop.set_success_rate(1)
    shop.deliver(waiting)
    expect(steps).to_have_count(6)
    expect(steps.last).to_contain_text("FULFILLED")
    expect(visit.page.get_by_text("The order is now FULFILLED.")).to_be_attached()
    expect(visit.page.get_by_role("button", name="Cancel order")).to_have_count(0)


def test_a_pending_order_is_cancelled_after_a_confirmation(shop, waiting, visit):
    visit.go(f"orders/{waiting}")
    visit.page.get_by_role("button", name="Cancel order").click()
    question = visit.page.get_by_role("dialog", name="Cancel this order?")
    question.get_by_role("button", name="Keep order").click()
    assert shop.order(waiting)["status"] == "PENDING"
    visit.page.get_by_role("button", name="Cancel order").click()
    question.get_by_role("button", name="Cancel order").click()
    steps = visit.page.get_by_role("list", name="Timeline").get_by_role("listitem")
    expect(steps.last).to_contain_text("CANCELLED")
    assert shop.order(waiting)["status"] == "CANCELLED"
    visit.page.keyboard.press("Escape")
    row = visit.page.get_by_role("row").filter(has_text=waiting)
    expect(row.get_by_text("CANCELLED")).to_be_visible()


def test_a_late_cancellation_shows_an_error(shop, waiting, visit):
    visit.expects("409")
    visit.go(f"orders/{waiting}")
    visit.page.get_by_role("button", name="Cancel order").click()
    shop.set_success_rate(1)
    shop.deliver(waiting)
    shop.settled([waiting])
    visit.page.get_by_role("dialog", name="Cancel this order?").get_by_role("button", name="Cancel order").click()
    expect(visit.page.get_by_role("alert").filter(has_text="The order is FULFILLED.")).to_be_visible()
    expect(visit.page.get_by_role("list", name="Timeline").get_by_text("FULFILLED")).to_be_visible()
