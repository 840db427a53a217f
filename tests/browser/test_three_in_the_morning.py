"""An incident: all orders fail, the alarm goes off, and an operator redrives them in the console."""

import operator
from typing import Any

import pytest
from playwright.sync_api import expect

from service.provisioning.monitoring import DLQ_ALERT_THRESHOLD, dead_letter_alarm
from tests.browser.orders import UNHURRIED, Shop, open_shop, until

pytestmark = pytest.mark.browser

ORDERS = max(8, DLQ_ALERT_THRESHOLD)
NOTE = "the warehouse is back, see incident 4711"
COMPARISONS = {"GreaterThanOrEqualToThreshold": operator.ge, "GreaterThanThreshold": operator.gt}


@pytest.fixture(scope="module")
def shop():
    with open_shop(fulfillment_success_rate=0, **UNHURRIED) as shop:
        yield shop


def is_on(alarm: dict[str, Any], shop: Shop) -> bool:
    """Evaluate the alarm's condition for the queue. The embedded cloud evaluates no alarms."""
    assert alarm["Namespace"] == "AWS/SQS"
    assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": shop.cloud.names.dead_letter_queue}]
    depth = shop.dead_letters()[alarm["MetricName"]]
    return COMPARISONS[alarm["ComparisonOperator"]](depth, alarm["Threshold"])


def story(order: dict[str, Any]) -> list[tuple[str, str]]:
    return [(entry["to"], entry["actor"].partition(":")[0]) for entry in order["timeline"]]


def test_an_operator_redrives_all_orders_after_the_alarm(shop, open_console):
    alarm = dead_letter_alarm(shop.cloud.names, "topic")
    assert not is_on(alarm, shop)
    visit = open_console(shop.base)
    page = visit.page

    orders = [shop.submit() for _ in range(ORDERS)]
    assert {order["status"] for order in shop.settled(orders)} == {"FAILED"}
    until(lambda: shop.dead_letters()["ApproximateNumberOfMessagesVisible"], lambda depth: depth == ORDERS)
    assert is_on(alarm, shop)

    visit.go("live")
    expect(page.get_by_role("link", name="FAILED", exact=False).locator(".figure")).to_have_text(str(ORDERS))
    page.get_by_role("link", name="failed orders").click()
    reasons = page.get_by_role("group", name="Reasons")
    expect(reasons.get_by_role("link", name=f"declined {ORDERS}")).to_be_visible()
    expect(page.get_by_text(f"{ORDERS} failed orders, end of list")).to_be_visible()
    expect(page.get_by_text("the simulated warehouse declined")).to_have_count(ORDERS)

    shop.set_success_rate(1)
    page.get_by_role("button", name="Redrive all…").click()
    dialog = page.get_by_role("dialog", name="Redrive")
    dialog.get_by_label("Note").fill(NOTE)
    dialog.get_by_role("button", name="Redrive", exact=True).click()
    expect(dialog.get_by_text(f"{ORDERS} redriven")).to_be_visible()
    expect(dialog.get_by_role("cell", name="FULFILLED")).to_have_count(ORDERS)
    dialog.get_by_role("button", name="Close").click()

    mended = shop.settled(orders)
    assert {order["status"] for order in mended} == {"FULFILLED"}
    until(lambda: sum(shop.dead_letters().values()), lambda depth: depth == 0)
    assert not is_on(alarm, shop)
    assert shop.http.get("/failed-orders").json() == {"failed_orders": [], "next_cursor": None}
    for order in mended:
        assert story(order)[-4:] == [
            ("FAILED", "fulfillment"),
            ("PENDING", "operator"),
            ("PROCESSING", "fulfillment"),
            ("FULFILLED", "fulfillment"),
        ]
        assert order["timeline"][-3]["reason"] == NOTE

    expect(page.get_by_text("No order has failed")).to_be_visible()
    expect(reasons.get_by_role("link", name="All 0")).to_be_visible()
    visit.go(f"orders/{orders[0]}")
    steps = page.get_by_role("list", name="Timeline").get_by_role("listitem")
    expect(steps.filter(has_text=NOTE)).to_contain_text("PENDING")
    expect(steps.last).to_contain_text("FULFILLED")
    visit.go("live")
    expect(page.get_by_role("link", name=f"{ORDERS} FULFILLED").locator(".figure")).to_have_text(str(ORDERS))
    expect(page.get_by_text("Action required")).to_be_hidden()
