import json
import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.orders import open_shop

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def shop():
    with open_shop(fulfillment_success_rate=1) as shop:
        yield shop


@pytest.fixture
def live(shop, open_console):
    visit = open_console(shop.base)
    visit.go("live")
    return visit


def figure(page: Page, status: str):
    return page.get_by_role("link", name=re.compile(rf"\b{status}$")).locator(".figure")


def number(text: str) -> int:
    return int(text.replace(",", ""))


def answering_stats(page: Page, change) -> None:
    """Disable the stream, and change each polled response."""

    def answer(route: Route) -> None:
        found = route.fetch().json()
        change(found)
        route.fulfill(json=found)

    page.route("**/stats/live", lambda route: route.fulfill(status=404, json={"title": "Not Found", "status": 404}))
    page.route("**/stats", answer)


def test_updates_are_streamed_and_their_time_is_shown(shop, live):
    expect(live.page.get_by_text("the API streams updates")).to_be_visible()
    expect(live.page.get_by_text(re.compile(r"Updated \d\d:\d\d:\d\d"))).to_be_visible()
    before = number(figure(live.page, "FULFILLED").inner_text())
    shop.submit()
    shop.submit()
    expect(figure(live.page, "FULFILLED")).to_have_text(str(before + 2))


def test_statistics_are_polled_if_there_is_no_stream(shop, open_console):
    visit = open_console(shop.base)
    visit.expects("404")
    visit.page.route("**/stats/live", lambda route: route.fulfill(status=404, body=""))
    visit.go("live")
    expect(visit.page.get_by_text("polling every 5 seconds")).to_be_visible()
    before = number(figure(visit.page, "FULFILLED").inner_text())
    shop.submit()
    expect(figure(visit.page, "FULFILLED")).to_have_text(str(before + 1))


def test_a_hidden_tab_sends_no_requests(shop, open_console):
    visit = open_console(shop.base)
    visit.expects("404")
    asked: list[str] = []
    visit.page.route("**/stats/live", lambda route: route.fulfill(status=404, body=""))
    visit.page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/stats") else None)
    visit.page.clock.install()
    visit.go("live")
    expect(visit.page.get_by_text("polling every 5 seconds")).to_be_visible()
    visible = "Object.defineProperty(document, 'hidden', {{value: {}, configurable: true}});"
    changed = "document.dispatchEvent(new Event('visibilitychange'))"
    visit.page.evaluate(visible.format("true") + changed)
    seen = len(asked)
    visit.page.clock.run_for(60_000)
    assert len(asked) == seen
    with visit.page.expect_request("**/stats"):
        visit.page.evaluate(visible.format("false") + changed)


def test_a_throttled_request_is_retried(shop, open_console):
    visit = open_console(shop.base)
    visit.expects("404", "429")
    visit.page.route("**/stats/live", lambda route: route.fulfill(status=404, body=""))
    visit.page.route("**/stats", lambda route: route.fulfill(status=429, json={"title": "Too many requests"}), times=1)
    visit.page.clock.install()
    visit.go("live")
    with visit.page.expect_response(lambda answer: answer.url.endswith("/stats") and answer.ok):
        visit.page.clock.run_for(20_000)
    expect(figure(visit.page, "FULFILLED")).to_be_visible()


def test_a_lower_bound_is_shown_with_a_plus(shop, open_console):
    visit = open_console(shop.base)
    visit.expects("404")

    def change(stats):
        stats["orders"]["FULFILLED"] = {"count": 2000, "exact": False}
        stats["last_hour"]["since"] = stats["last_hour"]["minutes"][40]["at"]

    answering_stats(visit.page, change)
    visit.go("live")
    expect(figure(visit.page, "FULFILLED")).to_have_text("2,000+")
    expect(visit.page.get_by_text("the last hour has too many orders to count")).to_be_visible()


def test_the_charts_have_text_alternatives(shop, live):
    shop.settled([shop.submit()])
    drawn = re.compile(r"Orders per minute in the last hour: \d+ fulfilled and 0 failed in total\.")
    expect(live.page.get_by_role("img", name=drawn)).to_be_visible()
    expect(live.page.get_by_role("img", name="Success rate in the last hour: 100%")).to_be_visible()
    live.page.get_by_text("Show as a table").first.click()
    table = live.page.get_by_role("table", name="Orders per minute")
    expect(table.locator("tbody tr")).to_have_count(60)
    minutes = table.locator("tbody tr td:nth-child(2)")
    assert sum(map(number, minutes.all_inner_texts())) >= 1
    expect(live.page.get_by_text("50% within")).to_be_visible()


def test_messages_in_the_dead_letter_queue_require_action(shop, live):
    card = live.page.locator("section").filter(has=live.page.get_by_role("heading", name="Dead-letter queue"))
    expect(card.get_by_text("Action required")).to_be_hidden()
    shop.set_success_rate(0)
    shop.settled([shop.submit()])
    shop.set_success_rate(1)
    expect(card.get_by_text("Action required")).to_be_visible()
    expect(card.locator(".big")).to_have_text("1")
    live.page.get_by_role("link", name="The warehouse declined").click()
    expect(live.page).to_have_url(re.compile(r"#/failed\?reason=declined$"))
    expect(live.page.get_by_role("heading", name="Failed", level=1)).to_be_focused()


def test_the_counts_are_those_of_the_api(shop, live):
    stats = json.loads(shop.http.get("/stats").text)
    for status, tally in stats["orders"].items():
        expect(figure(live.page, status)).to_have_text(str(tally["count"]))
