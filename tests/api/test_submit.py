"""POST /order: which orders are accepted, and the response."""

from decimal import Decimal

import httpx
import pytest
from simplejson import loads

from service.orders.lifecycle import Status
from tests.api.client import JSON, LENIENT, Api, assert_problem
from tests.support import valid_order


@pytest.mark.parametrize("path", ["/order", "/orders"])
def test_a_valid_order_is_accepted_and_can_be_found(path, api):
    response = api.post(path, json=valid_order())
    accepted = response.json()
    assert (response.status_code, accepted["status"]) == (202, "RECEIVED")
    assert response.headers["content-type"] == "application/json"
    assert response.headers["location"] == f"/orders/{accepted['order_id']}"
    assert accepted.keys() == {"order_id", "status"}
    assert api.get(response.headers["location"]).json()["order_id"] == accepted["order_id"]


def test_an_accepted_order_is_stored_and_its_workflow_started(api):
    order_id = api.post("/order", json=valid_order()).json()["order_id"]
    assert api.stored[order_id].status is Status.RECEIVED
    assert api.stored[order_id].owner == "anonymous"
    assert api.system.workflow.started == [(order_id, order_id)]


def test_an_order_is_accepted_even_if_its_workflow_does_not_start(api):
    api.system.workflow.broken = ConnectionError("canary")
    response = api.post("/order", json=valid_order())
    assert response.status_code == 202
    assert list(api.stored) == [response.json()["order_id"]]


def test_two_equal_orders_without_a_key_are_two_orders(api):
    ids = {api.post("/order", json=valid_order()).json()["order_id"] for _ in range(2)}
    assert len(ids) == len(api.stored) == 2


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"customer_id": ""}, "/customer_id"),
        ({"customer_id": "a b "}, "/customer_id"),
        ({"customer_id": "x" * 129}, "/customer_id"),
        ({"customer_id": 5}, "/customer_id"),
        ({"customer_id": None}, "/customer_id"),
        ({"items": []}, "/items"),
        ({"items": {}}, "/items"),
        ({"items": ["x"]}, "/items/0"),
        ({"items": [{"product_id": "p", "quantity": 0, "price": 1}]}, "/items/0/quantity"),
        ({"items": [{"product_id": "p", "quantity": 10_001, "price": 1}]}, "/items/0/quantity"),
        ({"items": [{"product_id": "p", "quantity": 1.5, "price": 1}]}, "/items/0/quantity"),
        ({"items": [{"product_id": "p", "quantity": 1, "price": -0.01}]}, "/items/0/price"),
        ({"items": [{"product_id": "p", "quantity": 1, "price": 0.001}], "total_amount": 0.001}, "/items/0/price"),
        ({"items": [{"product_id": "p", "quantity": 1, "price": "1,5"}]}, "/items/0/price"),
        ({"total_amount": 59.97}, "/total_amount"),
        ({"total_amount": "59.97"}, "/total_amount"),
        ({"currency": "XYZ"}, "/currency"),
        ({"currency": "usd"}, "/currency"),
        ({"metadata": {"a": 1}}, "/metadata/a"),
        ({"metadata": {"a~b/c": 5}}, "/metadata/a~0b~1c"),
        ({"metadata": []}, "/metadata"),
        ({"note": 5}, "/note"),
        ({"reference": "#1\n"}, "/reference"),
        ({"ship_to": []}, "/ship_to"),
        ({"adjustments": [{"kind": "VAT", "amount": 1}]}, "/adjustments/0/kind"),
        ({"coupon": "x"}, "/coupon"),
        ({"order_id": "ord_1"}, "/order_id"),
        ({"status": "FULFILLED"}, "/status"),
    ],
)
def test_an_invalid_order_is_refused_and_the_field_is_named(changes, pointer, api):
    problem = assert_problem(api.post("/order", json=valid_order(**changes)), 422, "order-invalid")
    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert (api.stored, api.system.workflow.started) == ({}, [])


def test_all_errors_are_returned_at_once(api):
    order = {"items": [{"product_id": "", "quantity": 0, "price": -1}], "currency": "?", "extra": 1}
    problem = assert_problem(api.post("/order", json=order), 422, "order-invalid")
    pointers = {error["pointer"] for error in problem["errors"]}
    items = {"/items/0/product_id", "/items/0/quantity", "/items/0/price"}
    assert pointers == {"/customer_id", "/total_amount", "/currency", "/extra"} | items
    assert all(error.keys() == {"pointer", "detail"} for error in problem["errors"])


@pytest.mark.parametrize(
    "preference",
    ["handling=lenient", 'handling="lenient"', "Handling = LENIENT", "respond-async, handling=lenient;x=1"],
)
def test_a_lenient_invalid_order_is_accepted_and_validated_in_the_workflow(preference, api):
    response = api.post("/order", json={"note": "no order"}, headers={"Prefer": preference})
    assert response.status_code == 202
    assert response.headers["preference-applied"] == "handling=lenient"
    assert api.stored[response.json()["order_id"]].document == {"note": "no order"}


def test_a_lenient_order_has_a_limit_of_its_own():
    api = Api(lenient_bytes=20)
    problem = assert_problem(
        api.post("/order", json={"note": "no order at all"}, headers=LENIENT), 422, "order-invalid"
    )
    assert problem["errors"][-1] == {"pointer": "", "detail": "is larger than 20 bytes, the limit of invalid orders"}
    assert api.post("/order", json={"note": "s"}, headers=LENIENT).status_code == 202


def test_lenient_handling_can_be_switched_off():
    api = Api(lenient_bytes=0)
    strict = api.post("/order", json={"note": "no order"})
    response = api.post("/order", json={"note": "no order"}, headers=LENIENT)
    assert_problem(response, 422, "order-invalid")
    assert response.json()["errors"] == strict.json()["errors"]
    assert "preference-applied" not in api.post("/order", json=valid_order(), headers=LENIENT).headers
    assert len(api.stored) == 1


@pytest.mark.parametrize(
    "preference", ["", "handling=strict", "lenient", "handling", "x=handling=lenient", "return=lenient"]
)
def test_any_other_preference_leaves_the_edge_strict(preference, api):
    response = api.post("/order", json={"note": "no order"}, headers={"Prefer": preference})
    assert_problem(response, 422, "order-invalid")
    assert "preference-applied" not in response.headers


def test_of_two_contradicting_preferences_the_first_counts(api):
    """RFC 7240, section 2: if a preference is given more than once, only the first instance is considered."""
    response = api.post("/order", json={"note": "x"}, headers={"Prefer": "handling=strict, handling=lenient"})
    assert_problem(response, 422, "order-invalid")


def test_preferences_on_two_lines_are_read_as_on_one(api):
    """RFC 7240, section 2: several header lines mean the same as one with commas."""
    lines = [("Prefer", "respond-async"), ("Prefer", "handling=lenient")]
    assert api.post("/order", json={"note": "x"}, headers=[*JSON.items(), *lines]).status_code == 202


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"5", b"null", b"true"])
def test_a_lenient_body_that_is_no_object_is_refused(body, api):
    problem = assert_problem(api.send(body, LENIENT), 422, "order-invalid")
    assert problem["errors"][0]["detail"].startswith("must be a JSON object")
    assert api.stored == {}


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON", " application/json ;x"]
)
def test_a_json_content_type_is_accepted_in_any_spelling(content_type, api):
    order = httpx.Request("POST", "http://x", json=valid_order()).content
    assert api.post("/order", content=order, headers={"Content-Type": content_type}).status_code == 202


@pytest.mark.parametrize("price", ["0", "0.00", "29.9", "29.90", "9999999999999.99", "1e2", "-0", "-0.0"])
def test_amounts_are_kept_to_the_cent_and_shown_with_it(price, api):
    body = f'{{"customer_id":"c","items":[{{"product_id":"p","quantity":1,"price":{price}}}],"total_amount":{price}}}'
    shown = api.get(api.send(body).headers["location"]).text
    cents = f"{abs(Decimal(price)):.2f}"
    assert f'"total_amount":{cents},' in shown
    assert loads(shown, use_decimal=True)["items"][0]["price"] == Decimal(cents)


@pytest.mark.parametrize("quantity", [1, 3, 7, 9_999, 10_000])
def test_the_total_is_compared_exactly_and_not_in_binary_fractions(quantity, api):
    total = quantity * Decimal("0.07")
    items = f'[{{"product_id":"p","quantity":{quantity},"price":0.07}}]'
    assert api.send(f'{{"customer_id":"c","items":{items},"total_amount":{total}}}').status_code == 202


def test_unicode_text_is_returned_unchanged(api):
    metadata = {"gift": "für dich 🎁 \u0000 \u2028", "note": '"\\/<script>'}
    location = api.post("/order", json=valid_order(metadata=metadata)).headers["location"]
    assert api.get(location).json()["metadata"] == metadata


def test_identity_headers_are_ignored_without_authentication():
    api = Api()
    spoofed = {"X-Owner": "admin", "X-Api-Key": "k", "Authorization": "Bearer x", "X-Amzn-Principal-Id": "admin"}
    order_id = api.post("/order", json=valid_order(), headers=spoofed).json()["order_id"]
    assert api.stored[order_id].owner == "anonymous"
