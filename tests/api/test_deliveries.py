"""POST /orders/{id}/look and /orders/{id}/give-up: what operators do about orders at the warehouse."""

from dataclasses import replace

import pytest

from service.orders.lifecycle import Status
from service.orders.warehouse import Answer, State
from tests.api.client import Api, assert_problem
from tests.api.failing import fail_without_an_answer
from tests.api.proxy import Gateway, content, problem
from tests.steps.doubles import CLOSED, DONE, IN_WORK, NOT_FOUND, PARCEL, PatchedStore, Scripted, standing

NOTE = {"note": "the parcel is lost"}


@pytest.fixture
def api():
    return Api(cloud="embedded")


def at_warehouse(api, looks=IN_WORK, parcels=()):
    """An order at the warehouse, with the answer to looks."""
    standing(Status.AT_WAREHOUSE, api.system)
    orders = api.system.store.orders
    orders["ord_1"] = replace(orders["ord_1"], shipments=parcels, parcels=len(parcels))
    api.system.fulfiller = Scripted(DONE, looks=looks)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (DONE, "FULFILLED"),
        (CLOSED, "PARTLY_FULFILLED"),
        (Answer(State.CANCELLED), "CANCELLED"),
        (NOT_FOUND, "FAILED"),
        (replace(IN_WORK, shipments=(PARCEL,)), "AT_WAREHOUSE"),
    ],
)
def test_a_look_moves_an_order_by_the_answer_of_the_warehouse(answer, status, api):
    at_warehouse(api, answer)
    response = api.post("/orders/ord_1/look")
    assert (response.status_code, response.json()["status"]) == (200, status)
    assert response.json() == api.get("/orders/ord_1").json()
    assert response.json()["timeline"][-1]["actor"] == "operator:anonymous"


def test_a_look_without_news_is_counted(api):
    at_warehouse(api, replace(IN_WORK, due_at=None))
    assert [api.post("/orders/ord_1/look").json()["delivery"]["looks"] for _ in range(2)] == [1, 2]


@pytest.mark.parametrize("answer", [TimeoutError("canary"), Answer(State.NOT_TAKEN)])
def test_a_look_without_a_usable_answer_changes_nothing(answer, api):
    at_warehouse(api, answer)
    before = api.system.store.get("ord_1")
    response = api.post("/orders/ord_1/look")
    assert_problem(response, 502, "no-usable-answer")
    assert "canary" not in response.text
    assert api.system.store.get("ord_1") == before


def test_an_order_that_failed_without_an_answer_can_be_looked_at(api):
    fail_without_an_answer(api.system)
    api.system.fulfiller.looks = DONE
    assert api.post("/orders/ord_1/look").json()["status"] == "FULFILLED"


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.AT_WAREHOUSE}))
def test_only_an_order_that_the_warehouse_has_can_be_looked_at(status, api):
    before = standing(status, api.system)
    document = assert_problem(api.post("/orders/ord_1/look"), 409, "not-at-warehouse")
    assert (document["order_status"], document["detail"]) == (
        status,
        f"The order is {status}, and not at the warehouse.",
    )
    assert api.system.store.get("ord_1") == before


def test_a_look_is_decided_again_if_the_order_has_changed_meanwhile(api):
    """The customer asks for a cancellation between the read and the write."""
    at_warehouse(api, Answer(State.DECLINED))
    real, raced = api.system.store, []

    def cancelled_meanwhile(store, write):
        if not raced:
            raced.append(write)
            store.orders["ord_1"] = replace(store.orders["ord_1"], cancel_asked=1, version=99)
        return store.apply(write)

    api.system.store = PatchedStore(real, apply=cancelled_meanwhile)
    assert api.post("/orders/ord_1/look").json()["status"] == "CANCELLED"


@pytest.mark.parametrize(("parcels", "status"), [((), "FAILED"), ((PARCEL,), "PARTLY_FULFILLED")])
def test_an_order_that_is_given_up_keeps_its_delivery(parcels, status, api):
    at_warehouse(api, parcels=parcels)
    order = api.post("/orders/ord_1/give-up", json=NOTE).json()
    assert (order["status"], order["delivery"]["key"], order["delivery"]["asked"]) == (status, "ord_1-d1", 1)
    last = order["timeline"][-1]
    assert (last["actor"], last["reason"]) == ("operator:anonymous", "given up at the warehouse: the parcel is lost")
    assert api.get("/failed-orders/ord_1").json()["reason"] == "unknown"


def test_the_rest_of_an_order_that_was_given_up_can_be_looked_at(api):
    at_warehouse(api, DONE, parcels=(PARCEL,))
    assert api.post("/orders/ord_1/give-up", json=NOTE).json()["status"] == "PARTLY_FULFILLED"
    assert api.post("/orders/ord_1/look").json()["status"] == "FULFILLED"


def test_an_order_is_given_up_although_it_has_changed_meanwhile(api):
    """A parcel is reported between the read and the write."""
    at_warehouse(api)
    real, raced = api.system.store, []

    def shipped_meanwhile(store, write):
        if not raced:
            raced.append(write)
            store.orders["ord_1"] = replace(store.orders["ord_1"], shipments=(PARCEL,), parcels=1, version=99)
        return store.apply(write)

    api.system.store = PatchedStore(real, apply=shipped_meanwhile)
    assert api.post("/orders/ord_1/give-up", json=NOTE).json()["status"] == "PARTLY_FULFILLED"


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.AT_WAREHOUSE}))
def test_only_an_order_at_the_warehouse_can_be_given_up(status, api):
    before = standing(status, api.system)
    assert_problem(api.post("/orders/ord_1/give-up", json=NOTE), 409, "not-at-warehouse")
    assert api.system.store.get("ord_1") == before


@pytest.mark.parametrize("wrong", [{}, {"note": " "}, {"note": "x" * 201}, {"note": "two\nlines"}, {**NOTE, "x": 1}])
def test_to_give_up_an_order_needs_a_note(wrong, api):
    at_warehouse(api)
    assert_problem(api.post("/orders/ord_1/give-up", json=wrong), 422, "parameters-invalid")
    assert api.system.store.get("ord_1").status is Status.AT_WAREHOUSE


@pytest.mark.parametrize("act", ["look", "give-up"])
@pytest.mark.parametrize("order_id", ["ord_unknown", "%20", "x" * 65])
def test_an_unknown_order_is_not_found(order_id, act, api):
    assert_problem(api.post(f"/orders/{order_id}/{act}", json=NOTE), 404, "order-not-found")


@pytest.mark.parametrize("act", ["look", "give-up"])
def test_only_operators_look_and_give_up(act, event_loop):
    """Behind API Gateway, where most paths of orders load only the routes of customers."""
    gateway = Gateway(api_auth="cognito", operator_api="on")
    standing(Status.AT_WAREHOUSE, gateway.system)
    gateway.system.fulfiller = Scripted(DONE, looks=DONE)
    gateway.caller = {"authorizer": {"claims": {"sub": "ann"}}}
    assert problem(gateway.post(f"/orders/ord_1/{act}", NOTE)) == (403, "not-operator")
    gateway.caller = {"authorizer": {"claims": {"sub": "ann", "cognito:groups": "operators"}}}
    answer = gateway.post(f"/orders/ord_1/{act}", NOTE)
    assert answer["statusCode"] == 200
    assert content(answer)["status"] in ("FULFILLED", "FAILED")
