"""Idempotency-Key: requests with the same key create one order, also concurrently and in any spelling."""

import pytest

from service.api.dependencies import run_in_thread, run_inline
from service.orders.deliveries import Deliveries
from service.orders.lifecycle import Status
from service.steps import store
from tests.api.client import LENIENT, Api, assert_problem
from tests.support import valid_order

KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"


def submit(api, key=KEY, **changes):
    return api.post("/order", json=valid_order(**changes), headers={"Idempotency-Key": key})


def test_a_retry_gets_the_first_response_and_is_marked_as_replayed(api):
    first, again = submit(api), submit(api)
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert again.headers["location"] == first.headers["location"]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert (len(api.stored), len(api.system.workflow.started)) == (1, 1)


def test_a_retry_gets_the_same_response_after_the_order_changed(api):
    first = submit(api)
    store.run(first.json(), api.system)
    Deliveries(api.system).claim(first.json()["order_id"])
    assert submit(api).json() == first.json() == {**first.json(), "status": Status.RECEIVED}


@pytest.mark.parametrize("path", ["/order", "/orders"])
def test_both_paths_share_the_keys(path, api):
    first = submit(api)
    again = api.post(path, json=valid_order(), headers={"Idempotency-Key": KEY})
    assert again.json() == first.json()


@pytest.mark.parametrize(
    ("bare", "quoted"),
    [
        (KEY, f'"{KEY}"'),
        (KEY, f'  "{KEY}"  '),
        ("x" * 255, '"' + "x" * 255 + '"'),
        ("x", '"x"'),
        ('a"b' * 6, '"' + r"a\"b" * 6 + '"'),
        (r"a\b" * 6, '"' + r"a\\b" * 6 + '"'),
    ],
)
def test_a_quoted_key_is_the_bare_one(bare, quoted, api):
    assert submit(api, bare).json() == submit(api, quoted).json()
    assert len(api.stored) == 1


@pytest.mark.parametrize("other", [KEY.upper(), KEY + "x", KEY[:-1], KEY.replace("-", " ")])
def test_a_different_key_creates_another_order(other, api):
    assert submit(api, other).json()["order_id"] != submit(api).json()["order_id"]
    assert len(api.stored) == 2


@pytest.mark.parametrize("key", ["x", "#1001", "x" * 255, "!", "~" * 16, "a key", '" "', '"' + "x" * 255 + '"', '"'])
def test_a_key_of_1_to_255_printable_characters_is_accepted(key, api):
    assert submit(api, key).status_code == 202


@pytest.mark.parametrize(
    "key",
    [
        "",
        "x" * 256,
        "x" * 10_000,
        '"' + "x" * 256 + '"',
        '""',
        " " * 20,
        "x" + "\t" + "x",
        "x" + "\x7f",
        b"x" + b"\xc3\xa9",
        b"x" + b"\x00",
        b"x" + b"\xff",
    ],
    ids=lambda key: ascii(key[:20]),
)
@pytest.mark.parametrize("preference", [{}, LENIENT])
def test_any_other_key_is_refused_and_nothing_is_stored(key, preference, api):
    headers = [("Idempotency-Key", key), *preference.items()]
    problem = assert_problem(api.post("/order", json=valid_order(), headers=headers), 400, "idempotency-key-invalid")
    assert "1 to 255 printable ASCII characters" in problem["detail"]
    assert api.stored == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"customer_id": "cust_124"},
        {"currency": "EUR"},
        {"metadata": {"a": "b"}},
        {"items": [{"product_id": "prod_456", "quantity": 1, "price": 59.98}]},
    ],
)
def test_the_same_key_with_another_order_is_refused(changes, api):
    first = submit(api)
    assert_problem(submit(api, **changes), 422, "idempotency-key-reused")
    assert list(api.stored) == [first.json()["order_id"]]
    assert submit(api).json() == first.json()


@pytest.mark.parametrize("changes", [{"currency": "USD"}, {"metadata": {}}, {"total_amount": 59.980}])
def test_the_same_order_in_another_spelling_is_a_retry(changes, api):
    assert submit(api).json() == submit(api, **changes).json()


def test_a_refused_order_does_not_use_its_key(api):
    assert_problem(submit(api, customer_id=""), 422, "order-invalid")
    assert submit(api).status_code == 202


def test_a_lenient_order_can_be_retried_too(api):
    headers = {**LENIENT, "Idempotency-Key": KEY}
    first = api.post("/order", json={"x": 1.50}, headers=headers)
    assert api.post("/order", json={"x": 1.50}, headers=headers).json() == first.json()
    assert_problem(api.post("/order", json={"x": 2}, headers=headers), 422, "idempotency-key-reused")


@pytest.mark.parametrize("offload", [run_inline, run_in_thread])
def test_concurrent_retries_create_one_order(offload):
    api = Api(offload=offload)
    request = ("POST", "/order", {"json": valid_order(), "headers": {"Idempotency-Key": KEY}})
    responses = api.together(*[request] * 20)
    assert {response.status_code for response in responses} == {202}
    assert len({response.text for response in responses}) == len(api.stored) == 1
    assert sum("idempotency-replayed" in response.headers for response in responses) == 19
    assert len(api.system.workflow.started) == 1
