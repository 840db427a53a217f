"""Forged hosts, methods and content types of a request, single and repeated, have no effect."""

import pytest

from tests.api.client import JSON, Api, assert_problem
from tests.api.proxy import Gateway, content, problem
from tests.security.routes import SERVERS_ONLY, every_request
from tests.support import valid_order

KEYS = ("8e03978e-40d5-43dd-bc93-6894a57f9324", "1d5a47c2-9b6e-4f0a-8f43-0b7f3c1d2e5a")
FORWARDED = {
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Server": "evil.example",
    "X-Forwarded-Prefix": "//evil.example",
    "X-Forwarded-Proto": "javascript",
    "X-Original-URL": "//evil.example/docs",
    "X-Rewrite-URL": "//evil.example/docs",
    "Forwarded": "host=evil.example;proto=https",
}


@pytest.fixture
def api():
    return Api(cloud="embedded")


def requests(api):
    return [each for each in every_request(api.app) if each.route != SERVERS_ONLY]


def test_no_response_contains_the_host_of_the_request(api, gateway):
    api.system.receive()
    gateway.system.receive()
    for each in requests(api):
        assert "evil" not in str(each.behind(gateway, **FORWARDED, Host="evil.example")), each
    for each in requests(api):
        answer = each.of(api, **FORWARDED, Host="evil.test")
        assert answer.status_code != 421, each
        assert "evil" not in answer.text + str(answer.headers), each


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "//evil.example/docs",
        "///evil.example",
        "/%2f%2fevil.example",
        "/\\evil.example",
        "//docs",
        "/docs//",
        "//",
    ],
)
def test_no_path_leads_elsewhere(path, api, gateway):
    """The only redirect leads from the root to the documentation, also below a stage."""
    behind = gateway.get(path)
    answer = api.get(f"http://api.test{path}")
    assert (answer.status_code, behind["statusCode"]) == (404, 404)
    assert "location" not in {*answer.headers, *behind["headers"]}


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method"])
def test_the_method_of_a_request_is_the_one_that_it_was_sent_with(name, api):
    before = api.system.receive()
    answer = api.get("/orders/ord_1/cancel", headers={name: "POST"}, params={name: "POST"})
    assert_problem(answer, 405, "method-not-allowed")
    assert_problem(
        api.post("/orders/ord_1", headers={name: "DELETE"}, data={"_method": "DELETE"}), 405, "method-not-allowed"
    )
    assert api.stored == {"ord_1": before}


def test_of_two_idempotency_keys_neither_is_taken(api):
    """A proxy may have read the other one."""
    twice = [("Idempotency-Key", key) for key in KEYS]
    assert_problem(api.post("/order", json=valid_order(), headers=twice), 400, "idempotency-key-invalid")
    assert api.stored == {}


def test_behind_api_gateway_two_idempotency_keys_are_refused_too(gateway):
    (event,) = (each.event() for each in requests(Api()) if each.route == "POST /order")
    event["multiValueHeaders"]["Idempotency-Key"] = list(KEYS)
    assert problem(gateway.call(event)) == (400, "idempotency-key-invalid")
    assert gateway.system.store.orders == {}


SIMPLE = (
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/plain; application/json",
)


@pytest.mark.parametrize("media_type", [*SIMPLE, None])
def test_no_body_that_a_foreign_page_can_send_unasked_is_read_by_any_route(media_type, api):
    """A browser sends a preflight request before cross-origin JSON (CORS). The preflight fails."""
    bodiless = {"POST /orders/{order_id}/cancel", "POST /orders/{order_id}/look"}
    reading = [each for each in requests(api) if each.method == "POST" and each.route not in bodiless]
    assert len(reading) == 6
    headers = {"Origin": "https://evil.example"} | ({} if media_type is None else {"Content-Type": media_type})
    for each in reading:
        answer = api.post(each.path, content=b'{"note": "again"}', headers=headers)
        assert_problem(answer, 415, "wrong-media-type")
    assert api.stored == {}


def test_two_content_types_are_refused_in_either_order(api):
    text, json = ("Content-Type", "text/plain"), *JSON.items()
    assert_problem(api.post("/order", content=b"{}", headers=[text, json]), 415, "wrong-media-type")
    assert_problem(api.post("/order", content=b"{}", headers=[json, text]), 415, "wrong-media-type")


@pytest.mark.parametrize(
    "name", ["Traceparent", "Tracestate", "X-Request-Id", "X-Amzn-Trace-Id", "Prefer", "Origin", "User-Agent"]
)
def test_no_line_break_of_a_request_gets_into_the_head_of_an_answer(name, gateway):
    gateway = Gateway(cors_origins="https://shop.test")
    for path in ("/order", "/orders/ord_1/cancel", "/nowhere"):
        answer = gateway.post(path, body=valid_order(), headers={name: "00-1\r\nSet-Cookie: evil=1\r\n\r\nevil"})
        assert "evil" not in str(answer), path
        assert "traceparent" not in answer["headers"]
        content(answer)


FOREIGN = [
    "evil.example",
    "evil.example:8000",
    "localhost.evil.example",
    "localhost@evil.example",
    "127.0.0.1.evil.example",
    "evil.example.",
    "local.evil.example",
    "",
]
OURS = [
    "localhost",
    "LOCALHOST:8000",
    "127.0.0.1:8000",
    "[::1]:8000",
    "10.1.2.3",
    "api:8000",
    "dofs.localhost:8000",
    "host.docker.internal",
    "shop.local",
    "nas.lan:8000",
    "pi.home.arpa",
    "localhost.:8000",
]


@pytest.mark.parametrize("host", FOREIGN)
def test_a_server_rejects_hosts_that_anyone_can_register(host, api):
    """DNS rebinding: the host is the page's own, so the browser lets the page read the response."""
    for each in requests(api):
        assert_problem(each.of(api, Host=host), 421, "misdirected")
    assert api.stored == {}


def test_two_host_headers_must_both_be_accepted(api):
    for hosts in (["localhost", "evil.example"], ["evil.example", "localhost"]):
        assert_problem(api.get("/orders", headers=[("Host", each) for each in hosts]), 421, "misdirected")


@pytest.mark.parametrize("host", OURS)
def test_a_server_accepts_addresses_and_unregistrable_hosts(host, api):
    assert api.get("/health", headers={"Host": host}).status_code == 200


def test_a_server_accepts_the_hosts_of_cors_origins():
    api = Api(cors_origins="https://shop.example, http://dev.example:8000")
    asked = {
        host: api.get("/health", headers={"Host": host}).status_code for host in ("shop.example", "dev.example:8000")
    }
    assert asked == {"shop.example": 200, "dev.example:8000": 200}
    assert api.get("/health", headers={"Host": "dev.example"}).status_code == 421


def test_behind_api_gateway_a_deployment_may_have_any_name(gateway):
    assert gateway.get("/health", headers={"Host": "shop.example"}, multiValueHeaders=None)["statusCode"] == 200
