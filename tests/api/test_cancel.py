"""POST /orders/{id}/cancel: possible until fulfillment starts, and idempotent."""

import pytest

from service.orders.lifecycle import Status
from tests.api.client import assert_problem
from tests.steps.doubles import Scripted, break_store, deliver, message, standing
from tests.transition_table import sources_of


@pytest.mark.parametrize("status", sources_of("cancel"))
def test_an_order_is_cancelled_before_fulfillment_starts(status, api):
    standing(status, api.system)
    api.system.now.forward(5)
    response = api.post("/orders/ord_1/cancel")
    assert response.status_code == 200
    assert response.json() == api.get("/orders/ord_1").json()
    assert response.json()["timeline"][-1] == {
        "at": "2026-01-31T09:30:05.123Z",
        "from": status,
        "to": "CANCELLED",
        "actor": "api",
        "reason": "cancelled by the customer",
        "failure": None,
    }


def test_cancelling_again_has_no_effect(api):
    first = api.post(f"/orders/{api.system.receive().order_id}/cancel").json()
    api.system.now.forward(60)
    again = api.post("/orders/ord_1/cancel")
    assert (again.status_code, again.json()) == (200, first)
    assert api.system.store.get("ord_1").version == 2


@pytest.mark.parametrize("status", sorted(set(Status) - {*sources_of("cancel"), Status.CANCELLED}))
def test_an_order_that_can_no_longer_be_cancelled_is_unchanged(status, api):
    before = standing(status, api.system)
    problem = assert_problem(api.post("/orders/ord_1/cancel"), 409, "too-late")
    assert (problem["order_status"], problem["detail"]) == (status, f"The order is {status}.")
    assert api.system.store.get("ord_1") == before


@pytest.mark.parametrize("order_id", ["ord_1", "x" * 65, "a%20b", "%00"])
def test_an_unknown_order_is_not_found(order_id, api):
    assert_problem(api.post(f"/orders/{order_id}/cancel"), 404, "order-not-found")
    assert api.stored == {}


def test_the_message_of_a_cancelled_order_has_no_effect(api):
    standing(Status.PENDING, api.system)
    api.post("/orders/ord_1/cancel")
    api.system.fulfiller = Scripted(RuntimeError("never asked"))
    assert deliver(api.system, message("ord_1")) == []
    assert api.system.store.get("ord_1").status is Status.CANCELLED


@pytest.mark.parametrize("content", [b"", b"{}", b"not JSON", b"[" * 100_000])
def test_the_body_of_a_cancellation_is_ignored(content, api):
    api.system.receive()
    assert api.post("/orders/ord_1/cancel", content=content).status_code == 200


def test_two_concurrent_requests_are_one_cancellation(api):
    api.system.receive()
    request = ("POST", "/orders/ord_1/cancel", {})
    assert {response.status_code for response in api.together(*[request] * 5)} == {200}
    assert api.system.store.get("ord_1").version == 2


def test_an_unavailable_table_does_not_cancel(api):
    before = api.system.receive()
    real = api.system.store
    break_store(api.system, "apply", "ord_1")
    assert_problem(api.post("/orders/ord_1/cancel"), 500, "internal-error")
    assert real.get("ord_1") == before
