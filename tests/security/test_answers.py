"""The security headers of every route and every problem, on a server and behind API Gateway."""

import asyncio

import pytest

from service.api.dependencies import run_in_thread
from service.orders.ports import Unavailable
from service.orders.strict_json import MAX_SIZE
from tests.api.client import Api
from tests.api.proxy import Gateway
from tests.security.routes import SERVERS_ONLY, every_request
from tests.support import valid_order

SHOP, OTHER = "https://shop.test", "https://admin.test"
CACHED = {"GET /docs/{name}": "public, max-age=86400", "GET /console": "no-cache", "GET /console/{name}": "no-cache"}
"""What is the same for everybody, and says how long it is good for."""


def assert_guarded(headers, route="", media_type="application/json"):
    """Check the headers against caching, framing and sniffing."""
    assert headers["x-content-type-options"] == "nosniff", route
    assert headers["referrer-policy"] == "no-referrer", route
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'", route
    assert headers["cache-control"] == CACHED.get(route, "no-store"), route
    assert "server" not in headers
    assert "set-cookie" not in headers
    if media_type.startswith("text/html"):
        assert policy["base-uri"] == policy["form-action"] == "'none'", route
        assert policy["connect-src"] == "'self'", route
        assert "unsafe" not in policy["script-src"], route
        assert not {"*", "http:", "https:", "data:"} & {*policy["script-src"].split()}, route
    else:
        assert not {*policy} - {"default-src", "frame-ancestors"} or "console" in route, route


def test_every_route_behind_api_gateway_has_the_security_headers(event_loop):
    gateway = Gateway(cloud="embedded")
    gateway.system.receive()
    for each in every_request(Api(cloud="embedded").app):
        headers = each.behind(gateway)["headers"]
        assert_guarded(headers, each.route, headers.get("content-type", ""))


def test_every_route_of_a_server_has_the_security_headers():
    api = Api(cloud="embedded")
    api.system.receive()
    for each in every_request(api.app):
        headers = each.of(api).headers
        assert_guarded(headers, each.route, headers.get("content-type", ""))


def test_the_event_stream_has_the_security_headers():
    app = Api(cloud="embedded", offload=run_in_thread).app
    (asked,) = (each for each in every_request(app) if each.route == SERVERS_ONLY)
    headers = asyncio.run(head_of(app, asked.path))
    assert_guarded(headers | {"cache-control": "no-store"})
    assert headers["cache-control"] == "no-cache"


async def head_of(app, path):
    """Return the headers of a response and close it."""
    begun = asyncio.get_running_loop().create_future()

    async def send(message):
        if message["type"] == "http.response.start":
            begun.set_result({name.decode(): value.decode() for name, value in message["headers"]})

    async def receive():
        await asyncio.Event().wait()

    scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b"", "http_version": "1.1"}
    answering = asyncio.create_task(app(scope, receive, send))
    try:
        return await asyncio.wait_for(begun, 20)
    finally:
        answering.cancel()
        await asyncio.gather(answering, return_exceptions=True)


PROBLEMS = [
    (400, "POST", "/order", {"content": "{", "headers": {"Content-Type": "application/json"}}),
    (404, "GET", "/orders/ord_none", {}),
    (404, "GET", "/nowhere", {}),
    (405, "DELETE", "/orders", {}),
    (409, "POST", "/failed-orders/ord_1/redrive", {"json": {"note": "again"}}),
    (413, "POST", "/order", {"json": "x" * MAX_SIZE}),
    (415, "POST", "/order", {"content": "x", "headers": {"Content-Type": "text/plain"}}),
    (421, "GET", "/orders", {"headers": {"Host": "evil.example"}}),
    (422, "POST", "/order", {"json": {}}),
    (422, "GET", "/orders?limit=0", {}),
    (200, "OPTIONS", "/order", {"headers": {"Origin": SHOP, "Access-Control-Request-Method": "POST"}}),
    (400, "OPTIONS", "/order", {"headers": {"Origin": "https://evil.test", "Access-Control-Request-Method": "POST"}}),
]


def test_problems_and_preflight_responses_have_the_security_headers():
    api = Api(cloud="embedded", cors_origins=SHOP)
    api.system.receive()
    for status, method, path, given in PROBLEMS:
        answer = api.request(method, path, **given)
        assert answer.status_code == status, path
        assert_guarded(answer.headers, f"{status} {path}")


@pytest.mark.parametrize(
    ("error", "status"), [(Unavailable("dynamodb GetItem: ThrottlingException"), 503), (KeyError(), 500)]
)
def test_internal_errors_and_401s_have_the_security_headers(error, status):
    def get(_order_id):
        raise error

    api = Api()
    api.system.store.get = get
    answer = api.get("/orders/ord_1")
    assert answer.status_code == status
    assert_guarded(answer.headers)
    assert_guarded(Api(api_auth="iam").post("/order", json=valid_order()).headers)


ORIGINS = (SHOP, OTHER, "https://evil.test", f"{SHOP}.evil.test", "null", "*", "https://SHOP.test", SHOP + "\t")
LISTED = {SHOP, OTHER}


def assert_shared(headers, origin, listed):
    """Check that only listed origins may read the response, and that it varies by origin."""
    shared = {name: value for name, value in headers.items() if name.startswith("access-control-allow-")}
    assert shared.get("access-control-allow-origin") == (origin if origin in listed else None)
    assert "access-control-allow-credentials" not in shared
    assert "*" not in shared.values()
    if origin in listed:
        assert "origin" in headers["vary"].lower()


@pytest.mark.parametrize("listed", [frozenset(LISTED), frozenset()], ids=["with a list", "without"])
def test_no_route_sends_cors_headers_to_an_unlisted_origin(listed, event_loop):
    settings = {"cloud": "embedded", "cors_origins": ", ".join(sorted(listed))}
    api, gateway = Api(**settings), Gateway(**settings)
    asked = every_request(api.app)
    for each in asked:
        for origin in ORIGINS:
            assert_shared(each.behind(gateway, Origin=origin)["headers"], origin, listed)
    for each in asked:
        for origin in ORIGINS:
            assert_shared(each.of(api, Origin=origin).headers, origin, listed)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CANARY"])
def test_preflight_requests_are_allowed_for_listed_origins_only(method):
    api = Api(cors_origins=f"{SHOP},{OTHER}")
    for origin in ORIGINS:
        asked = {"Origin": origin, "Access-Control-Request-Method": method}
        answer = api.request("OPTIONS", "/orders/ord_1", headers=asked)
        assert_shared(answer.headers, origin, LISTED)
        assert (answer.status_code == 200) == (origin in LISTED and method in ("GET", "POST"))
        assert answer.headers["access-control-allow-methods"] == "GET, POST"
