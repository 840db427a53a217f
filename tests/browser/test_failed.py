import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.orders import UNHURRIED, open_shop, until
from tests.browser.warehouse import Mood

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def shop():
    with open_shop(redrive_rate=1000, max_attempts=1, **UNHURRIED) as shop:
        yield shop


@pytest.fixture
def failed(shop):
    """Two declined and three refused orders, and no other FAILED ones. Later attempts succeed."""
    redrive_everything(shop)
    orders = {}
    for reason, mood, number in (("declined", Mood.DECLINES, 2), ("refused", Mood.REFUSES, 3)):
        shop.set_warehouse(mood)
        orders[reason] = [shop.submit() for _ in range(number)]
        shop.settled(orders[reason])
    shop.set_warehouse(Mood.SUCCEEDS)
    return orders


def redrive_everything(shop) -> None:
    shop.set_warehouse(Mood.SUCCEEDS)
    answer = shop.http.post("/failed-orders/redrive", json={"note": "between two tests"})
    shop.settled([result["order_id"] for result in answer.json()["results"]])


@pytest.fixture
def visit(shop, failed, open_console):
    visit = open_console(shop.base)
    visit.go("failed")
    expect(visit.page.get_by_text("5 failed orders, end of list")).to_be_visible()
    return visit


def ids(page: Page) -> list[str]:
    return page.locator(".list tbody a.id").all_inner_texts()


def redrive(page: Page, note: str) -> None:
    """Fill in and submit the open dialog."""
    dialog = page.get_by_role("dialog", name="Redrive")
    dialog.get_by_label("Note").fill(note)
    dialog.get_by_role("button", name="Redrive", exact=True).click()


def operators(order: dict) -> list[str]:
    return [entry["reason"] for entry in order["timeline"] if entry["actor"].startswith("operator")]


def test_failed_orders_are_counted_and_filtered_by_reason(failed, visit):
    reasons = visit.page.get_by_role("group", name="Reasons")
    for text in ("All 5", "declined 2", "refused 3", "error 0", "abandoned 0"):
        expect(reasons.get_by_role("link", name=text)).to_be_visible()
    assert ids(visit.page)[:3] != failed["declined"]
    reasons.get_by_role("link", name="declined").click()
    expect(visit.page.get_by_text("2 failed orders, end of list")).to_be_visible()
    assert sorted(ids(visit.page)) == sorted(failed["declined"])
    expect(reasons.get_by_role("link", name="declined")).to_have_attribute("aria-current", "true")
    reasons.get_by_role("link", name="error").click()
    expect(visit.page.get_by_text("No failed order matches")).to_be_visible()


def test_failed_orders_are_listed_newest_first_with_their_last_error(shop, failed, visit):
    newest = shop.http.get("/failed-orders").json()["failed_orders"]
    assert ids(visit.page) == [each["order_id"] for each in newest]
    row = visit.page.get_by_role("row").filter(has_text=failed["refused"][0])
    expect(row.get_by_text("no carrier goes to this address")).to_be_visible()


def test_a_failed_order_shows_its_failure_and_its_message(shop, failed, visit):
    order_id = failed["declined"][0]
    message = shop.http.get(f"/failed-orders/{order_id}").json()["message_id"]
    assert message
    visit.page.get_by_role("link", name=order_id).click()
    expect(visit.page).to_have_url(re.compile(f"#/failed/{order_id}$"))
    order = visit.page.get_by_role("dialog")
    for text in ("the warehouse is out of stock", "declined: the warehouse declined", message, "none"):
        expect(order.get_by_text(text, exact=True)).to_be_visible()
    expect(order.get_by_role("list", name="Timeline").get_by_role("listitem").last).to_contain_text("attempt 1 of 1")


def test_one_order_is_redriven_from_its_view(shop, failed, visit):
    order_id = failed["declined"][0]
    visit.go(f"failed/{order_id}")
    visit.page.get_by_role("button", name="Redrive…", exact=True).click()
    redrive(visit.page, "stock has come")
    dialog = visit.page.get_by_role("dialog", name="Redrive")
    expect(dialog.get_by_role("row").filter(has_text=order_id).get_by_text("FULFILLED")).to_be_visible()
    dialog.get_by_role("button", name="Close").click()
    steps = visit.page.get_by_role("list", name="Timeline").get_by_role("listitem")
    expect(steps.filter(has_text="stock has come")).to_contain_text("PENDING")
    expect(steps.last).to_contain_text("FULFILLED")
    assert operators(shop.order(order_id)) == ["stock has come"]


def test_only_selected_orders_are_redriven(shop, failed, visit):
    shop.set_warehouse(Mood.SUCCEEDS, pace=0.45)
    chosen = failed["refused"][:2]
    for order_id in chosen:
        visit.page.get_by_role("checkbox", name=f"Select {order_id}").check()
    expect(visit.page.get_by_text("2 selected")).to_be_visible()
    visit.page.get_by_role("button", name="Redrive selected…").click()
    expect(visit.page.get_by_role("dialog").get_by_text("2 selected orders")).to_be_visible()
    redrive(visit.page, "a carrier was found")
    dialog = visit.page.get_by_role("dialog", name="Redrive")
    expect(dialog.get_by_text("2 redriven.")).to_be_visible()
    expect(dialog.get_by_role("cell", name="FULFILLED")).to_have_count(2)
    dialog.get_by_role("link", name=chosen[0]).click()
    expect(visit.page.get_by_role("list", name="Timeline").get_by_text("a carrier was found")).to_be_visible()
    visit.page.keyboard.press("Escape")
    expect(dialog.get_by_text("2 redriven.")).to_be_visible()
    dialog.get_by_role("button", name="Close").click()
    expect(visit.page.get_by_text("3 failed orders, end of list")).to_be_visible()
    assert all(operators(shop.order(order_id)) == ["a carrier was found"] for order_id in chosen)
    rest = [*failed["declined"], failed["refused"][2]]
    assert all(shop.order(order_id)["status"] == "FAILED" for order_id in rest)


def test_all_shown_orders_can_be_selected_at_once(visit):
    everything = visit.page.get_by_role("checkbox", name="Select all shown")
    everything.check()
    expect(visit.page.get_by_text("5 selected")).to_be_visible()
    visit.page.get_by_role("checkbox", name=re.compile("^Select ord_")).first.uncheck()
    expect(everything).not_to_be_checked()
    expect(visit.page.get_by_text("4 selected")).to_be_visible()


def test_a_redrive_needs_a_note(visit):
    sent = []
    visit.page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    visit.page.get_by_role("button", name="Redrive all…").click()
    redrive(visit.page, "   ")
    note = visit.page.get_by_role("dialog").get_by_label("Note")
    expect(note).to_be_focused()
    assert note.evaluate("field => field.validationMessage")
    expect(note).to_have_attribute("maxlength", "200")
    visit.page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(visit.page.get_by_role("dialog")).to_have_count(0)
    assert sent == []


def test_a_dry_run_shows_the_outcomes_and_changes_nothing(shop, failed, visit):
    visit.page.get_by_role("link", name="refused").click()
    visit.page.get_by_role("button", name="Redrive all matching…").click()
    dialog = visit.page.get_by_role("dialog", name="Redrive")
    dialog.get_by_label("Note").fill("to see")
    dialog.get_by_label("Dry run").check()
    dialog.get_by_role("button", name="Dry run", exact=True).click()
    expect(dialog.get_by_text("3 would be redriven.")).to_be_visible()
    assert all(shop.order(order_id)["status"] == "FAILED" for order_id in failed["refused"])
    dialog.get_by_role("button", name="Redrive them now").click()
    expect(dialog.get_by_text("3 redriven.")).to_be_visible()
    shop.settled(failed["refused"])
    assert {shop.order(order_id)["status"] for order_id in failed["refused"]} == {"FULFILLED"}
    assert {shop.order(order_id)["status"] for order_id in failed["declined"]} == {"FAILED"}


def test_all_matching_orders_are_redriven_in_batches(shop, failed, visit):
    shop.set_warehouse(Mood.REFUSES)
    many = [shop.submit() for _ in range(27)]
    shop.settled(many)
    shop.set_warehouse(Mood.SUCCEEDS)
    bodies = []
    visit.page.on(
        "request", lambda request: bodies.append(request.post_data_json) if request.method == "POST" else None
    )
    visit.page.get_by_role("link", name="refused").click()
    visit.page.get_by_role("button", name="Redrive all matching…").click()
    redrive(visit.page, "a carrier was found")
    expect(visit.page.get_by_text("30 redriven.")).to_be_visible()
    assert len(bodies) >= 2
    assert all(body["reason"] == "refused" and body["note"] == "a carrier was found" for body in bodies)
    assert "cursor" not in bodies[0]
    assert all(body["cursor"] for body in bodies[1:])
    shop.settled(many)


def test_a_failed_batch_is_shown_and_can_be_retried(shop, failed, visit):
    visit.expects("503")

    def unavailable(route: Route) -> None:
        problem = {"title": "A dependency does not respond; try again", "status": 503, "detail": "the table"}
        route.fulfill(status=503, json=problem)

    visit.page.route("**/failed-orders/redrive", unavailable, times=1)
    visit.page.get_by_role("button", name="Redrive all…").click()
    redrive(visit.page, "all is well")
    dialog = visit.page.get_by_role("dialog", name="Redrive")
    expect(dialog.get_by_role("alert")).to_contain_text("A dependency does not respond")
    expect(dialog.get_by_role("alert")).to_contain_text("the table")
    dialog.get_by_role("button", name="Try again").click()
    expect(dialog.get_by_text("5 redriven.")).to_be_visible()
    shop.settled([*failed["declined"], *failed["refused"]])


def test_an_order_redriven_meanwhile_is_not_redriven_again(shop, failed, visit):
    order_id = failed["declined"][1]
    visit.page.get_by_role("checkbox", name=f"Select {order_id}").check()
    answer = shop.http.post(f"/failed-orders/{order_id}/redrive", json={"note": "somebody else's"})
    assert answer.status_code == 200
    shop.settled([order_id])
    visit.page.get_by_role("button", name="Redrive selected…").click()
    redrive(visit.page, "mine")
    dialog = visit.page.get_by_role("dialog", name="Redrive")
    row = dialog.get_by_role("row").filter(has_text=order_id)
    expect(row.get_by_text(re.compile("Already redriven|Not failed"))).to_be_visible()
    assert operators(shop.order(order_id)) == ["somebody else's"]


def test_a_redrive_of_another_operator_is_not_reported_as_own(shop, failed, visit):
    order_id = failed["declined"][1]
    row = visit.page.get_by_role("row").filter(has_text=order_id)
    row.get_by_role("button", name=re.compile("Redrive")).click()
    assert shop.http.post(f"/failed-orders/{order_id}/redrive", json={"note": "somebody else's"}).status_code == 200
    redrive(visit.page, "mine")
    dialog = visit.page.get_by_role("dialog", name="Redrive")
    expect(dialog.get_by_role("row").filter(has_text=order_id).get_by_text("Already redriven")).to_be_visible()
    shop.settled([order_id])
    assert operators(shop.order(order_id)) == ["somebody else's"]


def test_failed_orders_can_be_filtered_by_time(shop, failed, visit):
    asked = []
    visit.page.on("request", lambda request: asked.append(request.url) if "/failed-orders?" in request.url else None)
    visit.page.get_by_label("Failed", exact=True).select_option("In the last hour")
    expect(visit.page).to_have_url(re.compile(r"#/failed\?hours=1$"))
    expect(visit.page.get_by_text("5 failed orders, end of list")).to_be_visible()
    until(lambda: asked, lambda urls: any("failed_after=" in url for url in urls))
