"""The filters of the list of orders, and the time by which it is sorted."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.stub import BASE, StubApi, order, orders_page

pytestmark = pytest.mark.browser

CREATED, UPDATED = "2026-01-31T09:30:00.123Z", "2026-02-01T10:45:00.456Z"
IN_BERLIN = {"after": "2026-01-29T23:00:00.000Z", "before": "2026-01-31T23:00:00.000Z"}
"""The first and the last instant of the days from January 30 to 31."""


@pytest.fixture
def stub():
    return StubApi()


@pytest.fixture
def visit(stub, open_console):
    visit = open_console(BASE, timezone_id="Europe/Berlin")
    stub.install(visit.page)
    return visit


def answer(stub, sorted_by):
    """Answer each list with one order, sorted by this time."""
    page = orders_page(order("ord_1", created_at=CREATED, updated_at=UPDATED), sorted_by=sorted_by)
    stub.on("GET", "/orders", page)


def asked(stub):
    """The parameters of the requests for lists, without the limit."""
    sent = [request.query for request in stub.sent("GET", "/orders")]
    return [{name: value for name, value in query.items() if name != "limit"} for query in sent]


LISTS = pytest.mark.parametrize(
    ("sorted_by", "name", "shown"),
    [("updated_at", "Updated", "Feb 1, 11:45:00"), ("created_at", "Created", "Jan 31, 10:30:00")],
    ids=["operator", "customer"],
)


@LISTS
def test_the_last_column_is_the_time_by_which_the_api_sorts(sorted_by, name, shown, stub, visit):
    answer(stub, sorted_by)
    visit.go("orders")
    expect(visit.page.get_by_role("cell", name=shown)).to_be_visible()
    heading = visit.page.get_by_role("columnheader", name=name, exact=True)
    expect(heading).to_have_attribute("aria-sort", "descending")
    expect(visit.page.get_by_label(f"{name} from")).to_be_visible()
    assert asked(stub) == [{}]


@LISTS
def test_dates_filter_by_the_time_by_which_the_api_sorts(sorted_by, name, shown, stub, visit):
    answer(stub, sorted_by)
    visit.go("orders?status=FAILED&from=2026-01-30&to=2026-01-31")
    expect(visit.page.get_by_role("cell", name=shown)).to_be_visible()
    span = {f"{name.lower()}_{bound}": instant for bound, instant in IN_BERLIN.items()}
    assert asked(stub) == [{"status": "FAILED"}, {"status": "FAILED", **span}]


def test_dates_are_in_the_link(stub, visit):
    answer(stub, "updated_at")
    visit.go("orders?status=FAILED")
    visit.page.get_by_label("Updated from").fill("2026-01-30")
    expect(visit.page).to_have_url(re.compile(r"#/orders\?status=FAILED&from=2026-01-30$"))
    visit.page.get_by_label("Updated to").fill("2026-01-31")
    expect(visit.page).to_have_url(re.compile(r"#/orders\?status=FAILED&from=2026-01-30&to=2026-01-31$"))
    visit.page.reload()
    expect(visit.page.get_by_label("Updated from")).to_have_value("2026-01-30")
    expect(visit.page.get_by_label("Updated to")).to_have_value("2026-01-31")


def test_a_search_takes_a_status_and_dates_of_creation(stub, visit):
    answer(stub, "created_at")
    visit.go("orders?q=cust_1&status=FAILED&from=2026-01-30&to=2026-01-31")
    expect(visit.page.get_by_role("columnheader", name="Created", exact=True)).to_be_visible()
    expect(visit.page.get_by_label("Created to")).to_have_value("2026-01-31")
    rest = {"status": "FAILED", "created_after": IN_BERLIN["after"], "created_before": IN_BERLIN["before"]}
    assert asked(stub) == [{"customer_id": "cust_1", **rest}, {"reference": "cust_1", **rest}]


@pytest.mark.parametrize("link", ["orders?from=yesterday&to=", "orders?from=0202-01-01", "orders?status=LOST"])
def test_a_link_with_an_invalid_filter_shows_the_list_without_it(link, stub, visit):
    answer(stub, "updated_at")
    visit.go(link)
    expect(visit.page.get_by_text("1 order, end of list")).to_be_visible()
    assert asked(stub) == [{}]


def test_a_date_is_not_used_before_its_year_is_complete(stub, visit):
    answer(stub, "updated_at")
    visit.go("orders")
    expect(
        visit.page.get_by_text("1 order, end of list")
    ).to_be_visible()  # the list is shown before its dates are typed
    with visit.page.expect_response(lambda response: "updated_after" in response.url):
        visit.page.get_by_label("Updated from").press_sequentially("01302026")
    expect(visit.page).to_have_url(re.compile(r"#/orders\?from=2026-01-30$"))
    assert [query.get("updated_after") for query in asked(stub)] == [None, None, IN_BERLIN["after"]]


@pytest.mark.parametrize("link", ["orders?from=2026-01-30", "orders?q=cust_1&status=FAILED"])
def test_a_list_without_a_match_leads_to_all_orders(link, stub, visit):
    stub.on("GET", "/orders", orders_page())
    visit.go(link)
    visit.page.get_by_role("link", name="Show all orders").click()
    expect(visit.page.get_by_text("No orders yet")).to_be_visible()


@pytest.mark.parametrize("owner", ["cognito:ann", None])
def test_operators_see_the_owner_of_an_order(owner, stub, visit):
    answer(stub, "updated_at")
    stub.on("GET", "/orders/ord_1", order(status="FULFILLED", owner=owner))
    visit.go("orders/ord_1")
    shown = visit.page.get_by_role("dialog")
    expect(shown.get_by_text("Created", exact=True)).to_be_visible()
    expect(shown.locator("dt:text-is('Owner') + dd")).to_have_text([owner] if owner else [])
