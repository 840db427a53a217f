"""The log line and the trace of a request, on a server and behind API Gateway."""

import re

import pytest

from tests.api.client import Api, assert_problem
from tests.api.proxy import content
from tests.log_lines import logged, said
from tests.support import valid_order

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
OURS = "ord_7741be7d88cc485ed285b172a83eee5c"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


def test_a_request_to_a_server_logs_one_line(api):
    with logged() as lines:
        order_id = api.post("/order", json=valid_order(), headers={"traceparent": TRACEPARENT}).json()["order_id"]
    (line,) = lines
    assert said(line, "level", "event", "route", "outcome") == ("INFO", "api", "POST /order", "202")
    assert said(line, "order_id", "trace_id", "message") == (order_id, TRACE, "POST /order: 202")
    assert re.fullmatch("[0-9a-f]{32}", line["request_id"])
    assert line["duration_ms"] >= 0
    assert "cold_start" not in line
    assert api.system.metrics.flushed == 1


def test_a_request_behind_api_gateway_logs_the_invocations_last_line(gateway):
    with logged() as lines:
        answer = gateway.post(body=valid_order(), headers={"Traceparent": TRACEPARENT})
    (line,) = lines
    assert said(line, "event", "route", "outcome", "request_id") == ("api", "POST /order", "202", "test")
    assert said(line, "order_id", "trace_id") == (content(answer)["order_id"], TRACE)
    assert line["gateway_request_id"] == "6f0b1c1e-5b0e-4c34-9d4e-5a1f6a0f3f11"
    assert "cold_start" in line
    assert gateway.system.metrics.flushed == 1


def test_the_order_and_its_workflow_have_the_trace_of_the_request(api):
    order_id = api.post("/order", json=valid_order(), headers={"traceparent": TRACEPARENT}).json()["order_id"]
    assert api.system.store.get(order_id).traceparent == TRACEPARENT
    assert api.system.workflow.traces == [TRACEPARENT]


def test_a_missing_trace_comes_from_api_gateway_or_is_generated(gateway, api):
    gateway.post(body=valid_order(), headers={"X-Amzn-Trace-Id": "Root=1-58406520-a006649127e371903a2de979"})
    (order,) = gateway.system.store.orders.values()
    assert order.traceparent.startswith("00-58406520a006649127e371903a2de979-")
    api.post("/order", json=valid_order(), headers={"traceparent": "canary"})
    (order,) = api.system.store.orders.values()
    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-00", order.traceparent)


@pytest.mark.parametrize(
    ("method", "path", "status", "route"),
    [
        ("GET", "/orders/{known}", 200, "GET /orders/{order_id}"),
        ("HEAD", "/orders/{known}", 200, "HEAD /orders/{order_id}"),
        ("POST", "/orders/{known}/cancel", 200, "POST /orders/{order_id}/cancel"),
        ("GET", "/orders?customer_id=canary", 200, "GET /orders"),
        ("GET", "/orders/canary", 404, "GET /orders/{order_id}"),
        ("GET", "/canary", 404, "GET no route"),
        ("DELETE", "/orders/canary", 405, "DELETE /orders/{order_id}"),
        ("CANARY", "/orders", 405, "other /orders"),
    ],
)
def test_the_log_line_has_the_route_and_no_text_of_the_caller(method, path, status, route, api):
    known = api.system.receive("ord_known").order_id
    with logged() as lines:
        assert api.request(method, path.format(known=known)).status_code == status
    (line,) = lines
    assert said(line, "route", "outcome") == (route, str(status))
    assert line.get("order_id") == (known if "{known}" in path else None)
    assert "canary" not in str(line).lower()


@pytest.mark.parametrize("path", ["/health", "/ready", "/docs", "/openapi.json", "/console", "/stats"])
def test_periodic_requests_are_logged_at_debug(path, api):
    with logged("DEBUG") as lines:
        api.get(path)
    assert {line["level"] for line in lines if line["logger"] == "service.logs"} == {"DEBUG"}


def test_an_error_and_its_log_lines_have_the_same_trace_and_order(api):
    class Broken:
        def get(self, order_id):
            raise RuntimeError("canary")

    api.system.store = Broken()
    with logged() as lines:
        answer = api.get(f"/orders/{OURS}", headers={"traceparent": TRACEPARENT})
        api.get("/orders/Jane.Roe")
    assert assert_problem(answer, 500, "internal-error")["trace_id"] == TRACE
    telling, last, *others = lines
    assert not [line for line in others if "order_id" in line]
    assert last["level"] == "WARNING"
    assert said(telling, "level", "trace_id", "event") == ("ERROR", TRACE, "api")
    assert said(last, "outcome", "order_id", "trace_id") == ("500", OURS, TRACE)


def test_concurrent_requests_log_lines_of_their_own():
    api = Api()
    traces = [f"00-{number:032x}-00f067aa0ba902b7-01" for number in range(1, 9)]
    with logged() as lines:
        requests = [("POST", "/order", {"json": valid_order(), "headers": {"traceparent": each}}) for each in traces]
        ids = [answer.json()["order_id"] for answer in api.together(*requests)]
    assert {said(line, "order_id", "trace_id") for line in lines} == {
        (order_id, trace.split("-")[1]) for order_id, trace in zip(ids, traces, strict=True)
    }
    assert len({line["request_id"] for line in lines}) == len(traces)
