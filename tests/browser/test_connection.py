"""The console when the API is unreachable or requires a credential."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.orders import open_shop

pytestmark = pytest.mark.browser

CONSOLE = re.compile(r"/console(/[\w.]*)?$")
OPERATORS = re.compile("(?<!console)/(stats|failed-orders)")
REFUSED = "the server responded with a status of 403"


@pytest.fixture(scope="module")
def shop():
    with open_shop(fulfillment_success_rate=1) as shop:
        shop.settled([shop.submit()])
        yield shop


def is_api(url: str) -> bool:
    return not CONSOLE.search(url)


def behind_a_key(page: Page, header: str = "x-api-key", value: str = "secret") -> None:
    """Reject requests without the key, as API Gateway does."""

    def guard(route: Route) -> None:
        if route.request.headers.get(header) == value:
            route.continue_()
        else:
            route.fulfill(status=403, json={"message": "Forbidden"})

    page.route(is_api, guard)


@pytest.mark.parametrize("section", ["live", "orders", "failed"])
def test_an_unreachable_api_shows_a_banner_until_it_responds(shop, open_console, section):
    visit = open_console(shop.base)
    visit.expects("ERR_FAILED")
    visit.page.route(is_api, lambda route: route.abort())
    visit.go(section)
    banner = visit.page.get_by_role("alert").filter(has_text="cannot be reached. The data shown")
    expect(banner).to_be_visible()
    visit.page.unroute_all(behavior="wait")
    expect(banner).to_be_hidden()
    found = {"live": "the API streams updates", "orders": "1 order, end of list", "failed": "No order has failed"}
    expect(visit.page.get_by_text(found[section])).to_be_visible()


def test_an_api_that_becomes_unreachable_can_be_retried_at_once(shop, open_console):
    visit = open_console(shop.base)
    visit.expects("ERR_")
    visit.page.clock.install()
    visit.go("live")
    expect(visit.page.get_by_text("the API streams updates")).to_be_visible()
    visit.page.context.set_offline(True)
    visit.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(visit.page.get_by_text("The API cannot be reached.")).to_be_visible()
    expect(visit.page.get_by_role("link", name=re.compile(r"\bFULFILLED$"))).to_be_visible()
    visit.page.context.set_offline(False)
    visit.page.get_by_role("button", name="Retry now").click()
    expect(visit.page.get_by_text("The API cannot be reached.")).to_have_count(0)


def test_a_key_is_stored_for_the_tab_until_sign_out(shop, open_console):
    visit = open_console(shop.base)
    visit.expects(REFUSED)
    behind_a_key(visit.page)
    visit.go("live")
    form = visit.page.get_by_role("dialog", name="Sign in to the API")
    expect(form).to_contain_text("The API responded with status 403")
    form.get_by_label("Key or token").fill("wrong")
    form.get_by_role("button", name="Sign in").click()
    expect(form).to_contain_text("to this API key")
    form.get_by_label("Key or token").fill("secret")
    form.get_by_label("Key or token").press("Enter")
    expect(visit.page.get_by_text("polling every 5 seconds")).to_be_visible()
    expect(form).to_have_count(0)
    expect(visit.page.get_by_text("API key in use for this tab.")).to_be_visible()
    streams = []
    visit.page.on("request", lambda request: streams.append(request.url) if "/stats/live" in request.url else None)
    visit.page.reload()
    expect(visit.page.get_by_text("polling every 5 seconds")).to_be_visible()
    assert streams == [], "a stream cannot bring the key"
    assert "secret" not in visit.page.evaluate("JSON.stringify(localStorage) + document.cookie")
    visit.page.get_by_role("button", name="Sign out").click()
    expect(form).to_be_visible()
    assert visit.page.evaluate("sessionStorage.length") == 0


def test_sign_in_can_be_postponed(shop, open_console):
    visit = open_console(shop.base)
    visit.expects(REFUSED)
    behind_a_key(visit.page)
    visit.go("orders?status=FULFILLED")
    form = visit.page.get_by_role("dialog", name="Sign in to the API")
    form.get_by_role("button", name="Not now").click()
    visit.page.get_by_role("link", name="Try it").click()
    expect(visit.page.get_by_role("button", name="Submit order")).to_be_visible()
    visit.page.get_by_role("link", name="Orders").click()
    visit.page.get_by_role("button", name="Sign in…").click()
    form.get_by_label("Key or token").fill("secret")
    form.get_by_role("button", name="Sign in").click()
    expect(visit.page.get_by_text("1 order, end of list")).to_be_visible()
    expect(visit.page.get_by_role("button", name="Sign in…")).to_have_count(0)


def test_a_link_to_an_order_works_after_sign_in(shop, open_console):
    visit = open_console(shop.base)
    visit.expects(REFUSED)
    behind_a_key(visit.page)
    order_id = shop.http.get("/orders?status=FULFILLED").json()["orders"][0]["order_id"]
    visit.go(f"orders/{order_id}")
    form = visit.page.get_by_role("dialog", name="Sign in to the API")
    form.get_by_label("Key or token").fill("secret")
    form.get_by_role("button", name="Sign in").click()
    expect(visit.page.get_by_role("list", name="Timeline").get_by_text("FULFILLED")).to_be_visible()


def test_an_id_token_is_sent_in_the_authorization_header(shop, open_console):
    visit = open_console(shop.base)
    visit.expects(REFUSED)
    behind_a_key(visit.page, "authorization", "a.b.c")
    visit.go("orders")
    form = visit.page.get_by_role("dialog", name="Sign in to the API")
    form.get_by_label("ID token").check()
    form.get_by_label("Key or token").fill("a.b.c")
    form.get_by_role("button", name="Sign in").click()
    expect(visit.page.get_by_text("1 order, end of list")).to_be_visible()


def test_a_caller_who_is_no_operator_is_not_asked_for_a_key(shop, open_console):
    visit = open_console(shop.base)
    visit.expects(REFUSED)
    problem = {"type": "urn:dofs:problem:not-operator", "title": "Only operators may do this", "status": 403}
    visit.page.route(OPERATORS, lambda route: route.fulfill(status=403, json=problem))
    visit.go("live")
    expect(visit.page.get_by_role("alert").get_by_text("Only operators may do this")).to_be_visible()
    expect(visit.page.get_by_role("dialog")).to_have_count(0)


def test_a_503_is_shown_and_can_be_retried(shop, open_console):
    visit = open_console(shop.base)
    visit.expects("503")
    problem = {"title": "A dependency does not respond", "status": 503, "detail": "It may in a moment."}
    visit.page.route(re.compile(r"/orders\?"), lambda route: route.fulfill(status=503, json=problem))
    visit.go("orders?status=FULFILLED")
    told = visit.page.get_by_role("alert").filter(has_text="A dependency does not respond")
    expect(told).to_contain_text("It may in a moment.")
    visit.page.unroute_all(behavior="wait")
    told.get_by_role("button", name="Try again").click()
    expect(visit.page.get_by_text("1 order, end of list")).to_be_visible()
    expect(told).to_have_count(0)


def test_disabled_operator_routes_are_reported_and_orders_are_shown(shop, open_console):
    visit = open_console(shop.base)
    visit.expects("404")
    missing = {"type": "urn:dofs:problem:not-found", "title": "Not Found", "status": 404}
    visit.page.route(OPERATORS, lambda route: route.fulfill(status=404, json=missing))
    visit.go("live")
    expect(visit.page.get_by_text("The operator routes are disabled in this deployment.")).to_be_visible()
    visit.go("orders")
    expect(visit.page.get_by_text("1 order, end of list")).to_be_visible()
    visit.go("failed")
    expect(visit.page.get_by_text("The operator routes are disabled in this deployment.")).to_be_visible()
