"""POST /orders/{id}/cancel: until fulfillment has begun, and as often as one likes."""

import pytest

from service.orders.lifecycle import Status
from tests.api.client import assert_problem
from tests.steps.doubles import Scripted, breaking, deliver, message, standing
from tests.transition_table import sources_of


@pytest.mark.parametrize("status", sources_of("cancel"))
def test_an_order_that_is_not_being_fulfilled_yet_is_cancelled(status, api):
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
    }


def test_cancelling_again_changes_nothing(api):
    first = api.post(f"/orders/{api.system.receive().order_id}/cancel").json()
    api.system.now.forward(60)
    again = api.post("/orders/ord_1/cancel")
    assert (again.status_code, again.json()) == (200, first)
    assert api.system.store.get("ord_1").version == 2


@pytest.mark.parametrize("status", sorted(set(Status) - {*sources_of("cancel"), Status.CANCELLED}))
def test_an_order_that_has_gone_too_far_stays_what_it_is(status, api):
    before = standing(status, api.system)
    problem = assert_problem(api.post("/orders/ord_1/cancel"), 409, "too-late")
    assert (problem["order_status"], problem["detail"]) == (status, f"The order is {status}.")
    assert api.system.store.get("ord_1") == before


@pytest.mark.parametrize("order_id", ["ord_1", "x" * 65, "a%20b", "%00"])
def test_an_order_that_is_not_there_is_not_found(order_id, api):
    assert_problem(api.post(f"/orders/{order_id}/cancel"), 404, "order-not-found")
    assert api.stored == {}


def test_the_message_of_a_cancelled_order_does_nothing_any_more(api):
    standing(Status.PENDING, api.system)
    api.post("/orders/ord_1/cancel")
    api.system.fulfiller = Scripted(RuntimeError("never asked"))
    assert deliver(api.system, message("ord_1")) == []
    assert api.system.store.get("ord_1").status is Status.CANCELLED


@pytest.mark.parametrize("content", [b"", b"{}", b"not JSON", b"[" * 100_000])
def test_no_body_is_asked_for_and_none_matters(content, api):
    api.system.receive()
    assert api.post("/orders/ord_1/cancel", content=content).status_code == 200


def test_two_at_the_same_time_are_one_cancellation(api):
    api.system.receive()
    request = ("POST", "/orders/ord_1/cancel", {})
    assert {response.status_code for response in api.together(*[request] * 5)} == {200}
    assert api.system.store.get("ord_1").version == 2


def test_a_table_that_does_not_answer_is_no_cancellation(api):
    before = api.system.receive()
    real = api.system.store
    breaking(api.system, "apply", "ord_1")
    assert_problem(api.post("/orders/ord_1/cancel"), 500, "internal-error")
    assert real.get("ord_1") == before
