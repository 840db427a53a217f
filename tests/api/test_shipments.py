"""What customers and operators see of an order's parcels, and of its delivery at the warehouse."""

from dataclasses import replace
from datetime import timedelta

import pytest

from service.orders.lifecycle import Status
from service.orders.warehouse import Answer, State
from tests.api.client import LENIENT, Api
from tests.api.proxy import Gateway, content
from tests.steps.doubles import CLOSED, PARCEL, Scripted, deliver, later, message, pending, standing
from tests.support import valid_order

TRACKED = replace(
    PARCEL,
    carrier="DHL",
    tracking_number="0034",
    tracking_url="https://tracking.example/0034",
)


@pytest.fixture
def api():
    return Api(cloud="embedded")


def hand_over(api: Api, **answer: object) -> None:
    """Put an order at the warehouse, which has shipped one of its two pieces."""
    pending(api.system)
    api.system.fulfiller = Scripted(Answer(State.ACCEPTED, **{"shipments": (TRACKED,), **answer}))
    assert deliver(api.system, message("ord_1")) == []


def shown(api: Api) -> dict:
    return api.get("/orders/ord_1").json()


def test_an_order_shows_its_parcels_and_how_much_of_each_line_was_shipped(api):
    hand_over(api, shipments=(replace(TRACKED, shipped_at=api.system.now()), replace(PARCEL, id="s2")))
    order = shown(api)
    assert order["shipped"] == [{"line_id": "1", "quantity": 2}]
    assert order["shipments"] == [
        {
            "id": "s1",
            "delivery": 1,
            "carrier": "DHL",
            "tracking_number": "0034",
            "tracking_url": "https://tracking.example/0034",
            "shipped_at": "2026-01-31T09:30:00.123Z",
            "items": [{"line_id": "1", "quantity": 1}],
        },
        {
            **{"id": "s2", "delivery": 1, "carrier": None, "tracking_number": None, "tracking_url": None},
            **{"shipped_at": None, "items": [{"line_id": "1", "quantity": 1}]},
        },
    ]


def test_a_line_of_a_parcel_has_the_id_that_the_order_gives_it(api):
    items = [{"product_id": "p", "quantity": 2, "price": 29.99, "line_id": "shirt"}]
    order = api.post("/order", json=valid_order(items=items)).json()["order_id"]
    system = api.system
    system.store.orders[order] = replace(system.store.get(order), shipments=(PARCEL,), parcels=1, lines=((1, 1),))
    view = api.get(f"/orders/{order}").json()
    assert view["shipped"] == view["shipments"][0]["items"] == [{"line_id": "shirt", "quantity": 1}]
    assert view["delivery"]["lines"] == [{"line_id": "shirt", "quantity": 1}]


@pytest.mark.parametrize("items", ["none", [], [None], [{"line_id": [1]}], [{"line_id": {}, "quantity": "many"}]])
def test_an_order_that_is_not_valid_shows_parcels_that_nobody_asked_for(items, api):
    order = api.post("/order", json={"items": items}, headers=LENIENT).json()["order_id"]
    system = api.system
    system.store.orders[order] = replace(system.store.get(order), shipments=(PARCEL,), parcels=1, lines=((1, 1),))
    response = api.get(f"/orders/{order}")
    assert response.status_code == 200
    assert response.json()["shipped"][0]["quantity"] == 1


def test_an_order_at_the_warehouse_shows_when_it_is_due_and_since_when_it_is_there(api):
    hand_over(api, due_at=api.system.now() + timedelta(hours=1))
    there = api.system.now()
    later(api.system, timedelta(minutes=5))
    assert api.post("/orders/ord_1/cancel").status_code in (202, 409)  # another entry of the timeline
    order = shown(api)
    assert order["due_at"] == "2026-01-31T10:30:00.123Z"
    assert order["delivery"]["at_warehouse_since"] == there.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert order["delivery"]["overdue"] is False
    later(api.system, timedelta(hours=1))
    assert shown(api)["delivery"]["overdue"] is True


def test_an_order_that_is_not_at_the_warehouse_is_neither_due_nor_overdue(api):
    hand_over(api)
    api.system.fulfiller.looks = CLOSED
    assert api.post("/orders/ord_1/look").json()["status"] == "PARTLY_FULFILLED"
    later(api.system, timedelta(days=365))
    order = shown(api)
    assert order["due_at"] is None
    assert (order["delivery"]["at_warehouse_since"], order["delivery"]["overdue"]) == (None, False)


def test_the_remainder_is_what_the_next_delivery_asks_for(api):
    standing(Status.PARTLY_FULFILLED, api.system)
    delivery = shown(api)["delivery"]
    assert (delivery["key"], delivery["asked"]) == ("ord_1-d2", 0)
    assert delivery["lines"] == [{"line_id": "1", "quantity": 1}]


def test_a_customer_sees_parcels_and_the_due_date_but_not_the_delivery(event_loop):
    gateway = Gateway(api_auth="cognito", operator_api="on")
    gateway.caller = {"authorizer": {"claims": {"sub": "ann"}}}
    standing(Status.AT_WAREHOUSE, gateway.system)
    order = gateway.system.store.get("ord_1")
    gateway.system.store.orders["ord_1"] = replace(order, owner="cognito:ann", shipments=(PARCEL,), parcels=1)
    view = content(gateway.get("/orders/ord_1"))
    assert (len(view["shipments"]), view["owner"], view["delivery"]) == (1, None, None)
    assert view["due_at"] is not None
