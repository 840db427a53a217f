"""The API behind API Gateway: text is not base64, links contain the stage, and malformed events fail no invocation."""

import base64
import json
from contextlib import suppress

import pytest

from service.api import gateway as module
from service.api.app import create_app
from service.api.dependencies import run_inline
from service.orders.lifecycle import Status
from service.orders.strict_json import MAX_SIZE
from tests import events
from tests.api.proxy import at, content, problem
from tests.support import Context, valid_order


def test_an_order_is_accepted(gateway):
    answer = gateway.call(events.load("api_post_order"))
    accepted = content(answer)
    assert (answer["statusCode"], accepted["status"]) == (202, "RECEIVED")
    assert gateway.system.store.get(accepted["order_id"]).status is Status.RECEIVED


def test_a_body_that_the_gateway_encoded_is_decoded(gateway):
    accepted = content(gateway.call(events.load("api_post_order_base64")))
    assert gateway.system.store.get(accepted["order_id"]).customer_id == "cust_123"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"{", (400, "malformed-json")),
        (b"\xff\xfe", (400, "malformed-json")),
        (b"", (400, "malformed-json")),
        (b"[" * (MAX_SIZE + 1), (413, "body-too-large")),
        (b"{}", (422, "order-invalid")),
    ],
    ids=lambda each: str(each)[:12],
)
def test_a_base64_body_is_validated_like_any_other(body, expected, gateway):
    event = events.load("api_post_order_base64") | {"body": base64.b64encode(body).decode()}
    assert problem(gateway.call(event)) == expected


def test_a_null_body_is_an_empty_one(gateway):
    assert problem(gateway.call(events.load("api_post_null_body"))) == (400, "malformed-json")


@pytest.mark.parametrize(
    ("path", "body", "headers", "expected"),
    [
        ("/order", "{", {}, (400, "malformed-json")),
        ("/order", '{"a":"\\ud800"}', {}, (400, "malformed-json")),
        ("/order", "\ufeff{", {}, (400, "malformed-json")),
        ("/order", "{}", {}, (422, "order-invalid")),
        ("/order", "[]", {"Prefer": "handling=lenient"}, (422, "order-invalid")),
        ("/order", "{}", {"Content-Type": "text/plain"}, (415, "wrong-media-type")),
        ("/order", "é" * (MAX_SIZE // 2 + 1), {}, (413, "body-too-large")),
        ("/order", valid_order(), {"Idempotency-Key": "x" * 256}, (400, "idempotency-key-invalid")),
        ("/order", valid_order(), {"Idempotency-Key": "é" * 16}, (400, "idempotency-key-invalid")),
        ("/nowhere", "{}", {}, (404, "not-found")),
        ("/health", "{}", {}, (405, "method-not-allowed")),
        ("/orders/ord_1/cancel", "", {}, (404, "order-not-found")),
    ],
)
def test_every_problem_is_text_and_not_base64(path, body, headers, expected, gateway):
    assert problem(gateway.post(path, body, headers)) == expected
    assert gateway.system.store.orders == {}


def test_a_405_below_a_stage_lists_the_allowed_methods(gateway):
    assert gateway.post("/health")["headers"]["allow"] == "GET, HEAD"
    assert gateway.get("/orders", httpMethod="DELETE")["headers"]["allow"] == "GET, HEAD, POST"


def test_an_order_is_shown(gateway):
    event = events.load("api_get_order")
    gateway.system.receive(event["pathParameters"]["proxy"].removeprefix("orders/"))
    assert content(gateway.call(event))["customer_id"] == "cust_123"


def test_the_query_reaches_the_list(gateway):
    for number in range(3):
        gateway.system.receive(f"ord_{number}")
        gateway.system.now.forward(1)
    event = events.load("api_list_orders")
    page = content(gateway.call(event))
    assert [order["order_id"] for order in page["orders"]] == ["ord_2", "ord_1"]
    for name in ("queryStringParameters", "multiValueQueryStringParameters"):
        event[name]["cursor"] = [page["next_cursor"]] if name.startswith("multi") else page["next_cursor"]
    assert [order["order_id"] for order in content(gateway.call(event))["orders"]] == ["ord_0"]


def test_a_single_value_query_is_read_too(gateway):
    event = events.load("api_list_orders") | {"multiValueQueryStringParameters": None}
    assert content(gateway.call(event)) == {"orders": [], "sorted_by": "updated_at", "next_cursor": None}


@pytest.mark.parametrize("absent", ["headers", "multiValueHeaders", "pathParameters", "body"])
def test_null_members_of_the_event_are_absent(absent, gateway):
    """The test button of API Gateway's console sends no headers."""
    assert content(gateway.get("/health", **{absent: None}))["status"] == "ok"


@pytest.mark.parametrize(
    ("stage", "root"), [("/dev", "/dev"), ("/prod", "/prod"), ("", "")], ids=["dev", "prod", "custom domain"]
)
def test_links_contain_the_stage(stage, root, gateway):
    accepted = gateway.call(at("/order", events.load("api_post_order"), stage))
    assert accepted["headers"]["location"] == f"{root}/orders/{content(accepted)['order_id']}"
    page = gateway.call(at("/docs", events.load("api_get_order"), stage))["body"]
    for link in ("/openapi.json'", '/docs/swagger-ui-bundle.js"', '/docs/swagger-ui.css"'):
        assert root + link in page
    home = gateway.call(at("/", events.load("api_get_order"), stage))
    assert (home["statusCode"], home["headers"]["location"]) == (307, f"{root}/docs")


@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css"])
def test_the_documentation_is_text(path, gateway):
    answer = gateway.get(path)
    assert (answer["statusCode"], answer["isBase64Encoded"]) == (200, False)
    assert len(answer["body"]) > 500


@pytest.mark.parametrize("name", ["icon.svg", "swagger-ui.css", "swagger-ui-bundle.js"])
def test_no_file_of_the_documentation_is_base64(name, gateway):
    """Without binaryMediaTypes, API Gateway passes on the base64 itself."""
    answer = gateway.get(f"/docs/{name}")
    assert (answer["statusCode"], answer["isBase64Encoded"]) == (200, False)


@pytest.mark.parametrize("stage", ["/dev", ""])
@pytest.mark.parametrize("written", ["/orders/ord%5F1", "/orders/ord_1"])
def test_a_percent_encoded_path_is_the_same_path_whatever_the_stage(written, stage, gateway):
    gateway.system.receive("ord_1")
    answer = gateway.call(at(written, events.load("api_get_order"), stage))
    assert (answer["statusCode"], content(answer).get("order_id")) == (200, "ord_1")


def test_a_route_that_begins_like_the_stage_is_not_cut(gateway):
    event = at("/orders", events.load("api_list_orders"), "/orders")
    assert content(gateway.call(event)) == {"orders": [], "sorted_by": "updated_at", "next_cursor": None}


@pytest.mark.parametrize("error", [RuntimeError("canary"), KeyError("canary"), RecursionError("canary")])
def test_an_internal_error_is_a_response_and_not_a_failed_invocation(error, gateway):
    def get(_order_id):
        raise error

    gateway.system.store.get = get
    answer = gateway.get("/orders/ord_1")
    assert problem(answer) == (500, "internal-error")
    assert "canary" not in json.dumps(answer)
    assert content(gateway.get("/health"))["status"] == "ok"


def test_a_retry_is_marked_as_replayed(gateway):
    key = {"Idempotency-Key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}
    first, again = gateway.post(headers=key), gateway.post(headers=key)
    assert content(first) == content(again)
    assert again["headers"]["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first["headers"]


def test_a_process_builds_one_application_for_orders_and_one_for_all_routes(gateway, monkeypatch):
    """Building one for each request would be slow."""
    built = []
    monkeypatch.setattr(
        module, "create_app", lambda *args, **named: built.append((args, named)) or create_app(*args, **named)
    )
    for _ in range(3):
        gateway.get("/health")
        gateway.get("/orders/ord_1")
        gateway.post("/order", valid_order())
    given = (gateway.system.settings, run_inline, gateway.system)
    assert built == [(given, {"only_orders": False}), (given, {"only_orders": True})]


@pytest.mark.parametrize("wrong", [True, 5, "text", ["proxy"], {"proxy": 5}, [], {}])
@pytest.mark.parametrize(
    "part", ["pathParameters", "path", "requestContext", "headers", "multiValueHeaders", "resource"]
)
def test_an_event_of_another_form_is_answered_or_is_no_proxy_event(part, wrong, gateway):
    event = {**events.load("api_list_orders"), part: wrong}
    with suppress(module.NotAProxyEvent):
        assert module.respond(event, Context(), gateway.system)["statusCode"] < 500
