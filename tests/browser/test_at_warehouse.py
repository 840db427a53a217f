"""Orders at the warehouse: their list, their parcels, and what operators do about them, against a stubbed API."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from service.orders.lines import UNNAMED
from tests.browser.browsing import DESKTOP, PHONE
from tests.browser.stub import BASE, StubApi, failed_order, order, orders_page

pytestmark = pytest.mark.browser

SINCE, DUE = "2026-01-31T09:30:00.000Z", "2026-02-02T09:30:00.000Z"
DELIVERY = {"key": "ord_1-d1", "asked": 1, "lines": None, "at_warehouse_since": SINCE, "overdue": True, "looks": 3}
ITEMS = [{"product_id": "lamp", "quantity": 2, "price": 1}, {"product_id": "bulb", "quantity": 1, "line_id": "L2"}]
PARCEL = {
    **{"id": "s1", "delivery": 1, "carrier": "DHL", "tracking_number": "0034", "shipped_at": SINCE},
    **{"tracking_url": "https://tracking.example/0034", "items": [{"line_id": "L2", "quantity": 1}]},
}
SHIPPED = [{"line_id": "1", "quantity": 1}, {"line_id": "L2", "quantity": 1}]
THERE = order(status="AT_WAREHOUSE", delivery=DELIVERY, due_at=DUE, items=ITEMS, shipped=SHIPPED, shipments=[PARCEL])
NOT_THERE = (
    409,
    {
        "type": "urn:dofs:problem:not-at-warehouse",
        "title": "The warehouse does not have the order",
        "status": 409,
        "detail": "The order is FULFILLED, and not at the warehouse.",
    },
)
SILENT = (502, {"type": "urn:dofs:problem:no-usable-answer", "title": "No usable answer", "status": 502})


def after(status, reason, **changes):
    """The order after an act."""
    entry = {"at": DUE, "from": "AT_WAREHOUSE", "to": status, "actor": "operator:ann", "reason": reason}
    return {**THERE, "status": status, "updated_at": DUE, "timeline": [*THERE["timeline"], entry], **changes}


@pytest.fixture
def stub():
    stub = StubApi()
    stub.on("GET", "/orders", orders_page(THERE))
    stub.on("GET", "/orders/ord_1", THERE)
    return stub


@pytest.fixture
def visit(stub, open_console):
    visit = open_console(BASE)
    visit.expects("404", "409", "502")
    stub.install(visit.page)
    return visit


def act(visit, name, path):
    """Click a button, and wait for the response of the API."""
    with visit.page.expect_response(f"**{path}"):
        visit.page.get_by_role("button", name=name).click()


def test_the_section_lists_orders_with_their_due_date_looks_and_parcels(stub, visit):
    visit.go("warehouse")
    expect(visit.page.get_by_role("heading", name="At the warehouse")).to_be_visible()
    row = visit.page.get_by_role("row").filter(has_text="ord_1")
    cells = row.get_by_role("cell")
    expect(cells.nth(1)).to_contain_text("Jan 31")
    expect(cells.nth(2)).to_have_text(re.compile("Feb 2, .* overdue"))
    expect(cells.nth(1)).to_contain_text("3 looks without news")
    expect(cells.nth(3)).to_contain_text("1 of 2 lines")
    link = row.get_by_role("link", name="0034")
    expect(link).to_have_attribute("href", "https://tracking.example/0034")
    expect(link).to_have_attribute("rel", "noopener noreferrer")
    assert {request.query["status"] for request in stub.sent("GET", "/orders")} == {"AT_WAREHOUSE"}


def test_an_order_that_is_not_overdue_has_no_mark(stub, visit):
    stub.on("GET", "/orders", orders_page({**THERE, "delivery": {**DELIVERY, "overdue": False}}))
    visit.go("warehouse")
    expect(visit.page.get_by_text("Feb 2")).to_be_visible()
    expect(visit.page.get_by_text("overdue")).to_have_count(0)


def test_an_empty_section_says_so(stub, visit):
    stub.on("GET", "/orders", orders_page())
    visit.go("warehouse")
    expect(visit.page.get_by_text("No order is at the warehouse")).to_be_visible()


def test_a_caller_who_is_no_operator_sees_the_list_without_actions(stub, visit):
    stub.on("GET", "/orders", orders_page({**THERE, "delivery": None}))
    visit.go("warehouse")
    expect(visit.page.get_by_text("1 order, end of list")).to_be_visible()
    expect(visit.page.get_by_role("button", name="Look now")).to_have_count(0)


def test_a_look_shows_its_result_and_the_list_anew(stub, visit):
    stub.on("POST", "/orders/ord_1/look", after("FULFILLED", "the warehouse has shipped it"))
    visit.go("warehouse")
    stub.on("GET", "/orders", orders_page())
    act(visit, "Look now ord_1", "/orders/ord_1/look")
    expect(visit.page.get_by_text("ord_1: The order is FULFILLED: the warehouse has shipped it.")).to_be_visible()
    expect(visit.page.get_by_text("No order is at the warehouse")).to_be_visible()


@pytest.mark.parametrize(("answer", "text"), [(NOT_THERE, "and not at the warehouse"), (SILENT, "No usable answer")])
def test_a_look_that_is_refused_shows_why(answer, text, stub, visit):
    stub.on("POST", "/orders/ord_1/look", answer)
    visit.go("warehouse")
    act(visit, "Look now ord_1", "/orders/ord_1/look")
    expect(visit.page.get_by_role("main").get_by_role("alert")).to_contain_text(text)
    expect(visit.page.get_by_role("main").get_by_role("alert")).to_contain_text("ord_1")


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ((202, {**THERE, "cancel_asked": True}), "The warehouse was asked to cancel the order."),
        (after("PARTLY_FULFILLED", "cancelled"), "A part was shipped. The rest is cancelled."),
        (after("CANCELLED", "cancelled"), "The order is cancelled."),
    ],
)
def test_the_warehouse_is_asked_to_cancel_after_a_confirmation(answer, text, stub, visit):
    stub.on("POST", "/orders/ord_1/cancel", answer)
    visit.go("warehouse")
    visit.page.get_by_role("button", name="Ask to cancel… ord_1").click()
    question = visit.page.get_by_role("dialog", name="Cancel this order?")
    question.get_by_role("button", name="Keep order").click()
    assert stub.sent("POST", "/orders/ord_1/cancel") == []
    visit.page.get_by_role("button", name="Ask to cancel… ord_1").click()
    act(visit, "Cancel order", "/orders/ord_1/cancel")
    expect(visit.page.get_by_text(f"ord_1: {text}")).to_be_visible()


def test_a_cancellation_that_was_asked_for_is_not_offered_again_in_the_list(stub, visit):
    stub.on("GET", "/orders", orders_page({**THERE, "cancel_asked": True}))
    visit.go("warehouse")
    expect(visit.page.get_by_text("cancellation asked for")).to_be_visible()
    expect(visit.page.get_by_role("button", name="Ask to cancel…")).to_have_count(0)


def test_an_order_is_given_up_with_a_note_only(stub, visit):
    stub.on("POST", "/orders/ord_1/give-up", after("PARTLY_FULFILLED", "given up"))
    visit.go("warehouse")
    visit.page.get_by_role("button", name="Give up… ord_1").click()
    dialog = visit.page.get_by_role("dialog", name="Give up this order?")
    expect(dialog).to_contain_text("may still ship it")
    dialog.get_by_label("Note").fill("  ")
    dialog.get_by_role("button", name="Give up").click()
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Go back").click()
    expect(dialog).to_have_count(0)
    assert stub.sent("POST", "/orders/ord_1/give-up") == []
    visit.page.get_by_role("button", name="Give up… ord_1").click()
    dialog.get_by_label("Note").fill(" it is lost ")
    with visit.page.expect_response("**/orders/ord_1/give-up"):
        dialog.get_by_role("button", name="Give up").click()
    expect(visit.page.get_by_text("ord_1: The order is PARTLY_FULFILLED.")).to_be_visible()
    assert [request.body for request in stub.sent("POST", "/orders/ord_1/give-up")] == [{"note": "it is lost"}]


def test_an_order_shows_its_parcels_and_its_delivery(stub, visit):
    visit.go("warehouse/ord_1")
    shown = visit.page.get_by_role("dialog")
    row = shown.get_by_role("table", name="Parcels").get_by_role("row").nth(1)
    expect(row.get_by_role("link", name="0034")).to_have_attribute("rel", "noopener noreferrer")
    expect(row).to_contain_text("DHL")
    expect(row).to_contain_text("L2 × 1")
    expect(shown.get_by_text("1 of 2", exact=True)).to_be_visible()
    expect(shown.get_by_text("overdue", exact=True)).to_be_visible()
    expect(shown.get_by_role("table", name="Items").get_by_text("1 shipped")).to_have_count(2)


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "not a url", None, 7])
def test_only_a_web_address_is_a_link(url, stub, visit):
    stub.on("GET", "/orders/ord_1", {**THERE, "shipments": [{**PARCEL, "tracking_url": url}]})
    visit.go("warehouse/ord_1")
    parcels = visit.page.get_by_role("table", name="Parcels")
    expect(parcels.get_by_text("0034")).to_be_visible()
    expect(parcels.get_by_role("link")).to_have_count(0)


@pytest.mark.parametrize(("id_", "text"), [("p7", "p7"), (UNNAMED, "not named")])
def test_a_parcel_without_a_tracking_number_shows_its_name_if_it_has_one(id_, text, stub, visit):
    parcel = {**PARCEL, "id": id_, "tracking_number": None, "tracking_url": None}
    stub.on("GET", "/orders/ord_1", {**THERE, "shipments": [parcel]})
    visit.go("warehouse/ord_1")
    expect(visit.page.get_by_role("table", name="Parcels").get_by_text(text, exact=True)).to_be_visible()


def test_an_order_is_looked_at_from_its_view(stub, visit):
    done = after("FULFILLED", "the warehouse has shipped it")
    visit.go("orders/ord_1")
    stub.on("POST", "/orders/ord_1/look", done)
    stub.on("GET", "/orders/ord_1", done)
    act(visit, "Look now", "/orders/ord_1/look")
    expect(visit.page.get_by_role("list", name="Timeline")).to_contain_text("the warehouse has shipped it")
    expect(visit.page.get_by_role("button", name="Look now")).to_have_count(0)


def test_an_order_is_given_up_from_its_view(stub, visit):
    stub.on("POST", "/orders/ord_1/give-up", after("FAILED", "given up"))
    visit.go("orders/ord_1")
    visit.page.get_by_role("button", name="Give up…").click()
    dialog = visit.page.get_by_role("dialog", name="Give up this order?")
    dialog.get_by_label("Note").fill("it is lost")
    with visit.page.expect_response("**/orders/ord_1/give-up"):
        dialog.get_by_role("button", name="Give up").click()
    assert [request.body for request in stub.sent("POST", "/orders/ord_1/give-up")] == [{"note": "it is lost"}]


def test_a_partly_fulfilled_order_shows_its_failure_and_is_redriven_for_the_remainder(stub, visit):
    failed = order(status="PARTLY_FULFILLED", items=ITEMS, shipped=SHIPPED, shipments=[PARCEL])
    stub.on("GET", "/orders/ord_1", failed)
    stub.on("GET", "/failed-orders/ord_1", {**failed_order(reason="closed"), "order": failed})
    entry = {"at": DUE, "from": "PARTLY_FULFILLED", "to": "PENDING", "actor": "operator:ann", "reason": "the rest"}
    redriven = {**failed, "status": "PENDING", "timeline": [*failed["timeline"], entry]}
    stub.on("POST", "/failed-orders/ord_1/redrive", redriven)
    visit.go("orders/ord_1")
    shown = visit.page.get_by_role("dialog")
    expect(shown.get_by_text("closed: shipped in part, and no more")).to_be_visible()
    expect(shown.get_by_role("button", name="Look now")).to_have_count(0)
    shown.get_by_role("button", name="Redrive…").click()
    dialog = visit.page.get_by_role("dialog", name="Redrive")
    expect(dialog).to_contain_text("An order that was shipped in part asks for the remainder only.")
    dialog.get_by_label("Note").fill("the rest")
    dialog.get_by_role("button", name="Redrive", exact=True).click()
    expect(dialog.get_by_text("1 redriven.")).to_be_visible()


@pytest.mark.parametrize(("asked", "offered"), [(1, 1), (0, 0)])
def test_a_failed_order_that_the_warehouse_may_have_can_be_looked_at(asked, offered, stub, visit):
    failed = order(status="FAILED", delivery={**DELIVERY, "asked": asked, "at_warehouse_since": None})
    stub.on("GET", "/orders/ord_1", failed)
    stub.on("GET", "/failed-orders/ord_1", {**failed_order(reason="unknown"), "order": failed})
    visit.go("orders/ord_1")
    expect(visit.page.get_by_role("button", name="Redrive…")).to_be_visible()
    expect(visit.page.get_by_role("button", name="Look now")).to_have_count(offered)


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE, {"width": 320, "height": 640}])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_is_too_wide(viewport, scheme, stub, open_console):
    visit = open_console(BASE, viewport=viewport, color_scheme=scheme)
    visit.expects("404")
    stub.install(visit.page)
    for where in ("warehouse", "warehouse/ord_1"):
        visit.go(where)
        expect(visit.page.get_by_text("overdue").last).to_be_visible()
        found = Axe().run(visit.page)
        assert found.violations_count == 0, found.generate_report()
        assert visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), where
    visit.page.get_by_role("button", name="Give up…").last.click()
    expect(visit.page.get_by_role("dialog", name="Give up this order?")).to_be_visible()
    found = Axe().run(visit.page)
    assert found.violations_count == 0, found.generate_report()
