"""Which requests the console repeats, and which it does not, against a stubbed API."""

import pytest
from playwright.sync_api import expect

from tests.browser.stub import BASE, BROKEN, UNAVAILABLE, StubApi, failed_order, failed_page, order, orders_page

pytestmark = pytest.mark.browser

REDRIVE_ONE = "/failed-orders/ord_1/redrive"
UNKNOWN = (404, {"type": "urn:dofs:problem:order-not-found", "title": "There is no such order", "status": 404})


@pytest.fixture
def stub():
    stub = StubApi()
    stub.on("GET", "/failed-orders", failed_page(failed_order()))
    return stub


@pytest.fixture
def visit(stub, open_console):
    visit = open_console(BASE)
    visit.expects("404", "503", "ERR_CONNECTION_RESET")
    stub.install(visit.page)
    return visit


def redrive_one(visit):
    """Submit the redrive dialog of the only failed order; return the dialog."""
    visit.go("failed")
    visit.page.get_by_role("button", name="Redrive ord_1").click()
    dialog = visit.page.get_by_role("dialog", name="Redrive")
    dialog.get_by_label("Note").fill("stock has arrived")
    dialog.get_by_role("button", name="Redrive", exact=True).click()
    return dialog


def test_a_post_whose_connection_broke_is_not_sent_again(stub, visit):
    stub.on("POST", REDRIVE_ONE, BROKEN, order(status="PENDING"))
    dialog = redrive_one(visit)
    expect(dialog.get_by_role("button", name="Try again")).to_be_visible()
    assert len(stub.sent("POST", REDRIVE_ONE)) == 1


def test_an_order_whose_connection_broke_is_not_submitted_again(stub, visit):
    stub.on("POST", "/order", BROKEN, (202, {"order_id": "ord_1", "status": "RECEIVED"}))
    visit.go("try")
    visit.page.get_by_role("button", name="Submit order").click()
    expect(visit.page.locator(".try-result").get_by_text("The API cannot be reached")).to_be_visible()
    assert len(stub.sent("POST", "/order")) == 1


def test_a_get_whose_connection_broke_is_sent_once_more(stub, visit):
    stub.on("GET", "/failed-orders", BROKEN, failed_page(failed_order()))
    visit.go("failed")
    expect(visit.page.get_by_text("1 failed order,")).to_be_visible()
    expect(visit.page.get_by_text("The API cannot be reached.")).to_have_count(0)
    assert len(stub.sent("GET", "/failed-orders")) == 2


def test_a_get_is_sent_twice_at_most_until_the_api_is_reachable(stub, visit):
    stub.on("GET", "/failed-orders", BROKEN)
    stub.on("GET", "/stats", BROKEN)
    stub.on("GET", "/stats/live", BROKEN)
    stub.on("GET", "/health", BROKEN)
    visit.go("failed")
    expect(visit.page.get_by_text("The API cannot be reached.")).to_be_visible()
    expect(visit.page.get_by_text("Waiting for the API…")).to_be_visible()
    assert len(stub.sent("GET", "/failed-orders")) == 2


def test_a_redrive_that_failed_is_repeated_by_the_operator_with_the_same_note_and_epoch(stub, visit):
    stub.on("POST", REDRIVE_ONE, UNAVAILABLE, order(status="PENDING"))
    dialog = redrive_one(visit)
    dialog.get_by_role("button", name="Try again").click()
    expect(dialog.get_by_role("cell", name="Already redriven")).to_be_visible()
    first, second = stub.sent("POST", REDRIVE_ONE)
    assert first.body == second.body == {"note": "stock has arrived", "epoch": 0}


def test_an_open_order_is_requested_again_after_an_unavailable_api(stub, visit):
    stub.on("GET", "/orders/ord_1", UNAVAILABLE, order(status="PENDING"), order(status="FULFILLED"))
    visit.go("orders/ord_1")
    expect(visit.page.get_by_role("list", name="Timeline").get_by_text("PENDING")).to_be_visible()


@pytest.mark.parametrize(
    ("response", "shown"),
    [(order(status="FULFILLED"), "Timeline"), (UNKNOWN, "There is no such order")],
    ids=["terminal", "unknown"],
)
def test_a_terminal_or_unknown_order_is_requested_once(response, shown, stub, visit):
    stub.on("GET", "/orders/ord_1", response)
    visit.page.clock.install()
    visit.go("orders/ord_1")
    expect(visit.page.get_by_role("dialog").get_by_text(shown).first).to_be_visible()
    visit.page.clock.run_for(5_000)
    visit.page.evaluate("fetch('/after')")  # the stub records requests in order
    assert len(stub.sent("GET", "/after")) == 1
    assert len(stub.sent("GET", "/orders/ord_1")) == 1


def test_a_page_that_failed_is_requested_again_with_its_cursor(stub, visit):
    first = [failed_order(f"ord_{number}") for number in range(20)]
    stub.on(
        "GET", "/failed-orders", failed_page(*first, cursor="c1"), UNAVAILABLE, failed_page(failed_order("ord_last"))
    )
    visit.go("failed")
    visit.scroll_to_end()
    visit.page.get_by_role("button", name="Try again").click()
    expect(visit.page.get_by_text("21 failed orders,")).to_be_visible()
    assert [request.query.get("cursor") for request in stub.sent("GET", "/failed-orders")] == [None, "c1", "c1"]


def test_pages_without_a_match_are_passed_over_up_to_the_last_page(stub, visit):
    pages = {
        None: orders_page(cursor="c1"),
        "c1": orders_page(cursor="c2"),
        "c2": orders_page(order("ord_3", "FULFILLED")),
    }
    stub.on(
        "GET", "/orders", lambda sent: pages[sent.query.get("cursor")] if "customer_id" in sent.query else orders_page()
    )
    visit.go("orders?q=cust_1&status=FULFILLED")
    expect(visit.page.get_by_text("1 order,")).to_be_visible()
    expect(visit.page.get_by_role("link", name="ord_3")).to_be_visible()
    by_customer = [sent.query for sent in stub.sent("GET", "/orders") if "customer_id" in sent.query]
    assert [query.get("cursor") for query in by_customer] == [None, "c1", "c2"]


def test_a_cancellation_is_sent_only_after_it_is_confirmed(stub, visit):
    stub.on("GET", "/orders/ord_1", order(status="PENDING"))
    stub.on("POST", "/orders/ord_1/cancel", order(status="CANCELLED"))
    visit.go("orders/ord_1")
    for dismiss in (
        lambda question: question.press("Escape"),
        lambda question: question.get_by_text("Keep order").click(),
    ):
        visit.page.get_by_role("button", name="Cancel order").click()
        question = visit.page.get_by_role("dialog", name="Cancel this order?")
        dismiss(question)
        expect(question).to_have_count(0)
        assert stub.sent("POST", "/orders/ord_1/cancel") == []
    visit.page.get_by_role("button", name="Cancel order").click()
    with visit.page.expect_response("**/orders/ord_1/cancel"):
        question.get_by_role("button", name="Cancel order").click()
    expect(question).to_have_count(0)
    assert len(stub.sent("POST", "/orders/ord_1/cancel")) == 1
