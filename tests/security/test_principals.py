"""Two principals and an unauthenticated one on every route: none reaches the orders of another."""

import json
from dataclasses import replace

import pytest

from service.api.app import create_app
from service.api.dependencies import run_in_thread, run_inline
from service.orders.lifecycle import Status
from tests.api.client import Api, assert_problem
from tests.api.proxy import Gateway, content, problem
from tests.api.test_callers import ANN, BOB, SPOOFED
from tests.security.routes import OPEN, SERVERS_ONLY, SIGNED, every_request, every_route
from tests.steps.doubles import standing

ANNS, UNKNOWN = "ord_" + "a" * 32, "ord_" + "b" * 32
MODES = ("api_key", "iam", "cognito")
CUSTOMERS = {"POST /order", "POST /orders", "GET /orders", "GET /orders/{order_id}", "POST /orders/{order_id}/cancel"}
"""What every caller may ask for; any other route that is not open is for operators alone."""


def deployment(mode: str = "cognito") -> Gateway:
    """A deployment with every route."""
    return Gateway(api_auth=mode, operator_api="on")


def app_of(gateway: Gateway):
    return create_app(gateway.system.settings, run_inline, gateway.system)


@pytest.fixture(params=[Status.RECEIVED, Status.FAILED])
def of_ann(request, event_loop):
    """A deployment with one order of Ann, called by Bob."""
    gateway = deployment()
    order = replace(standing(request.param, gateway.system, ANNS), owner="cognito:ann")
    gateway.system.store.orders[ANNS] = order
    gateway.caller = ANN
    assert content(gateway.get(f"/orders/{ANNS}"))["order_id"] == ANNS
    gateway.caller = BOB
    return gateway


def test_no_route_gives_access_to_another_callers_order(of_ann):
    before = of_ann.system.store.get(ANNS)
    for asked in every_request(app_of(of_ann), ANNS):
        answer = asked.behind(of_ann)
        assert ANNS not in json.dumps(answer), asked
        assert of_ann.system.store.get(ANNS) == before, asked
        if asked.route in SIGNED:
            assert problem(answer) == (401, "unauthenticated"), asked
        elif asked.route not in CUSTOMERS | OPEN:
            assert problem(answer) == (403, "not-operator"), asked
        elif "{order_id}" in asked.route:
            assert problem(answer) == (404, "order-not-found"), asked


def test_every_route_answers_another_callers_order_as_unknown(of_ann):
    app = app_of(of_ann)
    about_one = [
        pair
        for pair in zip(every_request(app, ANNS), every_request(app, UNKNOWN), strict=True)
        if "{order_id}" in pair[0].route
    ]
    assert len(about_one) >= 4
    for anns, unknown in about_one:
        assert anns.behind(of_ann) == unknown.behind(of_ann), anns


@pytest.mark.parametrize("headers", [{}, SPOOFED], ids=["plain", "spoofed"])
@pytest.mark.parametrize("mode", MODES)
def test_only_open_routes_answer_requests_without_an_identity(mode, headers, event_loop):
    gateway = deployment(mode)
    before = gateway.system.receive()
    asked = every_request(app_of(gateway))
    assert {each.route for each in asked} > OPEN
    for each in asked:
        answer = each.behind(gateway, **headers)
        if each.route in OPEN:
            assert answer["statusCode"] in (200, 307), each
        else:
            assert problem(answer) == (401, "unauthenticated"), each
    assert gateway.system.store.orders == {"ord_1": before}


@pytest.mark.parametrize("mode", MODES)
def test_no_route_of_a_server_takes_an_identity_from_a_header(mode):
    """A server has no gateway, so it cannot authenticate callers."""
    api = Api(offload=run_in_thread, cloud="embedded", api_auth=mode)
    before = api.system.receive()
    asked = every_request(api.app)
    assert SERVERS_ONLY in {each.route for each in asked}
    for each in asked:
        answer = each.of(api, **SPOOFED)
        if each.route in OPEN:
            assert answer.status_code in (200, 307), each
        else:
            assert_problem(answer, 401, "unauthenticated")
    assert api.stored == {"ord_1": before}


def test_the_open_routes_show_no_order(event_loop):
    assert set(every_route(app_of(deployment()))) >= OPEN
    assert not [route for route in OPEN if "order" in route or not route.startswith("GET ")]
