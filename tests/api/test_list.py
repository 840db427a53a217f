"""GET /orders: newest first, in pages that skip and repeat nothing, with a cursor bound to its list."""

import base64
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode

import pytest

from service.api.orders import ListQuery
from service.orders.lifecycle import Status
from service.orders.orders import Orders
from service.orders.timestamps import text
from tests.api.client import assert_problem
from tests.steps.doubles import invalid, standing
from tests.support import START, valid_order

EARLY, LATE = "2020-01-31T09:30:00Z", "2040-01-31T09:30:00Z"
AS_LISTS = [
    {},
    {"status": "RECEIVED", "updated_after": EARLY, "updated_before": LATE},
    {"customer_id": "cust_123", "created_after": EARLY, "created_before": LATE},
    {"customer_id": "cust_123", "status": "RECEIVED"},
    {"reference": "#1001"},
    {"reference": "#1001", "owner": "anonymous"},
]


def pages(api, limit, **query):
    """Return the order ids of each page of a list."""
    query["limit"], shown = limit, []
    for _ in range(1000):
        response = api.get("/orders", params=query)
        assert response.status_code == 200, response.text
        assert response.json().keys() == {"orders", "sorted_by", "next_cursor"}
        shown.append([order["order_id"] for order in response.json()["orders"]])
        if response.json()["next_cursor"] is None:
            return shown
        query["cursor"] = response.json()["next_cursor"]
    raise AssertionError("the list does not end")


def cursor_of(api, **query):
    return api.get("/orders", params={"limit": 1, **query}).json()["next_cursor"]


def test_each_filter_of_the_list_is_tested_here():
    filters = ListQuery.model_fields.keys() - {"limit", "cursor"}
    assert {name for query in AS_LISTS for name in query} == filters, "add a list with the new filter to AS_LISTS"


@pytest.fixture
def five(api):
    """Five orders, created one second apart."""
    for number in range(1, 6):
        api.system.receive(f"ord_{number}", reference="#1001")
        api.system.now.forward(1)
    return api


@pytest.mark.parametrize("query", AS_LISTS)
@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (1, [["ord_5"], ["ord_4"], ["ord_3"], ["ord_2"], ["ord_1"]]),
        (2, [["ord_5", "ord_4"], ["ord_3", "ord_2"], ["ord_1"]]),
        (5, [["ord_5", "ord_4", "ord_3", "ord_2", "ord_1"]]),
        (100, [["ord_5", "ord_4", "ord_3", "ord_2", "ord_1"]]),
    ],
)
def test_a_list_is_newest_first_in_pages_of_the_given_limit(limit, expected, query, five):
    assert pages(five, limit, **query) == expected


@pytest.mark.parametrize("query", AS_LISTS)
@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_orders_of_the_same_millisecond_are_listed_once_each(limit, query, api):
    ids = {api.system.receive(f"ord_{number}", reference="#1001").order_id for number in range(20)}
    listed = [order_id for page in pages(api, limit, **query) for order_id in page]
    assert (len(listed), set(listed)) == (20, ids)


@pytest.mark.parametrize("query", AS_LISTS)
def test_any_number_of_orders_of_the_same_millisecond_can_be_listed(query, api):
    """The API accepts every cursor that it returns."""
    ids = {api.system.receive(f"ord_{number:032x}", reference="#1001").order_id for number in range(300)}
    listed = [order_id for page in pages(api, 100, **query) for order_id in page]
    assert (len(listed), set(listed)) == (300, ids)


def test_an_order_created_between_two_pages_does_not_shift_them(five):
    cursor = cursor_of(five, customer_id="cust_123")
    five.system.receive("ord_6")
    page = five.get("/orders", params={"customer_id": "cust_123", "cursor": cursor}).json()
    assert [order["order_id"] for order in page["orders"]] == ["ord_4", "ord_3", "ord_2", "ord_1"]


def test_the_default_limit_is_twenty(api):
    for number in range(21):
        api.system.receive(f"ord_{number}")
    page = api.get("/orders?status=RECEIVED").json()
    assert len(page["orders"]) == 20
    assert page["next_cursor"]


@pytest.mark.parametrize("status", list(Status))
def test_the_status_filter_lists_orders_with_this_status(status, api):
    for each in Status:
        standing(each, api.system, f"ord_{each}")
    assert pages(api, 10, status=status) == [[f"ord_{status}"]]


def test_the_customer_filter_lists_orders_with_any_status(api):
    api.system.receive("ord_1", customer_id="ann")
    api.system.receive("ord_2", customer_id="bob")
    invalid(api.system, "ord_3")
    assert pages(api, 10, customer_id="ann") == [["ord_1"]]
    assert pages(api, 10, customer_id="eve") == [[]]


def test_each_list_says_by_which_time_it_is_sorted(api):
    system = api.system
    system.receive("ord_1")
    system.now.forward(1)
    system.receive("ord_2")
    system.now.forward(1)
    Orders(system).store("ord_1")
    found = {
        name: (page["sorted_by"], [order["order_id"] for order in page["orders"]])
        for name, query in {"all": "", "customer": "customer_id=cust_123"}.items()
        for page in [api.get(f"/orders?{query}").json()]
    }
    assert found == {"all": ("updated_at", ["ord_1", "ord_2"]), "customer": ("created_at", ["ord_2", "ord_1"])}


def test_a_list_can_be_limited_to_a_time_span(api):
    for number in range(4):
        api.system.receive(f"ord_{number}")
        api.system.now.forward(1)
    times = [text(START + timedelta(seconds=seconds)) for seconds in (1, 3)]
    assert pages(api, 10, customer_id="cust_123", created_after=times[0], created_before=times[1]) == [
        ["ord_2", "ord_1"]
    ]
    assert pages(api, 10, updated_after=times[0], updated_before=times[1]) == [["ord_2", "ord_1"]]


def test_the_reference_filter_lists_the_callers_own_orders_only(api):
    mine = api.post("/orders", json=valid_order(reference="#1001")).json()["order_id"]
    api.post("/orders", json=valid_order(reference="#1002"))
    api.system.store.create(replace(api.system.store.get(mine), order_id="ord_2", owner="jo", write_id="w9"))
    assert pages(api, 10, reference="#1001") == [[mine]]


def test_a_filter_of_the_wrong_time_is_told_the_right_one(api):
    problem = api.get("/orders", params={"status": "RECEIVED", "created_after": EARLY}).json()
    assert problem["errors"] == [
        {
            "pointer": "created_after",
            "detail": "cannot be given, because the list is sorted by updated_at; give updated_after",
        }
    ]


def test_a_listed_order_has_the_form_of_a_single_one(api):
    api.system.receive()
    assert api.get("/orders?status=RECEIVED").json()["orders"] == [api.get("/orders/ord_1").json()]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"status": "RECEIVED", "created_after": EARLY}, ["created_after"]),
        ({"created_after": EARLY, "created_before": LATE}, ["created_after", "created_before"]),
        ({"customer_id": "c", "status": "RECEIVED", "updated_before": LATE}, ["updated_before"]),
        ({"reference": "r", "updated_after": EARLY}, ["updated_after"]),
        ({"customer_id": "c", "created_after": "yesterday"}, ["created_after"]),
        ({"status": "received"}, ["status"]),
        ({"status": ""}, ["status"]),
        ({"customer_id": ""}, ["customer_id"]),
        ({"customer_id": " a"}, ["customer_id"]),
        ({"customer_id": "x" * 129}, ["customer_id"]),
        ({"reference": "a "}, ["reference"]),
        ({"reference": "a", "owner": ""}, ["owner"]),
        ({"reference": "a", "owner": "é" * 513}, ["owner"]),
        ({"owner": "anonymous"}, ["owner"]),
        ({"owner": "anonymous", "customer_id": "c", "updated_after": EARLY}, ["owner"]),
        ({"customer_id": "c\n"}, ["customer_id"]),
        ({"status": "RECEIVED", "limit": 0}, ["limit"]),
        ({"status": "RECEIVED", "limit": 101}, ["limit"]),
        ({"status": "RECEIVED", "limit": -1}, ["limit"]),
        ({"status": "RECEIVED", "limit": "ten"}, ["limit"]),
        ({"status": "RECEIVED", "limit": "9" * 5000}, ["limit"]),
        ({"status": "RECEIVED", "limit": ""}, ["limit"]),
        ({"status": "RECEIVED", "offset": 5}, ["offset"]),
        ({"status": "RECEIVED", "Cursor": "x"}, ["Cursor"]),
        ({"status": "X", "limit": 0, "page": 1}, ["limit", "page", "status"]),
    ],
)
def test_invalid_parameters_are_named(query, names, api):
    problem = assert_problem(api.get("/orders", params=query), 422, "parameters-invalid")
    assert sorted(error["pointer"] for error in problem["errors"]) == names
    assert all(error["detail"] for error in problem["errors"])


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "=",
        "é",
        "\x00",
        "ord_1",
        "x" * 8193,
        "A" * 8192,
        base64.urlsafe_b64encode(b"[" * 5000).decode(),
        base64.urlsafe_b64encode(b"\xff\xfe\xfd").decode(),
        base64.urlsafe_b64encode(b"[NaN,NaN,NaN]").decode(),
    ],
    ids=lambda cursor: ascii(cursor[:20]),
)
@pytest.mark.parametrize("query", AS_LISTS)
def test_an_invalid_cursor_is_refused(cursor, query, five):
    response = five.get("/orders", params={**query, "cursor": cursor})
    problem = assert_problem(response, 400, "cursor-invalid")
    assert problem["detail"] == "The cursor does not belong to this list. Start again without a cursor."


@pytest.mark.parametrize("query", AS_LISTS)
def test_a_cursor_with_one_changed_bit_is_refused(query, five):
    genuine = cursor_of(five, **query)
    sealed = base64.urlsafe_b64decode(genuine + "=" * (-len(genuine) % 4))
    for at in range(len(sealed)):
        tampered = (
            base64.urlsafe_b64encode(sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]).decode().rstrip("=")
        )
        assert_problem(five.get("/orders", params={**query, "cursor": tampered}), 400, "cursor-invalid")


def test_a_cursor_of_another_deployment_is_refused(five):
    cursor = cursor_of(five, status="RECEIVED")
    five.system.cursor_key = b"of another deployment"
    assert_problem(five.get("/orders", params={"status": "RECEIVED", "cursor": cursor}), 400, "cursor-invalid")


@pytest.mark.parametrize("foreign", ["!", ".", " ", "\n", "\x00", "é"])
@pytest.mark.parametrize("at", [0, 7, None])
def test_a_cursor_with_an_invalid_character_is_refused(foreign, at, five):
    genuine = cursor_of(five, status="RECEIVED")
    at = len(genuine) if at is None else at
    tampered = genuine[:at] + 4 * foreign + genuine[at:]  # four leave the padding as it is
    response = five.get("/orders", params={"status": "RECEIVED", "cursor": tampered})
    assert_problem(response, 400, "cursor-invalid")


@pytest.mark.parametrize(
    ("mine", "other"),
    [
        ({"status": "RECEIVED"}, {"status": "PENDING"}),
        ({"status": "RECEIVED"}, {"customer_id": "cust_123"}),
        ({"customer_id": "cust_123"}, {"customer_id": "cust_124"}),
        ({"customer_id": "cust_123"}, {"status": "RECEIVED"}),
        ({"reference": "#1001"}, {"reference": "#1002"}),
        ({"reference": "#1001"}, {"reference": "#1001", "owner": "jo"}),
        ({"reference": "#1001"}, {"customer_id": "#1001"}),
    ],
)
def test_a_cursor_is_refused_by_another_list(mine, other, five):
    cursor = cursor_of(five, **mine)
    assert five.get("/orders", params={**mine, "cursor": cursor}).status_code == 200
    assert_problem(five.get("/orders", params={**other, "cursor": cursor}), 400, "cursor-invalid")


def test_a_cursor_needs_no_encoding_in_a_url(five):
    cursor = cursor_of(five, status="RECEIVED")
    assert urlencode({"cursor": cursor}) == f"cursor={cursor}"


def test_a_cursor_is_valid_for_any_limit(five):
    cursor = cursor_of(five, status="RECEIVED")
    page = five.get("/orders", params={"status": "RECEIVED", "cursor": cursor, "limit": 3}).json()
    assert [order["order_id"] for order in page["orders"]] == ["ord_4", "ord_3", "ord_2"]
