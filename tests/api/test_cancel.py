"""POST /orders/{id}/cancel: at once before the warehouse is asked, otherwise by its answer; idempotent."""

from dataclasses import replace

import pytest

from service.orders.lifecycle import TERMINAL, Status
from service.orders.mover import Mover
from service.orders.warehouse import Answer, State
from tests.api.client import Api, assert_problem
from tests.steps.doubles import (
    DECLINED,
    DONE,
    IN_WORK,
    PARCEL,
    Scripted,
    break_store,
    deliver,
    later,
    message,
    pending,
    processing,
    reconcile,
    standing,
)
from tests.transition_table import sources_of
from tests.warehouse_answers import CANCELLED, CANCELLING, TOO_LATE


@pytest.fixture
def api():
    return Api(cloud="embedded")


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
        "actor": "customer",
        "reason": "cancellation asked for by the customer",
        "failure": None,
    }


def test_cancelling_again_has_no_effect(api):
    first = api.post(f"/orders/{api.system.receive().order_id}/cancel").json()
    api.system.now.forward(60)
    again = api.post("/orders/ord_1/cancel")
    assert (again.status_code, again.json()) == (200, first)
    assert api.system.store.get("ord_1").version == 2


WHY = {
    Status.FULFILLED: "The order is FULFILLED. The warehouse has shipped it.",
    Status.PARTLY_FULFILLED: (
        "The order is PARTLY_FULFILLED. A part was shipped. The rest is not processed any more, unless an operator "
        "redrives it."
    ),
    Status.REJECTED: "The order is REJECTED. It was not a valid order, and nothing will be shipped.",
    Status.FAILED: "The order is FAILED. It is not processed any more, unless an operator redrives it.",
}


@pytest.mark.parametrize("status", sorted(TERMINAL - {Status.CANCELLED}))
def test_an_order_that_can_no_longer_be_cancelled_is_unchanged(status, api):
    before = standing(status, api.system)
    problem = assert_problem(api.post("/orders/ord_1/cancel"), 409, "too-late")
    assert (problem["order_status"], problem["detail"]) == (status, WHY[status])
    assert api.system.store.get("ord_1") == before


def ask_without_an_answer(api, **answers):
    """A PENDING order, for which the warehouse was asked without an answer."""
    pending(api.system)
    api.system.fulfiller = Scripted(TimeoutError(), **answers)
    assert deliver(api.system, message("ord_1")) == ["m1"]


def test_an_order_that_the_warehouse_has_cancelled_is_cancelled(api):
    ask_without_an_answer(api)
    seconds = []
    api.system.fulfiller.cancel = lambda _, left: seconds.append(left) or CANCELLED
    response = api.post("/orders/ord_1/cancel")
    assert seconds == [api.system.policy.cancel_seconds]
    assert (response.status_code, response.json()["status"]) == (200, "CANCELLED")
    asked, done = response.json()["timeline"][-2:]
    assert (asked["to"], asked["actor"]) == ("PENDING", "customer")
    assert (done["to"], done["actor"]) == ("CANCELLED", "warehouse")


@pytest.mark.parametrize("answer", [CANCELLING, TimeoutError("canary")])
def test_a_cancellation_without_an_answer_yet_is_accepted_once(answer, api):
    ask_without_an_answer(api, cancels=answer)
    for _ in range(2):
        response = api.post("/orders/ord_1/cancel")
        assert (response.status_code, response.json()["status"]) == (202, "PENDING")
        assert response.json()["cancel_asked"] is True
    assert [entry["actor"] for entry in response.json()["timeline"]].count("customer") == 1
    assert api.system.store.get("ord_1").cancel_asked == 1


def test_an_order_that_the_warehouse_ships_is_not_cancelled(api):
    ask_without_an_answer(api, cancels=TOO_LATE, looks=IN_WORK)
    problem = assert_problem(api.post("/orders/ord_1/cancel"), 409, "too-late")
    assert problem["order_status"] == "PENDING"
    assert problem["detail"] == (
        "The order is PENDING. The warehouse has accepted it, and does not cancel it any more."
    )
    assert api.get("/orders/ord_1").json()["cancel_asked"] is False
    order = api.system.store.get("ord_1")
    assert (order.status, order.cancel_asked) == (Status.PENDING, 0)
    assert (order.timeline[-1].actor, order.timeline[-1].reason) == (
        "warehouse",
        "the warehouse does not cancel it: accepted",
    )


@pytest.mark.parametrize(
    ("answer", "status", "why"),
    [
        (DONE, "FULFILLED", "The order is FULFILLED. The warehouse has shipped it."),
        (
            Answer(State.ACCEPTED, shipments=(PARCEL,)),
            "AT_WAREHOUSE",
            "The order is AT_WAREHOUSE. A part was shipped, and the warehouse does not cancel the rest any more.",
        ),
    ],
)
def test_a_parcel_that_comes_before_a_cancellation_is_recorded_and_the_answer_says_so(answer, status, why, api):
    ask_without_an_answer(api, cancels=TOO_LATE, looks=answer)
    problem = assert_problem(api.post("/orders/ord_1/cancel"), 409, "too-late")
    assert (problem["order_status"], problem["detail"]) == (status, why)
    order = api.get("/orders/ord_1").json()
    assert (order["status"], order["cancel_asked"], len(order["shipments"])) == (status, False, 1)
    asked, refused, shipped = (entry["reason"] for entry in order["timeline"][-3:])
    assert asked == "cancellation asked for by the customer"
    assert refused.startswith("the warehouse does not cancel it: ")
    assert shipped.startswith("the warehouse has shipped ")


@pytest.mark.parametrize("state", [State.CANCELLED, State.CLOSED])
def test_an_order_whose_last_parcel_comes_before_the_cancellation_is_fulfilled(state, api):
    parcels = (PARCEL, replace(PARCEL, id="s2"))
    ask_without_an_answer(api, cancels=TOO_LATE, looks=Answer(state, shipments=parcels))
    assert assert_problem(api.post("/orders/ord_1/cancel"), 409, "too-late")["order_status"] == "FULFILLED"


@pytest.mark.parametrize("state", [State.CANCELLED, State.CLOSED])
def test_of_an_order_that_was_shipped_in_part_the_rest_is_cancelled(state, api):
    standing(Status.AT_WAREHOUSE, api.system)
    api.system.fulfiller = Scripted(DONE, cancels=TOO_LATE, looks=Answer(state, shipments=(PARCEL,)))
    response = api.post("/orders/ord_1/cancel")
    assert (response.status_code, response.json()["status"]) == (200, "PARTLY_FULFILLED")
    assert response.json()["shipped"] == [{"line_id": "1", "quantity": 1}]
    assert response.json()["timeline"][-1]["failure"] == "cancelled"
    assert api.get("/failed-orders/ord_1").json()["reason"] == "cancelled"
    api.system.now.forward(60)
    again = api.post("/orders/ord_1/cancel")
    assert (again.status_code, again.json()) == (200, response.json())


def test_the_rest_of_an_order_is_cancelled_at_once_if_it_was_not_asked_for(api):
    standing(Status.PARTLY_FULFILLED, api.system)
    assert api.post("/failed-orders/ord_1/redrive", json={"note": "again"}).status_code == 200
    api.system.fulfiller = Scripted(DONE, cancels=RuntimeError("never asked"))
    for _ in range(2):
        response = api.post("/orders/ord_1/cancel")
        assert (response.status_code, response.json()["status"]) == (200, "PARTLY_FULFILLED")
    last = response.json()["timeline"][-1]
    assert (last["actor"], last["failure"]) == ("customer", "cancelled")


def test_a_parcel_that_is_reported_while_the_warehouse_is_asked_refuses_the_cancellation(api):
    """The report comes first, so the answer that the order is cancelled is decided again."""
    standing(Status.AT_WAREHOUSE, api.system)
    parcels = (PARCEL, replace(PARCEL, id="s2"))

    def ship_and_cancel(order, _):
        values = {"shipments": parcels, "parcels": 2}
        Mover(api.system).move("ship_last", "ord_1", actor="warehouse", seen=order, **values)
        return CANCELLED

    api.system.fulfiller = Scripted(DONE)
    api.system.fulfiller.cancel = ship_and_cancel
    assert assert_problem(api.post("/orders/ord_1/cancel"), 409, "too-late")["order_status"] == "FULFILLED"


@pytest.mark.parametrize("state", [State.NOT_TAKEN, State.NOT_FOUND])
def test_a_look_without_a_state_refuses_no_cancellation(state, api):
    ask_without_an_answer(api, cancels=TOO_LATE, looks=Answer(state))
    assert api.post("/orders/ord_1/cancel").status_code == 202
    assert api.system.store.get("ord_1").cancel_asked == 1


def test_an_order_that_the_warehouse_does_not_find_is_left_to_a_later_look(api):
    standing(Status.AT_WAREHOUSE, api.system)
    api.system.fulfiller = Scripted(DONE, cancels=TOO_LATE, looks=Answer(State.NOT_FOUND))
    response = api.post("/orders/ord_1/cancel")
    assert (response.status_code, response.json()["status"]) == (202, "AT_WAREHOUSE")


def test_the_warehouse_is_asked_to_cancel_the_rest_of_an_order_if_it_may_have_that(api):
    ask_without_an_answer(api, cancels=CANCELLED)
    order = api.system.store.get("ord_1")
    values = {"shipments": (PARCEL,), "parcels": 1, "lines": order.lines}
    Mover(api.system).move("ship", "ord_1", actor="warehouse", seen=order, **values)
    response = api.post("/orders/ord_1/cancel")
    assert (response.status_code, response.json()["status"]) == (200, "PARTLY_FULFILLED")
    assert response.json()["timeline"][-1]["actor"] == "warehouse"


def cancel_rest(api):
    """A PARTLY_FULFILLED order whose rest was cancelled."""
    standing(Status.AT_WAREHOUSE, api.system)
    api.system.fulfiller = Scripted(Answer(State.CLOSED, "sold out"), cancels=replace(CANCELLED, shipments=(PARCEL,)))
    assert api.post("/orders/ord_1/cancel").json()["status"] == "PARTLY_FULFILLED"
    return api.system.store.get("ord_1")


def test_a_rest_stays_cancelled_if_a_parcel_is_reported_later(api):
    order = cancel_rest(api)
    values = {"shipments": order.shipments, "parcels": order.parcels, "lines": order.lines}
    Mover(api.system).move("ship_late", "ord_1", actor="warehouse", seen=order, **values)
    assert api.post("/orders/ord_1/cancel").status_code == 200


def test_a_rest_that_was_sent_again_after_its_cancellation_is_not_cancelled(api):
    cancel_rest(api)
    assert api.post("/failed-orders/ord_1/redrive", json={"note": "again"}).status_code == 200
    deliver(api.system, message("ord_1"))
    assert api.get("/orders/ord_1").json()["status"] == "PARTLY_FULFILLED"
    assert_problem(api.post("/orders/ord_1/cancel"), 409, "too-late")


def test_an_order_that_the_warehouse_declined_is_cancelled(api):
    ask_without_an_answer(api, cancels=TOO_LATE, looks=DECLINED)
    assert api.post("/orders/ord_1/cancel").json()["status"] == "CANCELLED"


def test_an_order_is_not_cancelled_under_a_running_attempt(api):
    """The attempt gets the warehouse's answer."""
    processing(api.system)
    api.system.fulfiller = Scripted(DECLINED, cancels=CANCELLED)
    assert api.post("/orders/ord_1/cancel").status_code == 202
    assert api.system.store.get("ord_1").status is Status.PROCESSING
    later(api.system, api.system.policy.lease)
    assert deliver(api.system, message("ord_1")) == []
    assert api.system.store.get("ord_1").status is Status.CANCELLED


def test_nothing_new_is_asked_of_the_warehouse_after_a_cancellation(api):
    ask_without_an_answer(api, cancels=TimeoutError())
    assert api.post("/orders/ord_1/cancel").status_code == 202
    api.system.fulfiller.answers = [DECLINED]
    assert deliver(api.system, message("ord_1")) == []
    assert api.system.store.get("ord_1").status is Status.CANCELLED
    assert api.system.fulfiller.keys == ["ord_1-d1"] * 2


def test_a_failed_order_shows_its_cancellation_until_the_warehouse_has_answered(api):
    ask_without_an_answer(api, looks=TimeoutError(), cancels=TimeoutError())
    assert api.post("/orders/ord_1/cancel").status_code == 202
    for _ in range(api.system.policy.max_attempts):
        deliver(api.system, message("ord_1"))
    shown = api.get("/orders/ord_1").json()
    assert (shown["status"], shown["cancel_asked"]) == ("FAILED", True)
    api.system.fulfiller.looks = DECLINED
    later(api.system, api.system.policy.recover_after)
    reconcile(api.system)
    shown = api.get("/orders/ord_1").json()
    assert (shown["status"], shown["cancel_asked"]) == ("FAILED", False)


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
