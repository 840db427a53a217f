"""Requests as clients really send them: paths, methods, headers and bodies in other forms than the documented one."""

import asyncio
import gzip
import json
from urllib.parse import parse_qs

import pytest

from service.api.dependencies import run_in_thread
from tests import events
from tests.api.client import JSON, Api, assert_problem
from tests.api.proxy import at, content, problem
from tests.support import valid_order

GETS = ["/orders?status=RECEIVED", "/orders/ord_1", "/health", "/docs", "/openapi.json", "/stats", "/console"]


@pytest.fixture
def api():
    return Api(cloud="embedded")


@pytest.mark.parametrize("path", GETS)
def test_head_has_the_status_and_the_headers_of_get_and_no_body(path, api):
    api.system.receive("ord_1")
    head, get = api.request("HEAD", path), api.get(path)
    assert head.status_code == get.status_code == 200
    assert head.headers == get.headers
    assert head.content == b""


def test_head_behind_api_gateway_has_no_body(gateway):
    gateway.system.receive("ord_1")
    answer = gateway.get("/orders/ord_1", httpMethod="HEAD")
    assert (answer["statusCode"], answer["body"]) == (200, "")


@pytest.mark.parametrize("path", ["/stats/live", "/stats/live/"])
def test_a_stream_has_no_head(path):
    response = Api(cloud="embedded", offload=run_in_thread).request("HEAD", path)
    assert (response.status_code, response.headers["allow"], response.content) == (405, "GET", b"")


@pytest.mark.parametrize("path", [path.partition("?")[0] for path in GETS])
def test_a_slash_at_the_end_is_the_same_route(path, api):
    api.system.receive("ord_1")
    query = {"status": "RECEIVED"} if path == "/orders" else {}
    with_slash, without = api.get(f"{path}/", params=query), api.get(path, params=query)
    assert (with_slash.status_code, with_slash.text) == (without.status_code, without.text)


def test_an_order_is_submitted_with_a_slash_at_the_end(api, gateway):
    assert gateway.post("/order/", valid_order())["statusCode"] == 202
    assert api.post("/order/", json=valid_order()).status_code == 202


@pytest.mark.parametrize(
    "path",
    [
        *("/orders/ord_1%2Fcancel", "/orders/ord_1%2fcancel", "/orders%2Ford_1/cancel"),
        *("/orders/ord_1//cancel", "/orders/ord_1/cancel//", "//orders/ord_1/cancel"),
        *("/orders/ord_1/c%61ncel", "/%6frders/ord_1/cancel", "/orders/ord_1/%63%61%6e%63%65%6c/"),
        *("/orders/ord_1/cancel%0A", "/orders/ord_1/cancel%0a/"),
    ],
)
def test_an_encoded_or_a_double_slash_or_an_encoded_word_is_no_route(path, api, gateway):
    """Otherwise a path could pass a policy of API Gateway that denies /orders/*/cancel."""
    api.system.receive("ord_1")
    gateway.system.receive("ord_1")
    assert problem(gateway.post(path, "")) == (404, "not-found")
    assert_problem(api.post(path), 404, "not-found")
    assert {str(each.status) for each in (*api.stored.values(), *gateway.system.store.orders.values())} == {"RECEIVED"}


@pytest.mark.parametrize("base", ["/shop", "/shop/v1", "/orders"])
def test_a_custom_domain_with_a_base_path_serves_every_route(base, gateway):
    accepted = gateway.call(at("/order", events.load("api_post_order"), base=base))
    location = accepted["headers"]["location"]
    assert location == f"{base}/orders/{content(accepted)['order_id']}"
    shown = gateway.call(at(location.removeprefix(base), events.load("api_get_order"), base=base))
    assert content(shown)["order_id"] == content(accepted)["order_id"]
    page = gateway.call(at("/docs", events.load("api_get_order"), base=base))["body"]
    assert f"{base}/openapi.json'" in page
    home = gateway.call(at("/", events.load("api_get_order"), base=base))
    assert (home["statusCode"], home["headers"]["location"]) == (307, f"{base}/docs")


@pytest.mark.parametrize("whole", ["/dev/order", "/dev/order/", "/%64ev/order"])
def test_the_location_has_the_stage_however_the_path_is_written(whole, gateway):
    event = at("/order", events.load("api_post_order"))
    event["path"], event["requestContext"]["path"] = whole.removeprefix("/dev").removeprefix("/%64ev"), whole
    accepted = gateway.call(event)
    stage = whole.removesuffix("/").removesuffix("/order")
    assert accepted["headers"]["location"] == f"{stage}/orders/{content(accepted)['order_id']}"


@pytest.mark.parametrize("decoded", ["/dev/order", "/dev/%6Frder"])
def test_an_encoded_route_submits_nothing_behind_api_gateway(decoded, gateway):
    event = at("/order", events.load("api_post_order"))
    event["path"], event["requestContext"]["path"] = "/%6Frder", decoded
    assert problem(gateway.call(event)) == (404, "not-found")
    assert gateway.system.store.orders == {}


@pytest.mark.parametrize("name", ["X-Forwarded-Port", "Host"])
@pytest.mark.parametrize("values", [["443", "80"], ["443,80"], ["a:b"], ["[::1]:80"], [""]])
def test_the_port_that_proxies_write_does_not_stop_a_request(name, values, gateway):
    event = at("/order", events.load("api_post_order"))
    event["headers"][name], event["multiValueHeaders"][name] = values[-1], values
    assert gateway.call(event)["statusCode"] == 202


def test_json_is_assumed_without_a_content_type(api, gateway):
    """The test page of API Gateway's console sends none."""
    event = at("/order", events.load("api_post_order"))
    event["headers"] = event["multiValueHeaders"] = None
    assert gateway.call(event)["statusCode"] == 202
    assert_problem(api.post("/order", content=b"{}"), 422, "order-invalid")


def test_a_page_of_another_site_cannot_leave_out_the_content_type(api):
    """A browser asks the server before it sends JSON to another site, but not before it sends a body without a type."""
    response = api.post("/order", content=b"{}", headers={"Origin": "https://evil.example"})
    assert_problem(response, 415, "wrong-media-type")


@pytest.mark.parametrize("coding", ["gzip", "br", "GZIP", "gzip, identity"])
def test_a_compressed_body_is_refused_and_the_accepted_coding_named(coding, api):
    body = gzip.compress(b"{}")
    response = api.post("/order", content=body, headers={**JSON, "Content-Encoding": coding})
    assert_problem(response, 415, "wrong-content-encoding")
    assert response.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("coding", ["identity", "Identity", ""])
def test_an_identity_coding_is_none(coding, api):
    assert api.post("/order", json=valid_order(), headers={"Content-Encoding": coding}).status_code == 202


def test_a_byte_order_mark_is_ignored(api, gateway):
    body = "\ufeff" + json.dumps(valid_order())
    assert gateway.post("/order", body)["statusCode"] == 202
    assert api.post("/order", content=body.encode(), headers=JSON).status_code == 202


@pytest.mark.parametrize("query", ["status=RECEIVED&status=PENDING", "status=RECEIVED&limit=1&limit=2"])
def test_a_repeated_parameter_is_an_error(query, api, gateway):
    event = at("/orders", events.load("api_list_orders"))
    event["multiValueQueryStringParameters"] = parse_qs(query)
    assert problem(gateway.call(event)) == (422, "parameters-invalid")
    document = assert_problem(api.get(f"/orders?{query}"), 422, "parameters-invalid")
    assert [error["detail"] for error in document["errors"]] == ["must be given only once"]


def test_headers_of_tracing_pass_cors():
    api = Api(cors_origins="https://shop.example")
    response = api.request(
        "OPTIONS",
        "/order",
        headers={
            "Origin": "https://shop.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "traceparent, tracestate, baggage",
        },
    )
    assert response.status_code == 200


def test_an_amount_in_another_notation_is_the_same_order_even_if_it_is_not_valid(api, gateway):
    headers = {"Prefer": "handling=lenient", "Idempotency-Key": "8e03978e-40d5-43dd-bc93"}
    order = json.dumps(valid_order(total_amount=0))
    bodies = [order.replace('"total_amount": 0', f'"total_amount": {total}') for total in ("1.10", "1.1", '"1.10"')]
    assert [gateway.post("/order", body, headers)["statusCode"] for body in bodies] == [202, 202, 202]
    assert [api.send(body, headers).status_code for body in bodies] == [202, 202, 202]
    assert (len(gateway.system.store.orders), len(api.stored)) == (1, 1)


@pytest.mark.parametrize(
    "types", ["application/json, application/json", "application/json,application/json; charset=utf-8"]
)
def test_a_content_type_that_a_proxy_has_doubled_is_read(types, api, gateway):
    assert gateway.post("/order", valid_order(), {"Content-Type": types})["statusCode"] == 202
    assert api.post("/order", json=valid_order(), headers={"Content-Type": types}).status_code == 202


@pytest.mark.parametrize("types", [["application/json", "text/plain"], ["text/plain", "application/json"]])
def test_two_different_content_types_are_refused(types, api, gateway):
    """A browser asks the server before it sends JSON, but not before it sends text/plain."""
    event = at("/order", events.load("api_post_order"))
    event["multiValueHeaders"]["Content-Type"] = types
    assert problem(gateway.call(event)) == (415, "wrong-media-type")
    for headers in ([("Content-Type", each) for each in types], [("Content-Type", ", ".join(types))]):
        assert_problem(api.post("/order", content=b"{}", headers=headers), 415, "wrong-media-type")


def test_a_comma_in_a_parameter_of_the_content_type_is_none(api):
    headers = {"Content-Type": 'application/json; profile="a,b"'}
    assert api.post("/order", json=valid_order(), headers=headers).status_code == 202


@pytest.mark.parametrize(
    "bound", ["2026-01-31T10:30:00%2B01:00", "2026-01-31T10:30:00+01:00", "2026-01-31T10:30:00.1+0100"]
)
def test_the_plus_of_a_time_need_not_be_encoded(bound, api, gateway):
    """A plus sign in a query is a space. No time of a list has a space there."""
    query = f"customer_id=cust_123&created_after={bound}"
    for customer in (api, gateway):
        customer.system.receive("ord_1")
    event = at("/orders", events.load("api_list_orders"))
    event["multiValueQueryStringParameters"] = parse_qs(query)
    assert [each["order_id"] for each in content(gateway.call(event))["orders"]] == ["ord_1"]
    assert [each["order_id"] for each in api.get(f"/orders?{query}").json()["orders"]] == ["ord_1"]


@pytest.mark.parametrize("written", ["2026-01-31 10:30", "2026-01-31T10:30:00 ", "10:30:00 01:00"])
def test_no_other_space_is_a_plus(written, api):
    assert_problem(api.get("/orders", params={"updated_after": written}), 422, "parameters-invalid")


def test_a_query_in_another_encoding_is_an_error_and_no_empty_list(api):
    problem = assert_problem(api.get("/orders?reference=M%FCller"), 422, "parameters-invalid")
    assert problem["errors"] == [{"pointer": "reference", "detail": "is not UTF-8: percent-encode the bytes of UTF-8"}]


def test_the_scope_of_the_server_is_not_changed(api):
    """uvicorn compares the method of its own scope to tell whether the response has a body."""
    scope = {"type": "http", "method": "HEAD", "path": "/health/", "headers": [], "query_string": b""}
    before = dict(scope)

    async def send(_):
        pass

    asyncio.run(api.app(scope, None, send))
    assert {name: scope[name] for name in before} == before


@pytest.mark.parametrize("root", ["", "/shop"])
@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("http://localhost/health", 200),
        ("HTTP://LOCALHOST:8000/health", 200),
        ("https://10.0.0.1/health/", 200),
        ("http://localhost", 307),
        ("http://evil.example/health", 421),
        ("http:///health", 421),
        ("http://localhost/orders%2Ford_1", 404),
    ],
)
def test_a_request_target_may_be_a_whole_url_whose_host_counts(target, status, root, api):
    """As h11 passes on the target of a request that came through a proxy."""
    scope = {
        "type": "http",
        "method": "GET",
        "headers": [(b"host", b"localhost")],
        "query_string": b"",
        "root_path": root,
    }
    scope |= {"path": root + target, "raw_path": (root + target).encode()}
    statuses = []

    async def send(message):
        statuses.append(message.get("status"))

    asyncio.run(api.app(scope, None, send))
    assert statuses[0] == status


def test_json_that_is_encoded_twice_is_named(api, gateway):
    body = json.dumps(json.dumps(valid_order()))
    expected = "must be a JSON object, and not a string: it may be encoded twice"
    assert content(gateway.post("/order", body))["errors"][0]["detail"] == expected
    assert api.send(body).json()["errors"][0]["detail"] == expected
