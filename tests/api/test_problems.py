"""Errors are problem details (RFC 9457): a type for each cause, without the text of the exception."""

import asyncio

import pytest

from service.orders.lifecycle import Status
from service.orders.strict_json import MAX_SIZE
from tests.api.client import JSON, PROBLEM, Api, assert_problem
from tests.steps.doubles import standing
from tests.support import valid_order

KEYED = {**JSON, "Idempotency-Key": "x" * 16}

REQUESTS = {
    "malformed-json": ("POST", "/order", {"content": b"{", "headers": JSON}),
    "idempotency-key-invalid": ("POST", "/order", {"json": valid_order(), "headers": {"Idempotency-Key": "x" * 256}}),
    "cursor-invalid": ("GET", "/orders?status=RECEIVED&cursor=x", {}),
    "order-not-found": ("GET", "/orders/ord_2", {}),
    "not-found": ("GET", "/nowhere", {}),
    "method-not-allowed": ("DELETE", "/orders/ord_1", {}),
    "too-late": ("POST", "/orders/ord_1/cancel", {}),
    "body-too-large": ("POST", "/order", {"content": b"x" * (MAX_SIZE + 1), "headers": JSON}),
    "wrong-media-type": ("POST", "/order", {"content": b"{}", "headers": {"Content-Type": "text/plain"}}),
    "wrong-content-encoding": ("POST", "/order", {"content": b"x", "headers": {**JSON, "Content-Encoding": "gzip"}}),
    "order-invalid": ("POST", "/order", {"content": b"{}", "headers": JSON}),
    "idempotency-key-reused": ("POST", "/order", {"json": valid_order(customer_id="c"), "headers": KEYED}),
    "parameters-invalid": ("GET", "/orders?limit=0", {}),
}
STATUS = {
    **dict.fromkeys(["malformed-json", "idempotency-key-invalid", "cursor-invalid"], 400),
    **dict.fromkeys(["order-not-found", "not-found"], 404),
    **{"method-not-allowed": 405, "too-late": 409, "body-too-large": 413, "wrong-media-type": 415},
    "wrong-content-encoding": 415,
    **dict.fromkeys(["order-invalid", "idempotency-key-reused", "parameters-invalid"], 422),
}

CALLS = [
    ("create", "POST", "/order", {"json": valid_order()}),
    ("get", "GET", "/orders/ord_1", {}),
    ("list_orders", "GET", "/orders?status=RECEIVED", {}),
    ("apply", "POST", "/orders/ord_1/cancel", {}),
]


class Broken:
    """A store whose methods all raise."""

    def __init__(self, error):
        self.error = error

    def __getattr__(self, _name):
        raise self.error


@pytest.mark.parametrize("slug", REQUESTS)
def test_every_cause_has_a_type_of_its_own(slug, api):
    standing(Status.FULFILLED, api.system)
    api.post("/order", json=valid_order(), headers=KEYED)
    method, path, given = REQUESTS[slug]
    assert_problem(api.request(method, path, **given), STATUS[slug], slug)


@pytest.mark.parametrize("slug", REQUESTS)
def test_no_problem_quotes_what_was_sent(slug):
    api = Api()
    method, path, given = REQUESTS[slug]
    given = {**given, "headers": {**given.get("headers", {}), "X-Canary": "canary"}}
    separator = "&" if "?" in path else "?"
    assert "canary" not in api.request(method, f"{path}{separator}x=canary", **given).text


@pytest.mark.parametrize(("method", "verb", "path", "given"), CALLS)
def test_an_internal_error_is_a_500_without_details(method, verb, path, given, api, caplog):
    api.system.store = Broken(RuntimeError("canary"))
    response = api.request(verb, path, **given)
    assert assert_problem(response, 500, "internal-error").keys() == {"type", "title", "status", "trace_id"}
    assert "canary" not in response.text + str(response.headers)
    assert "RuntimeError" not in response.text


def test_an_internal_error_is_logged_with_route_and_traceback(api, caplog):
    """The response hides the cause, so the log must have it."""
    api.system.store = Broken(RuntimeError("canary"))
    assert_problem(api.get("/orders/ord_1"), 500, "internal-error")
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert record.getMessage() == "GET /orders/{order_id} failed"
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == "canary"


@pytest.mark.parametrize(
    "path", ["/", "/x", "/order/1", "/orders/a/b", "/orders/ord_1/cancel/", "/docs/../secret", "/%00"]
)
@pytest.mark.parametrize("method", ["PUT", "PATCH", "PROPFIND"])
def test_an_unknown_path_or_method_is_a_problem(path, method, api):
    response = api.request(method, path)
    assert response.status_code in (404, 405)
    assert response.headers["content-type"] == PROBLEM
    assert response.json()["type"] in ("urn:dofs:problem:not-found", "urn:dofs:problem:method-not-allowed")


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/order", {"POST"}),
        ("/orders/ord_1", {"GET", "HEAD"}),
        ("/orders/ord_1/cancel", {"POST"}),
        ("/health", {"GET", "HEAD"}),
        ("/docs", {"GET", "HEAD"}),
        ("/openapi.json", {"GET", "HEAD"}),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_a_405_lists_the_allowed_methods(path, allowed, method, api):
    response = api.request(method, path)
    assert_problem(response, 405, "method-not-allowed")
    assert set(response.headers["allow"].split(", ")) == allowed


def test_a_405_lists_the_methods_of_every_route_of_a_path(api):
    """RFC 9110, section 15.5.6: Allow lists what the resource supports, not what one of its routes does."""
    response = api.request("DELETE", "/orders")
    assert_problem(response, 405, "method-not-allowed")
    assert set(response.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}


def test_a_client_disconnect_is_not_an_internal_error(api, caplog):
    """Clients disconnect at any time. An alarm on that would be noise."""
    waiting = [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]

    async def receive():
        return waiting.pop(0)

    async def send(message):
        pass

    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/order", "headers": headers, "query_string": b""}
    asyncio.run(api.app(scope, receive, send))
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
    assert api.stored == {}


def test_the_errors_of_an_order_are_bounded(api):
    response = api.post("/order", json={f"field{number}": 1 for number in range(2000)})
    errors = assert_problem(response, 422, "order-invalid")["errors"]
    assert (len(errors), errors[-1]["detail"]) == (101, "has 1,903 more errors")


def test_a_problem_has_no_empty_members(api):
    assert api.get("/orders/ord_1").json() == {
        "type": "urn:dofs:problem:order-not-found",
        "title": "There is no such order",
        "status": 404,
    }


def test_a_reused_key_names_the_order_that_has_it(api):
    first = api.post("/order", json=valid_order(), headers=KEYED).json()["order_id"]
    again = api.post("/order", json=valid_order(customer_id="c"), headers=KEYED)
    detail = f"The key was used for order {first}, with another document. Send a new order with a new key."
    assert assert_problem(again, 422, "idempotency-key-reused")["detail"] == detail


@pytest.mark.parametrize(
    ("method", "path", "body", "pointer", "detail"),
    [
        ("GET", "/orders?limit=0", None, "limit", "must be at least 1"),
        ("GET", "/orders?limit=x", None, "limit", "must be a whole number"),
        ("GET", "/orders?limit=101", None, "limit", "must be at most 100"),
        ("GET", "/orders?page=2", None, "page", "is not a parameter or a field of this request"),
        ("GET", "/orders?reference=%20a", None, "reference", "must not be empty, and must have no control characters"),
        ("GET", "/orders?status=Shipped", None, "status", "must be 'RECEIVED', "),
        ("GET", "/orders?created_after=x", None, "created_after", "must be an RFC 3339 timestamp with a time zone"),
        ("POST", "/failed-orders/ord_1/redrive", {}, "/note", "is required"),
        ("POST", "/failed-orders/ord_1/redrive", {"note": "x", "epoch": "1"}, "/epoch", "must be a whole number"),
        ("POST", "/failed-orders/redrive", {"note": "x", "dry_run": 1}, "/dry_run", "must be true or false"),
        ("POST", "/failed-orders/redrive", {"note": "x", "order_ids": ["a b"]}, "/order_ids/0", "must be the id of"),
        (
            "POST",
            "/failed-orders/redrive",
            {"note": "x", "order_ids": []},
            "/order_ids",
            "must have at least 1 element",
        ),
        ("POST", "/failed-orders/redrive", {"note": "x", "status": "FAILED"}, "/status", "is not a parameter or a fi"),
    ],
)
def test_errors_of_parameters_say_the_rule_in_plain_words(method, path, body, pointer, detail):
    response = Api(cloud="embedded").request(method, path, **({"json": body} if body is not None else {}))
    (error,) = assert_problem(response, 422, "parameters-invalid")["errors"]
    assert error["pointer"] == pointer
    assert error["detail"].startswith(detail)


def test_an_epoch_that_is_not_the_last_failure_is_named():
    api = Api(cloud="embedded")
    standing(Status.FAILED, api.system)
    response = api.post("/failed-orders/ord_1/redrive", json={"note": "x", "epoch": 7})
    assert assert_problem(response, 409, "not-failed")["detail"] == (
        "The last failure of the order has epoch 0, not 7. Read the failure, and send its epoch."
    )
