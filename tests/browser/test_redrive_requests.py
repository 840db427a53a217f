"""The requests that the redrive dialog sends, against a stubbed API."""

import pytest
from playwright.sync_api import expect

from tests.browser.stub import BASE, UNAVAILABLE, StubApi, failed_order, failed_page, order, redrive_page

pytestmark = pytest.mark.browser

REDRIVE_ONE = "/failed-orders/ord_1/redrive"
REDRIVE_MANY = "/failed-orders/redrive"
NOTE = "stock has arrived"
IDS = [f"ord_{number}" for number in range(30)]


@pytest.fixture
def stub():
    return StubApi()


@pytest.fixture
def visit(stub, open_console):
    visit = open_console(BASE)
    visit.expects("404", "503")
    stub.install(visit.page)
    return visit


def redrive(visit, button: str, dry_run: bool = False):
    """Open the redrive dialog with a button, fill it in and submit it; return the dialog."""
    visit.page.get_by_role("button", name=button).click()
    dialog = visit.page.get_by_role("dialog", name="Redrive")
    dialog.get_by_label("Note").fill(NOTE)
    dialog.get_by_label("Dry run").set_checked(dry_run)
    dialog.get_by_role("button", name="Dry run" if dry_run else "Redrive", exact=True).click()
    return dialog


def bodies(stub):
    return [request.body for request in stub.sent("POST", REDRIVE_MANY)]


def test_a_redrive_of_one_order_has_the_epoch_of_the_listed_failure(stub, visit):
    """Without the epoch it would redrive a later failure, which the operator has not seen."""
    stub.on("GET", "/failed-orders", failed_page(failed_order(epoch=2)))
    stub.on("POST", REDRIVE_ONE, order(status="PENDING"))
    visit.go("failed")
    dialog = redrive(visit, "Redrive ord_1")
    expect(dialog.get_by_role("button", name="Close")).to_be_focused()
    assert [request.body for request in stub.sent("POST", REDRIVE_ONE)] == [{"note": NOTE, "epoch": 2}]


def test_a_dry_run_of_one_order_sends_only_a_dry_run(stub, visit):
    stub.on("GET", "/failed-orders", failed_page(failed_order()))
    stub.on("POST", REDRIVE_MANY, redrive_page("ord_1", outcome="would_redrive"))
    visit.go("failed")
    dialog = redrive(visit, "Redrive ord_1", dry_run=True)
    expect(dialog.get_by_text("1 would be redriven.")).to_be_visible()
    assert bodies(stub) == [{"order_ids": ["ord_1"], "note": NOTE, "dry_run": True}]
    assert stub.sent("POST", REDRIVE_ONE) == []


def test_a_failed_batch_of_selected_orders_is_sent_again_and_none_is_left_out(stub, visit):
    stub.on("GET", "/failed-orders", failed_page(*map(failed_order, IDS)))
    stub.on("POST", REDRIVE_MANY, redrive_page(*IDS[:25]), UNAVAILABLE, redrive_page(*IDS[25:]))
    visit.go("failed")
    visit.page.get_by_role("checkbox", name="Select all shown").check()
    dialog = redrive(visit, "Redrive selected…")
    dialog.get_by_role("button", name="Try again").click()
    expect(dialog.get_by_text("30 redriven.")).to_be_visible()
    assert [body["order_ids"] for body in bodies(stub)] == [IDS[:25], IDS[25:], IDS[25:]]


def test_a_failed_batch_of_matching_orders_is_sent_again_with_its_cursor(stub, visit):
    stub.on("GET", "/failed-orders", failed_page(*map(failed_order, IDS)))
    stub.on("POST", REDRIVE_MANY, redrive_page(*IDS[:25], cursor="c1"), UNAVAILABLE, redrive_page(*IDS[25:]))
    visit.go("failed")
    dialog = redrive(visit, "Redrive all…")
    dialog.get_by_role("button", name="Try again").click()
    expect(dialog.get_by_text("30 redriven.")).to_be_visible()
    assert [body.get("cursor") for body in bodies(stub)] == [None, "c1", "c1"]


def test_a_redrive_after_a_dry_run_starts_from_the_first_order(stub, visit):
    stub.on("GET", "/failed-orders", failed_page(*map(failed_order, IDS)))
    stub.on(
        *("POST", REDRIVE_MANY),
        redrive_page(*IDS[:25], cursor="c1", outcome="would_redrive"),
        redrive_page(*IDS[25:], outcome="would_redrive"),
        redrive_page(*IDS[:25], cursor="c1"),
        redrive_page(*IDS[25:]),
    )
    visit.go("failed")
    dialog = redrive(visit, "Redrive all…", dry_run=True)
    dialog.get_by_role("button", name="Redrive them now").click()
    expect(dialog.get_by_text("30 redriven.")).to_be_visible()
    sent = [(body["dry_run"], body.get("cursor")) for body in bodies(stub)]
    assert sent == [(True, None), (True, "c1"), (False, None), (False, "c1")]


def test_stop_sends_no_further_batch_and_a_continued_redrive_goes_on_at_the_cursor(stub, visit):
    def stop(_request):
        visit.page.evaluate("[...document.querySelectorAll('button')].find(b => b.textContent === 'Stop').click()")
        return redrive_page(*IDS[:25], cursor="c1")

    stub.on("GET", "/failed-orders", failed_page(*map(failed_order, IDS)))
    stub.on("POST", REDRIVE_MANY, stop, redrive_page(*IDS[25:]))
    visit.go("failed")
    dialog = redrive(visit, "Redrive all…")
    expect(dialog.get_by_text("Stopped. 25 redriven.")).to_be_visible()
    assert len(bodies(stub)) == 1
    dialog.get_by_role("button", name="Continue").click()
    expect(dialog.get_by_text("30 redriven.")).to_be_visible()
    assert [body.get("cursor") for body in bodies(stub)] == [None, "c1"]


def test_a_redrive_of_matching_orders_has_the_filters_of_the_list(stub, visit):
    stub.on("GET", "/failed-orders", failed_page(failed_order()))
    stub.on("POST", REDRIVE_MANY, redrive_page("ord_1"))
    visit.go("failed?reason=declined&hours=24")
    dialog = redrive(visit, "Redrive all matching…")
    expect(dialog.get_by_text("1 redriven.")).to_be_visible()
    (listed,) = stub.sent("GET", "/failed-orders")
    (body,) = bodies(stub)
    assert (body["reason"], body["failed_after"]) == ("declined", listed.query["failed_after"])


def test_refreshing_the_list_clears_the_selection(stub, visit):
    """An order that is no longer listed must not be redriven with the next selection."""
    stub.on("GET", "/failed-orders", failed_page(*map(failed_order, IDS[:2])), failed_page(failed_order(IDS[1])))
    stub.on("POST", REDRIVE_MANY, redrive_page(IDS[1]))
    visit.go("failed")
    visit.page.get_by_role("checkbox", name=f"Select {IDS[0]}").check()
    visit.page.get_by_role("button", name="Refresh").click()
    expect(visit.page.get_by_text("1 failed order,")).to_be_visible()
    expect(visit.page.get_by_role("button", name="Redrive selected…")).to_be_disabled()
    visit.page.get_by_role("checkbox", name=f"Select {IDS[1]}").check()
    dialog = redrive(visit, "Redrive selected…")
    expect(dialog.get_by_text("1 redriven.")).to_be_visible()
    assert [body["order_ids"] for body in bodies(stub)] == [[IDS[1]]]
