"""CORS is an allow-list: other origins get no header, and listed ones can read errors too."""

import pytest

from service.orders.ports import Unavailable
from tests.api.client import Api
from tests.support import valid_order

SHOP, OTHER = "https://shop.test", "https://admin.test"
THROTTLED = Unavailable("dynamodb GetItem: ThrottlingException")


@pytest.fixture
def api():
    return Api(cors_origins=f"{SHOP}, {OTHER}")


def preflight(api, origin, method="POST", headers="content-type", path="/order"):
    asked = {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}
    return api.request("OPTIONS", path, headers=asked)


@pytest.mark.parametrize("origin", [SHOP, OTHER])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_listed_origin_may_call(origin, method, api):
    response = preflight(api, origin, method)
    assert (response.status_code, response.headers["access-control-allow-origin"]) == (200, origin)
    assert method in response.headers["access-control-allow-methods"]


@pytest.mark.parametrize(
    "header", ["Content-Type", "Idempotency-Key", "Prefer", "Authorization", "X-Api-Key", "Traceparent"]
)
def test_every_header_that_the_api_reads_may_be_sent(header, api):
    assert preflight(api, SHOP, headers=header).status_code == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.test", "null", "", f"{SHOP}.evil.test", "http://shop.test", f"{SHOP}:8443", f"{SHOP}/"]
)
def test_any_other_origin_gets_no_cors_header(origin, api):
    for response in (preflight(api, origin), api.get("/health", headers={"Origin": origin})):
        assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize(
    ("method", "header"), [("DELETE", "content-type"), ("PUT", "content-type"), ("POST", "x-evil")]
)
def test_no_other_method_or_header_is_allowed(method, header, api):
    assert preflight(api, SHOP, method, header).status_code == 400


def test_a_page_can_read_the_exposed_headers(api):
    response = api.post("/order", json=valid_order(), headers={"Origin": SHOP})
    assert response.headers["access-control-allow-origin"] == SHOP
    exposed = set(response.headers["access-control-expose-headers"].split(", "))
    assert exposed == {"Location", "Idempotency-Replayed", "Preference-Applied", "Retry-After"}
    assert "origin" in response.headers["vary"].lower()
    assert "access-control-allow-credentials" not in response.headers


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/orders/x", 404), ("POST", "/order", 415), ("GET", "/orders?limit=0", 422), ("DELETE", "/orders/x", 405)],
)
def test_a_page_can_read_a_problem_of_its_own(method, path, status, api):
    response = api.request(method, path, headers={"Origin": SHOP})
    assert (response.status_code, response.headers["access-control-allow-origin"]) == (status, SHOP)


@pytest.mark.parametrize(("error", "status"), [(THROTTLED, 503), (RuntimeError("canary"), 500)])
def test_a_page_can_read_an_internal_error(error, status, api):
    """Without the header a browser reports a network error and hides Retry-After."""

    def get(_order_id):
        raise error

    api.system.store.get = get
    response = api.get("/orders/ord_1", headers={"Origin": SHOP})
    assert response.status_code == status
    assert response.headers.get("access-control-allow-origin") == SHOP


def test_origins_are_compared_as_browsers_send_them():
    api = Api(cors_origins=SHOP.upper().replace("HTTPS", "https"))
    assert preflight(api, SHOP).headers["access-control-allow-origin"] == SHOP


@pytest.mark.parametrize("origin", [SHOP, "null", "*"])
def test_without_origins_there_are_no_cors_headers(origin):
    api = Api(cors_origins="")
    assert preflight(api, origin).status_code == 405
    assert not [name for name in api.get("/health", headers={"Origin": origin}).headers if "access-control" in name]
