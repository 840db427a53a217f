"""Orders that the warehouse may have: redrives, new deliveries and cancellations, against a stubbed API."""

import pytest
from playwright.sync_api import expect

from tests.browser.stub import BASE, StubApi, failed_order, failed_page, order

pytestmark = pytest.mark.browser

REDRIVE = "/failed-orders/ord_1/redrive"
CANCEL = "/orders/ord_1/cancel"
NOTE = "the warehouse says so"
SAME, NEW = (
    "Send it again under the same number (safe)",
    "It never shipped: cancel the old delivery there and send a new one",
)
MAY_HAVE = {"key": "ord_1-d1", "asked": 2}
OPEN = (
    409,
    {
        "type": "urn:dofs:problem:delivery-open",
        "title": "The warehouse can still ship the old delivery",
        "status": 409,
        "detail": "The order has no new delivery, because the old one is not cancelled: the warehouse says: shipped.",
    },
)


@pytest.fixture
def stub():
    return StubApi()


@pytest.fixture
def visit(stub, open_console):
    visit = open_console(BASE)
    visit.expects("404", "409")
    stub.install(visit.page)
    return visit


def open_redrive(stub, visit, reason):
    """Open the redrive dialog of a failed order, fill in the note, and return the dialog."""
    stub.on("GET", "/failed-orders", failed_page(failed_order(reason=reason)))
    visit.go("failed")
    visit.page.get_by_role("button", name="Redrive ord_1").click()
    dialog = visit.page.get_by_role("dialog", name="Redrive")
    dialog.get_by_label("Note").fill(NOTE)
    return dialog


def send(dialog):
    dialog.get_by_role("button", name="Redrive", exact=True).click()


def sent(stub):
    return [request.body for request in stub.sent("POST", REDRIVE)]


@pytest.mark.parametrize("reason", ["unknown", "abandoned"])
def test_an_order_that_may_have_been_shipped_is_sent_under_the_same_number(reason, stub, visit):
    stub.on("POST", REDRIVE, order(status="PENDING"))
    dialog = open_redrive(stub, visit, reason)
    expect(dialog.get_by_role("group", name="It may have been shipped")).to_be_visible()
    expect(dialog.get_by_role("radio", name=SAME)).to_be_checked()
    send(dialog)
    expect(dialog.get_by_role("button", name="Close")).to_be_focused()
    assert sent(stub) == [{"note": NOTE, "epoch": 0}]


def test_an_order_that_was_declined_has_no_choice_of_delivery(stub, visit):
    expect(open_redrive(stub, visit, "declined").get_by_role("radio")).to_have_count(0)


def test_a_new_delivery_needs_a_confirmation(stub, visit):
    stub.on("POST", REDRIVE, order(status="PENDING"))
    dialog = open_redrive(stub, visit, "unknown")
    dialog.get_by_role("radio", name=NEW).check()
    send(dialog)
    question = visit.page.get_by_role("dialog", name="Send a new delivery?")
    question.get_by_role("button", name="Go back").click()
    assert sent(stub) == []
    send(dialog)
    question.get_by_role("button", name="Cancel the old one and send").click()
    expect(dialog.get_by_role("button", name="Close")).to_be_focused()
    assert sent(stub) == [{"note": NOTE, "epoch": 0, "new_delivery": True}]


def test_a_new_delivery_after_a_dry_run_needs_a_confirmation_too(stub, visit):
    result = {"order_id": "ord_1", "outcome": "would_redrive", "detail": None}
    answer = {"dry_run": True, "results": [result], "dead_letters_removed": 0, "next_cursor": None}
    stub.on("POST", "/failed-orders/redrive", answer)
    dialog = open_redrive(stub, visit, "unknown")
    dialog.get_by_role("radio", name=NEW).check()
    dialog.get_by_label("Dry run").check()
    dialog.get_by_role("button", name="Dry run", exact=True).click()
    dialog.get_by_role("button", name="Redrive them now").click()
    expect(visit.page.get_by_role("dialog", name="Send a new delivery?")).to_be_visible()
    assert sent(stub) == []


def test_a_refused_new_delivery_shows_the_answer_of_the_warehouse_and_can_be_tried_again(stub, visit):
    stub.on("POST", REDRIVE, OPEN, order(status="PENDING"))
    dialog = open_redrive(stub, visit, "unknown")
    dialog.get_by_role("radio", name=NEW).check()
    send(dialog)
    visit.page.get_by_role("button", name="Cancel the old one and send").click()
    expect(dialog.get_by_role("alert")).to_contain_text("The warehouse can still ship the old delivery (409)")
    expect(dialog.get_by_role("alert")).to_contain_text(
        "The order has no new delivery, because the old one is not cancelled: the warehouse says: shipped."
    )
    dialog.get_by_role("button", name="Try again").click()
    expect(dialog.get_by_role("button", name="Close")).to_be_focused()
    assert [body["new_delivery"] for body in sent(stub)] == [True, True]


def test_an_order_shows_its_delivery_and_whether_the_warehouse_may_have_it(stub, visit):
    stub.on("GET", "/orders", {"orders": [], "next_cursor": None})
    stub.on("GET", "/orders/ord_1", order(status="PENDING", delivery=MAY_HAVE))
    visit.go("orders/ord_1")
    shown = visit.page.get_by_role("dialog")
    expect(shown.get_by_text("ord_1-d1", exact=True)).to_be_visible()
    expect(shown.get_by_text("the warehouse may have it", exact=True)).to_be_visible()


def test_a_caller_who_is_no_operator_sees_only_the_cancellation(stub, visit):
    stub.on("GET", "/orders", {"orders": [], "next_cursor": None})
    stub.on("GET", "/orders/ord_1", order(status="PENDING", delivery=None, cancel_asked=True))
    visit.go("orders/ord_1")
    shown = visit.page.get_by_role("dialog")
    expect(shown.get_by_text("asked for; the warehouse has not answered yet")).to_be_visible()
    expect(shown.get_by_text("Delivery", exact=True)).to_have_count(0)


@pytest.mark.parametrize("status", ["PENDING", "PROCESSING"])
def test_a_cancellation_that_was_asked_for_is_shown_and_not_offered_again(status, stub, visit):
    before = order(status=status, delivery=MAY_HAVE)
    after = {**before, "cancel_asked": True, "updated_at": "2026-01-31T09:31:00.000Z"}
    stub.on("GET", "/orders", {"orders": [before], "next_cursor": None})
    stub.on("GET", "/orders/ord_1", lambda _: after if stub.sent("POST", CANCEL) else before)
    stub.on("POST", CANCEL, (202, after))
    visit.go("orders/ord_1")
    visit.page.get_by_role("button", name="Cancel order").click()
    question = visit.page.get_by_role("dialog", name="Cancel this order?")
    expect(question.get_by_text("The warehouse may have the order. It is asked to cancel it")).to_be_visible()
    question.get_by_role("button", name="Cancel order").click()
    expect(visit.page.get_by_text("asked for; the warehouse has not answered yet")).to_be_visible()
    expect(visit.page.get_by_text("The warehouse was asked to cancel the order.")).to_be_attached()
    expect(visit.page.get_by_role("button", name="Cancel order")).to_have_count(0)
