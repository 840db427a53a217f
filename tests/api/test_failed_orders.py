"""GET /failed-orders: operators list failed orders and show one."""

import pytest

from service.orders.lifecycle import Status
from tests.api.client import Api, assert_problem
from tests.api.failing import fail, listed
from tests.steps.doubles import REFUSED, standing


@pytest.fixture
def api():
    return Api(cloud="embedded", redrive_rate=1000)


def test_a_failed_order_is_listed_with_the_reason_and_the_message(api):
    fail(api.system, "ord_1")
    answer = api.get("/failed-orders")
    assert (answer.status_code, answer.json()["next_cursor"]) == (200, None)
    assert answer.json()["failed_orders"] == [
        {
            "order_id": "ord_1",
            "customer_id": "cust_123",
            "reference": None,
            "reason": "declined",
            "detail": "not today",
            "attempts": 3,
            "epoch": 0,
            "failed_at": "2026-01-31T09:30:01.123Z",
            "message_id": "m1",
        }
    ]


def test_the_list_is_empty_if_no_order_failed(api):
    standing(Status.FULFILLED, api.system)
    assert api.get("/failed-orders").json() == {"failed_orders": [], "next_cursor": None}


def test_failed_orders_are_paged_newest_first_and_filtered(api):
    fail(api.system, "ord_1", "ord_2")
    fail(api.system, "ord_3", outcome=REFUSED)
    fail(api.system, "ord_4")
    assert listed(api, limit=1) == ["ord_4", "ord_3", "ord_2", "ord_1"]
    assert listed(api, reason="declined", limit=2) == ["ord_4", "ord_2", "ord_1"]
    assert listed(api, reason="refused") == ["ord_3"]
    assert listed(api, failed_after="2026-01-31T09:30:02.123Z", failed_before="2026-01-31T15:00:04.123+05:30") == [
        "ord_3",
        "ord_2",
    ]


@pytest.mark.parametrize(
    "query",
    [
        {"reason": "canary"},
        {"limit": 0},
        {"limit": 101},
        {"failed_after": "canary"},
        {"failed_after": "1769851800"},
        {"failed_before": "2026-01-31T09:30:00"},
        {"failed_before": "0001-01-01T00:00:00Z"},
        {"failed_after": "9999-12-31T23:59:59Z"},
        {"failed_after": "0001-01-01T00:00:00+23:59"},
        {"other": "1"},
    ],
)
def test_a_wrong_parameter_is_named(query, api):
    problem = assert_problem(api.get("/failed-orders", params=query), 422, "parameters-invalid")
    assert [error["pointer"] for error in problem["errors"]] == list(query)


def test_a_cursor_is_valid_for_its_own_list_only(api):
    fail(api.system, "ord_1", "ord_2")
    cursor = api.get("/failed-orders", params={"limit": 1}).json()["next_cursor"]
    at = "2026-01-31T09:30:00Z"
    for query in ({"reason": "declined"}, {"failed_after": at}, {"failed_before": at}):
        assert_problem(api.get("/failed-orders", params={"cursor": cursor, **query}), 400, "cursor-invalid")


def test_a_failed_order_is_shown_with_its_order(api):
    fail(api.system, "ord_1")
    shown = api.get("/failed-orders/ord_1").json()
    assert (shown["detail"], shown["message_id"]) == ("not today", "m1")
    assert shown["order"] == api.get("/orders/ord_1").json()
    assert [entry["to"] for entry in shown["order"]["timeline"]][-2:] == ["PROCESSING", "FAILED"]


@pytest.mark.parametrize("order_id", ["ord_1", "ord_unknown", "%20", "x" * 65])
def test_an_order_that_did_not_fail_is_not_a_failed_order(order_id, api):
    standing(Status.PENDING, api.system)
    assert_problem(api.get(f"/failed-orders/{order_id}"), 404, "order-not-failed")
