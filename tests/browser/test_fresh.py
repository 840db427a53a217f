"""The console of a system without orders."""

import pytest
from playwright.sync_api import Route, expect

from tests.browser.orders import open_shop

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def shop():
    with open_shop(fulfillment_success_rate=1) as shop:
        yield shop


@pytest.fixture
def page(shop, open_console):
    return open_console(shop.base).page


def test_the_empty_live_page_links_to_the_first_order(shop, page):
    page.goto(f"{shop.base}/console")
    expect(page.get_by_text("No orders yet.")).to_be_visible()
    expect(page.get_by_role("img", name="no order was fulfilled or failed")).to_be_visible()
    expect(page.get_by_text("All orders are in a terminal status.")).to_be_visible()
    expect(page.get_by_text("No order has failed.")).to_be_visible()
    page.get_by_role("link", name="Submit the first one").click()
    expect(page.get_by_role("heading", name="Try it", level=1)).to_be_visible()


def test_the_empty_list_of_orders_links_to_the_first_order(shop, page):
    page.goto(f"{shop.base}/console#/orders")
    expect(page.get_by_text("No orders yet")).to_be_visible()
    page.get_by_role("main").get_by_role("link", name="Try it").click()
    expect(page.get_by_role("button", name="Submit order")).to_be_visible()


def test_the_empty_list_of_failed_orders_explains_itself(shop, page):
    page.goto(f"{shop.base}/console#/failed")
    expect(page.get_by_text("No order has failed")).to_be_visible()
    expect(page.get_by_role("button", name="Redrive all…")).to_be_hidden()


def test_the_content_security_policy_allows_own_files_only(shop):
    for path in ("/console", "/console/main.js"):
        policy = shop.http.get(path).headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


def test_an_unknown_link_opens_the_live_page(shop, page):
    page.goto(f"{shop.base}/console#/nowhere/%zz")
    expect(page.get_by_role("heading", name="Live", level=1)).to_be_visible()


def test_the_page_works_below_the_stage_of_a_gateway(shop, open_console):
    visit = open_console(f"{shop.base}/dev")
    visit.expects("404")
    asked: list[str] = []

    def stage(route: Route) -> None:
        asked.append(route.request.url)
        if route.request.url.endswith("/stats/live"):
            route.fulfill(status=404, body="")
        else:
            route.fulfill(response=route.fetch(url=route.request.url.replace("/dev/", "/", 1)))

    visit.page.route("**/dev/**", stage)
    visit.page.on("request", lambda request: asked.append(request.url))
    visit.go("live")
    expect(visit.page.get_by_text("No orders yet.")).to_be_visible()
    visit.page.get_by_role("link", name="Failed", exact=True).click()
    expect(visit.page.get_by_text("No order has failed")).to_be_visible()
    assert all(url.startswith(f"{shop.base}/dev/") for url in asked)
