"""The route table: operator routes only where the deployment enables them, and on every emulator."""

import base64
import json
from dataclasses import replace

import pytest
from starlette.routing import Route

from service.api.app import create_app
from service.api.dependencies import run_in_thread, run_inline
from service.settings import SettingsError
from tests import events
from tests.api.client import Api, assert_problem
from tests.api.proxy import Gateway, at, problem
from tests.support import SETTINGS

EVERYBODYS = {
    "POST /order",
    "POST /orders",
    "GET /orders",
    "GET /orders/{order_id}",
    "POST /orders/{order_id}/cancel",
    "POST /warehouse/events",
    "GET /health",
    "GET /ready",
    "GET /",
    "GET /docs",
    "GET /docs/{name}",
}
OPERATORS = {
    "GET /failed-orders",
    "GET /failed-orders/{order_id}",
    "POST /failed-orders/{order_id}/redrive",
    "POST /failed-orders/redrive",
    "POST /orders/{order_id}/look",
    "POST /orders/{order_id}/give-up",
    "GET /stats",
    "GET /console",
    "GET /console/{name}",
}
SERVERS = {"GET /stats/live"}
CHANGED = "name a new route in one of the three sets of this file"

SWITCHED = pytest.mark.parametrize(
    ("settings", "served"),
    [
        ({"cloud": "aws"}, False),
        ({"cloud": "aws", "api_auth": "iam"}, False),
        ({"cloud": "aws", "api_auth": "iam", "operator_api": "off"}, False),
        ({"cloud": "aws", "api_auth": "iam", "operator_api": "on"}, True),
        ({"cloud": "aws", "api_auth": "api_key", "operator_api": "on"}, True),
        ({"cloud": "aws", "api_auth": "cognito", "operator_api": "on"}, True),
        ({"cloud": "embedded"}, True),
        ({"cloud": "embedded", "operator_api": "off"}, True),
        ({"cloud": "localstack", "aws_endpoint_url": "http://localstack:4566"}, True),
    ],
    ids=lambda value: " ".join(value.values()) if isinstance(value, dict) else "",
)


def table(offload, **settings):
    app = create_app(replace(SETTINGS, **settings), offload)
    routes = [route for route in app.routes if isinstance(route, Route)]
    return {f"{method} {route.path}" for route in routes for method in route.methods - {"HEAD"}} - {"GET /openapi.json"}


@SWITCHED
def test_the_route_table_behind_api_gateway(settings, served):
    assert table(run_inline, **settings) == EVERYBODYS | (OPERATORS if served else set()), CHANGED


@SWITCHED
def test_the_route_table_of_a_server(settings, served):
    assert table(run_in_thread, **settings) == EVERYBODYS | (OPERATORS | SERVERS if served else set()), CHANGED


@pytest.mark.parametrize("route", sorted(OPERATORS | SERVERS))
def test_disabled_operator_routes_are_not_found_and_not_documented(route):
    method, path = route.split(" ")
    api = Api(api_auth="iam")
    asked = path.replace("{order_id}", "ord_1").replace("{name}", "main.js")
    assert_problem(api.request(method, asked, json={}), 404, "not-found")
    assert path not in api.get("/openapi.json").json()["paths"]


def test_operator_routes_need_authentication():
    with pytest.raises(SettingsError, match="DOFS_OPERATOR_API=on needs DOFS_API_AUTH"):
        replace(SETTINGS, cloud="aws", operator_api="on", api_auth="none")


CALLS = [
    ("GET", "/failed-orders"),
    ("GET", "/failed-orders/ord_1"),
    ("POST", "/failed-orders/ord_1/redrive"),
    ("POST", "/failed-orders/redrive"),
    ("POST", "/orders/ord_1/look"),
    ("POST", "/orders/ord_1/give-up"),
    ("GET", "/stats"),
]


def call(gateway, method, path, tokens=()):
    event = at(path, events.load("api_get_order" if method == "GET" else "api_post_order"))
    event["body"] = None if method == "GET" else json.dumps({"note": "again"})
    event["multiValueHeaders"]["Authorization"] = [*tokens]
    return gateway.call(event)


def token_of(groups):
    """A user pool's token, as far as API Gateway has not read it."""
    payload = json.dumps({"sub": "ann", "cognito:groups": groups}).encode()
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (b"{}", payload, b"signature"))


@pytest.mark.parametrize(("method", "path"), CALLS)
@pytest.mark.parametrize("mode", ["api_key", "iam", "cognito"])
def test_requests_without_an_identity_are_not_operators(mode, method, path, event_loop):
    gateway = Gateway(api_auth=mode, operator_api="on")
    assert problem(call(gateway, method, path)) == (401, "unauthenticated")


@pytest.mark.parametrize(("method", "path"), CALLS)
@pytest.mark.parametrize(
    ("groups", "allowed"),
    [
        (None, False),
        ("", False),
        ("customers", False),
        ("operators-not", False),
        ("operators", True),
        (["customers", "operators"], True),
        (["customers,operators"], False),
        (["operators,customers", "x"], False),
        ("customers,operators", False),  # without a token nobody knows whether these are one group
    ],
)
def test_only_members_of_the_operators_group_are_operators(groups, allowed, method, path, event_loop):
    """API Gateway joins the groups with commas; a group's name may contain commas, too."""
    gateway = Gateway(api_auth="cognito", operator_api="on")
    claim = ",".join(groups) if isinstance(groups, list) else groups
    claims = {"sub": "ann"} | ({} if groups is None else {"cognito:groups": claim})
    gateway.caller = {"authorizer": {"claims": claims}}
    answer = call(gateway, method, path, [f"Bearer {token_of(groups)}"] if isinstance(groups, list) else ())
    if allowed:
        assert answer["statusCode"] in (200, 404)
    else:
        assert problem(answer) == (403, "not-operator")


@pytest.mark.parametrize(
    "tokens",
    [
        [token_of(["customers", "operators"])],  # the claim has no such group
        [token_of(["operators", "x"]), token_of(["not-operators", "x"])],
        [""],
        ["e30"],
        ["e30.!.e30"],
        ["e30.e30.e30"],
        ["e30.W10.e30"],
        [token_of(1)],
    ],
)
def test_a_token_that_is_not_the_verified_one_has_no_groups(tokens, event_loop):
    """API Gateway verifies one token. Which one of two it verifies is not documented."""
    gateway = Gateway(api_auth="cognito", operator_api="on")
    claim = "not-operators,x" if len(tokens) == 2 else "customers,x"
    gateway.caller = {"authorizer": {"claims": {"sub": "ann", "cognito:groups": claim}}}
    assert problem(call(gateway, "GET", "/stats", tokens)) == (403, "not-operator")


@pytest.mark.parametrize("mode", ["api_key", "iam", "cognito"])
def test_the_console_page_needs_no_identity(mode, event_loop):
    gateway = Gateway(api_auth=mode, operator_api="on")
    assert gateway.get("/console")["statusCode"] == 200


@pytest.mark.parametrize(("switch", "seen"), [("on", 200), ("off", 404)])
def test_a_cognito_operator_sees_every_order_if_operator_routes_are_enabled(switch, seen, event_loop):
    gateway = Gateway(api_auth="cognito", operator_api=switch)
    gateway.system.receive("ord_1")
    gateway.caller = {"authorizer": {"claims": {"sub": "ann", "cognito:groups": "operators"}}}
    assert gateway.get("/orders/ord_1")["statusCode"] == seen
    gateway.caller = {"authorizer": {"claims": {"sub": "bob"}}}
    assert gateway.get("/orders/ord_1")["statusCode"] == 404
