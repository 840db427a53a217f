"""GET /orders/{id}: an order, its status and its timeline."""

import pytest

from service.orders.lifecycle import Status
from service.orders.orders import Orders
from tests.api.client import LENIENT, assert_problem
from tests.steps.doubles import invalid, processing, standing
from tests.support import valid_order

NOT_THERE = {"lines": None, "at_warehouse_since": None, "overdue": False, "looks": 0}
"""The rest of the delivery of an order that is not at the warehouse."""


def test_an_order_has_the_designed_form(api):
    location = api.post("/order", json=valid_order()).headers["location"]
    assert api.get(location).json() == {
        "order_id": location.removeprefix("/orders/"),
        "status": "RECEIVED",
        "customer_id": "cust_123",
        "reference": None,
        "owner": "anonymous",
        "currency": "USD",
        "total_amount": 59.98,
        "items": [{"product_id": "prod_456", "quantity": 2, "price": 29.99}],
        "metadata": {},
        "adjustments": None,
        "ship_to": None,
        "service_level": None,
        "note": None,
        "placed_at": None,
        "shipped": [],
        "shipments": [],
        "due_at": None,
        "attempts": 0,
        "cancel_asked": False,
        "delivery": {"key": f"{location.removeprefix('/orders/')}-d1", "asked": 0} | NOT_THERE,
        "created_at": "2026-01-31T09:30:00.123Z",
        "updated_at": "2026-01-31T09:30:00.123Z",
        "errors": [],
        "submission": None,
        "timeline": [
            {
                "at": "2026-01-31T09:30:00.123Z",
                "from": None,
                "to": "RECEIVED",
                "actor": "api",
                "reason": None,
                "failure": None,
            }
        ],
    }


def test_every_optional_field_is_shown_as_it_was_given(api):
    given = {
        "reference": "#1001",
        "adjustments": [{"kind": "discount", "amount": -9.98, "label": "Spring"}],
        "ship_to": {"name": "Anna Schmidt", "line1": "Hauptstraße 1", "city": "Berlin", "country": "DE"},
        "service_level": "express",
        "note": "Ring twice.",
        "placed_at": "2026-01-31T09:30:00.000Z",
        "items": [{"product_id": "p", "quantity": 2, "price": 29.99, "line_id": "a", "name": "Shirt", "sku": "S M"}],
    }
    location = api.post("/order", json=valid_order(total_amount=50, **given)).headers["location"]
    shown = api.get(location).json()
    assert {name: shown[name] for name in given} == given


@pytest.mark.parametrize("status", list(Status))
def test_an_order_in_every_status_shows_its_timeline(status, api):
    order = standing(status, api.system)
    shown = api.get("/orders/ord_1").json()
    assert shown["status"] == status
    assert [entry["to"] for entry in shown["timeline"]] == [entry.target for entry in order.timeline]
    assert [entry["from"] for entry in shown["timeline"][1:]] == [entry["to"] for entry in shown["timeline"][:-1]]


def test_an_order_shows_its_attempts(api):
    processing(api.system, attempts=2)
    assert api.get("/orders/ord_1").json()["attempts"] == 2


def test_an_order_shows_whether_the_warehouse_may_have_it(api):
    processing(api.system)
    assert api.get("/orders/ord_1").json()["delivery"] == {"key": "ord_1-d1", "asked": 1} | NOT_THERE


def test_a_rejected_order_shows_its_errors(api):
    standing(Status.REJECTED, api.system)
    errors = api.get("/orders/ord_1").json()["errors"]
    assert {error["pointer"] for error in errors} == {"/customer_id", "/items", "/total_amount"}
    assert all(error.keys() == {"pointer", "detail"} for error in errors)


def test_an_invalid_order_is_shown_without_its_missing_fields(api):
    invalid(api.system)
    shown = api.get("/orders/ord_1").json()
    assert [shown[name] for name in ("customer_id", "currency", "total_amount")] == [None] * 3
    assert (shown["items"], shown["metadata"]) == ([], {})


@pytest.mark.parametrize(
    "order",
    [
        {"items": "none", "metadata": [], "customer_id": {"a": 1}, "total_amount": "much", "currency": [1]},
        {"items": [None, [], 1.5, "x"], "metadata": {"a": {"b": [1]}}, "total_amount": 1e50},
        {"total_amount": {"deep": [[[[[[[[[[1.25]]]]]]]]]]}},
        {"customer_id": "x" * 65, "order_id": "ord_other", "status": "FULFILLED", "timeline": "mine"},
    ],
)
def test_any_lenient_order_can_be_shown(order, api):
    location = api.post("/order", json=order, headers=LENIENT).headers["location"]
    response = api.get(location)
    shown = response.json()
    assert (response.status_code, shown["status"]) == (200, "RECEIVED")
    assert shown["total_amount"] == order.get("total_amount")
    assert shown["order_id"] == location.removeprefix("/orders/")
    assert len(shown["timeline"]) == 1


def test_a_rejected_order_shows_what_was_sent(api):
    sent = {"customer_id": "c", "total_amount": "1.50 EUR", "lines": [1.50, {"sku": None}]}
    order_id = api.post("/order", json=sent, headers=LENIENT).json()["order_id"]
    assert api.get(f"/orders/{order_id}").json()["submission"] is None
    Orders(api.system).reject(api.system.store.get(order_id))
    assert api.get(f"/orders/{order_id}").json()["submission"] == sent


def test_internals_are_not_shown(api):
    processing(api.system)
    shown = api.get("/orders/ord_1").text
    order = api.system.store.get("ord_1")
    hidden = (order.lease_owner, order.write_id, order.fingerprint, "version", "epoch", "lease")
    assert [each for each in hidden if each in shown] == []


@pytest.mark.parametrize(
    "order_id",
    ["ord_1", "x", "x" * 65, "a%20b", "a%00b", "%2e%2e", "%C3%A9", "a%0Ab", "ord_1%0A", "%FF", "a|b", "'--"],
)
def test_an_unknown_id_is_not_found(order_id, api):
    assert_problem(api.get(f"/orders/{order_id}"), 404, "order-not-found")


@pytest.mark.parametrize("order_id", ["x" * 65, "a%20b", "ord_1%0A", "%00"])
def test_an_invalid_id_is_not_looked_up(order_id, api):
    api.system.store = None
    assert_problem(api.get(f"/orders/{order_id}"), 404, "order-not-found")


@pytest.mark.parametrize("written", ["/orders/ord%5F1", "/orders/%6Frd_1"])
def test_a_percent_encoded_id_is_the_same_id(written, api):
    api.system.receive("ord_1")
    assert api.get(written).json()["order_id"] == "ord_1"


@pytest.mark.parametrize(
    "path",
    [
        "/orders/ord_1//",
        "/orders//ord_1",
        "/orders/ord_1/timeline",
        "/order/ord_1",
        "//orders/ord_1",
        "/orders%2Ford_1",
    ],
)
def test_no_other_path_leads_to_an_order(path, api):
    api.system.receive("ord_1")
    assert_problem(api.get(path), 404, "not-found")


def test_a_read_changes_nothing(api):
    before = api.system.receive()
    api.get("/orders/ord_1")
    assert api.system.store.get("ord_1") == before


def test_a_timeline_entry_of_a_failed_attempt_says_how_it_failed(api):
    standing(Status.FAILED, api.system)
    shown = api.get("/orders/ord_1").json()
    assert [entry["failure"] for entry in shown["timeline"]] == [None, None, None, "refused"]
