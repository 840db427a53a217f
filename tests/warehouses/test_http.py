"""The warehouse over HTTP: its requests, and the meaning of each answer of the contract."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from service import __version__
from service.orders.model import Order
from service.orders.warehouse import Answer, OtherItems, State
from service.warehouses import transport
from service.warehouses.http import WarehouseError
from tests.warehouse_answers import CANCELLED, CANCELLING
from tests.warehouses.endpoint import Endpoint, Request, respond
from tests.warehouses.support import PRIVATE, order, state, warehouse

SHIPPED = respond(200, state("shipped"))
FIXED_HEADERS = {"host", "accept", "accept-encoding", "user-agent"}
SIGNATURE_HEADERS = {"webhook-id", "webhook-timestamp", "webhook-signature"}


def test_a_request_for_a_delivery_holds_what_shipping_needs_and_nothing_else():
    with Endpoint(SHIPPED) as endpoint:
        warehouse(f"{endpoint.url}/v1/").ask(order(), 10)
    (request,) = endpoint.requests
    assert request.line == "POST /v1/orders HTTP/1.1"
    assert json.loads(request.body) == {
        "order_id": "ord_1-d1",
        "items": [
            {"line_id": "1", "product_id": "prod_456", "quantity": 2},
            {"line_id": "2", "product_id": "prod_789", "quantity": 1},
        ],
        "metadata": {"gift": "yes", "floor": "3rd – left"},
    }
    assert request.headers.keys() == FIXED_HEADERS | SIGNATURE_HEADERS | {
        "content-type",
        "content-length",
        "idempotency-key",
    }
    assert request.headers["idempotency-key"] == '"ord_1-d1"'
    assert request.headers["content-type"] == "application/json"
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["user-agent"] == f"dofs/{__version__}"
    assert request.headers["webhook-id"] == "ord_1-d1-1"


def test_each_attempt_of_a_delivery_sends_the_same_body_and_another_request_id():
    with Endpoint(SHIPPED) as endpoint:
        one = warehouse(endpoint.url)
        one.ask(order(attempts=1), 10)
        one.ask(order(attempts=2, epoch=3, version=9, asked=2), 10)
    first, second = endpoint.requests
    assert first.body == second.body
    assert [each.headers["webhook-id"] for each in endpoint.requests] == ["ord_1-d1-1", "ord_1-d1-9"]


def test_an_order_without_metadata_is_asked_for_with_empty_metadata():
    with Endpoint(SHIPPED) as endpoint:
        warehouse(endpoint.url).ask(order(submission='{"items":[{"product_id":"p","quantity":1}]}'), 10)
    assert json.loads(endpoint.requests[0].body)["metadata"] == {}


@pytest.mark.parametrize(
    ("call", "line", "more"),
    [
        ("look", "GET /orders/ord_1-d1 HTTP/1.1", set()),
        ("cancel", "PUT /orders/ord_1-d1/cancel HTTP/1.1", {"content-length"}),
    ],
)
def test_looks_and_cancellations_have_no_body_and_each_an_id_of_its_own(call, line, more):
    with Endpoint(respond(200, state("cancelled"))) as endpoint:
        one = warehouse(endpoint.url)
        getattr(one, call)(order(), 10)
        getattr(one, call)(order(), 10)
    assert [(each.line, each.body) for each in endpoint.requests] == [(line, b"")] * 2
    assert endpoint.requests[0].headers.keys() == FIXED_HEADERS | SIGNATURE_HEADERS | more
    first, second = (each.headers["webhook-id"] for each in endpoint.requests)
    assert first != second
    assert first.startswith(f"ord_1-d1-{call}-")


@pytest.mark.parametrize("status", [200, 202])
@pytest.mark.parametrize("name", ["accepted", "shipped", "declined", "refused", "closed", "cancelled"])
def test_a_state_answers_a_request_for_a_delivery(status, name):
    with Endpoint(respond(status, state(name, reason="see the desk", shipments=[], due_at="later", new=1))) as endpoint:
        assert warehouse(endpoint.url).ask(order(), 10) == Answer(State(name), "see the desk")


@pytest.mark.parametrize("name", ["accepted", "shipped", "declined", "refused", "closed", "cancelled"])
def test_a_state_answers_a_look(name):
    with Endpoint(respond(200, state(name, reason=None))) as endpoint:
        assert warehouse(endpoint.url).look(order(), 10) == Answer(State(name))


def test_a_refusal_is_422_with_the_state():
    with Endpoint(respond(422, state("refused", reason="a\r\nb"))) as endpoint:
        assert warehouse(endpoint.url).ask(order(), 10) == Answer(State.REFUSED, "a b")


def test_other_items_under_the_key_are_an_error_of_their_own():
    with Endpoint(respond(409, b"anything")) as endpoint, pytest.raises(OtherItems):
        warehouse(endpoint.url).ask(order(), 10)


@pytest.mark.parametrize("call", ["ask", "look"])
@pytest.mark.parametrize("status", [429, 503])
def test_a_warehouse_that_takes_nothing_now_says_when_it_will(call, status):
    with Endpoint(respond(status, b"<html>busy", Retry_After="7")) as endpoint:
        answer = getattr(warehouse(endpoint.url), call)(order(), 10)
    assert answer == Answer(State.NOT_TAKEN, f"HTTP {status}", 7.0)


def test_the_time_of_a_retry_may_be_an_http_date():
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=600), usegmt=True)
    with Endpoint(respond(503, Retry_After=at)) as endpoint:
        assert 300 < warehouse(endpoint.url).ask(order(), 10).retry_after <= 600


def test_a_look_at_a_delivery_that_the_warehouse_never_had_finds_nothing():
    with Endpoint(respond(404, b"<html>")) as endpoint:
        assert warehouse(endpoint.url).look(order(), 10) == Answer(State.NOT_FOUND)


@pytest.mark.parametrize(
    ("status", "name", "result"),
    [
        (200, "cancelled", CANCELLED),
        (202, "accepted", CANCELLING),
        *((409, each, Answer(State(each))) for each in ("accepted", "shipped", "closed", "declined", "refused")),
    ],
)
def test_the_answers_to_a_cancellation(status, name, result):
    with Endpoint(respond(status, state(name))) as endpoint:
        assert warehouse(endpoint.url).cancel(order(), 10) == result


CONTRADICTIONS = [
    *(("ask", 422, name) for name in ("accepted", "shipped", "declined", "closed", "cancelled")),
    *(("cancel", 200, name) for name in ("accepted", "shipped", "declined", "refused", "closed")),
    *(("cancel", 202, name) for name in ("cancelled", "shipped", "declined", "refused", "closed")),
    ("cancel", 409, "cancelled"),
]


@pytest.mark.parametrize(("call", "status", "name"), CONTRADICTIONS)
def test_a_state_that_contradicts_the_http_status_is_unknown(call, status, name):
    with (
        Endpoint(respond(status, state(name))) as endpoint,
        pytest.raises(WarehouseError, match=f"HTTP {status}.*{name}"),
    ):
        getattr(warehouse(endpoint.url), call)(order(), 10)


METHODS = {"ask": "POST", "look": "GET", "cancel": "PUT"}
KNOWN = {"ask": {200, 202, 409, 422, 429, 503}, "look": {200, 404, 429, 503}, "cancel": {200, 202, 409}}
OTHER = [
    (call, status)
    for call, known in KNOWN.items()
    for status in (103, 201, 202, 204, 206, 304, 400, 401, 403, 404, 409, 410, 422, 425, 429, 500, 502, 503, 504, 599)
    if status not in known
]


@pytest.mark.parametrize(("call", "status"), OTHER)
def test_any_other_http_status_is_unknown_and_named(call, status):
    body = b"" if status in (103, 204, 304) else json.dumps(state("cancelled", reason=PRIVATE)).encode()
    with Endpoint(respond(status, body, Retry_After="1")) as endpoint, pytest.raises(WarehouseError) as caught:
        getattr(warehouse(endpoint.url), call)(order(), 10)
    assert str(caught.value) == f"{METHODS[call]}: HTTP {status}: not an answer of the contract"


@pytest.mark.parametrize("call", METHODS)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_unknown_and_not_followed(call, status):
    with Endpoint(respond(200, state("cancelled"))) as target:
        redirect = respond(status, state("cancelled"), Location=f"{target.url}/orders/ord_1-d1")
        with Endpoint(redirect) as endpoint, pytest.raises(WarehouseError, match=f"HTTP {status}"):
            getattr(warehouse(endpoint.url), call)(order(), 10)
    assert len(endpoint.requests) == 1
    assert target.connections == 0


def test_threads_share_one_warehouse_and_its_connections():
    together = threading.Barrier(10)
    orders = [order(order_id=f"ord_{number}") for number in range(10)]

    def answer(request: Request) -> bytes:
        key = json.loads(request.body)["order_id"]
        return respond(200, {"order_id": key, "status": "shipped", "reason": key})

    with Endpoint(SHIPPED) as endpoint:
        endpoint.answer = answer
        one = warehouse(endpoint.url)

        def ask(each: Order) -> list[Answer]:
            together.wait(60)
            return [one.ask(each, 60) for _ in range(5)]

        with ThreadPoolExecutor(10) as threads:
            results = [*threads.map(ask, orders)]
    assert results == [[Answer(State.SHIPPED, each.delivery_key)] * 5 for each in orders]
    assert len(endpoint.requests) == 50


def test_a_connection_is_used_again():
    with Endpoint(SHIPPED) as endpoint:
        one = warehouse(endpoint.url)
        one.ask(order(), 10)
        one.look(order(), 10)
    assert [each.connection for each in endpoint.requests] == [1, 1]


def test_a_connection_that_was_idle_for_long_is_not_used_again(monkeypatch):
    monkeypatch.setattr(transport, "MAX_IDLE", -1)
    with Endpoint(SHIPPED) as endpoint:
        one = warehouse(endpoint.url)
        one.ask(order(), 10)
        one.ask(order(), 10)
    assert [each.connection for each in endpoint.requests] == [1, 2]
