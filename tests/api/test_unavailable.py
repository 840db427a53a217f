"""A store whose service fails: every route that uses the store answers 503, whatever the store is built on."""

import pytest
from starlette.routing import Route

from service.api.dependencies import run_in_thread
from service.orders.ports import Unavailable
from tests.api.client import Api, assert_problem
from tests.support import valid_order

REQUESTS = {
    "POST /order": {"json": valid_order()},
    "POST /orders": {"json": valid_order()},
    "GET /orders": {"params": {"status": "RECEIVED"}},
    "POST /failed-orders/{order_id}/redrive": {"json": {"note": "again"}},
    "POST /failed-orders/redrive": {"json": {"note": "again"}},
    "POST /orders/{order_id}/give-up": {"json": {"note": "lost"}},
}
"""The body or the query of each route that needs one."""

WITHOUT_STORE = {
    *("GET /", "GET /docs", "GET /docs/{name}", "GET /openapi.json", "HEAD /openapi.json"),
    *("GET /console", "GET /console/{name}", "GET /health", "POST /warehouse/events"),
}
OWN_ANSWER = {"GET /ready": 503, "GET /stats/live": 200}
"""Routes that use the store and answer no problem: readiness lists its checks, and the event stream ends."""


class FailingStore:
    """Every method raises what DynamoDB's adapter raises when its calls are throttled."""

    def __init__(self):
        self.calls = 0

    def __getattr__(self, _method):
        return self._fail

    def _fail(self, *_args, **_named):
        self.calls += 1
        raise Unavailable("dynamodb GetItem: ThrottlingException")


def routes(app):
    return [f"{method} {route.path}" for route in app.routes if isinstance(route, Route) for method in route.methods]


ALL = sorted(routes(Api(cloud="embedded", offload=run_in_thread).app))


def send(route):
    """Send a request to a route over a failing store; the response, and how often the store was called."""
    api = Api(cloud="embedded", offload=run_in_thread)
    api.system.store = FailingStore()
    method, path = route.split()
    path = path.replace("{order_id}", "ord_1").replace("{name}", "none")
    return api.request(method, path, **REQUESTS.get(route, {})), api.system.store.calls


@pytest.mark.parametrize("route", [route for route in ALL if route not in WITHOUT_STORE | OWN_ANSWER.keys()])
def test_every_route_answers_503_when_the_store_is_unavailable(route, caplog):
    response, calls = send(route)
    assert calls, f"{route} did not call the store: add its body to REQUESTS, or the route to WITHOUT_STORE"
    problem = assert_problem(response, 503, "unavailable")
    assert problem.keys() == {"type", "title", "status", "trace_id"}
    assert int(response.headers["retry-after"]) >= 1
    assert "ThrottlingException" not in response.text
    assert f"{route}: dynamodb GetItem: ThrottlingException" in caplog.messages


@pytest.mark.parametrize("route", sorted(WITHOUT_STORE))
def test_a_route_that_needs_no_store_answers_without_it(route):
    response, calls = send(route)
    assert (response.status_code < 500, calls) == (True, 0)


@pytest.mark.parametrize("route", sorted(OWN_ANSWER))
def test_readiness_and_the_event_stream_report_the_failure_in_their_own_way(route, caplog):
    response, calls = send(route)
    assert (response.status_code, calls > 0) == (OWN_ANSWER[route], True)
    assert "dynamodb GetItem: ThrottlingException" in response.text + caplog.text
