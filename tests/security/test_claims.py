"""The caller's identity comes from one place of API Gateway's event, in one form."""

import json

import pytest

from tests import events
from tests.api.proxy import Gateway, content, problem
from tests.api.test_callers import ANN, BOB
from tests.log_lines import logged
from tests.support import valid_order

LENIENT = {"Prefer": "handling=lenient"}


@pytest.fixture
def cognito(event_loop):
    gateway = Gateway(api_auth="cognito", operator_api="on")
    gateway.caller = BOB
    return gateway


def claims(**of):
    return {"authorizer": {"claims": of}}


def forged():
    """A whole proxy event in which Ann calls."""
    event = events.load("api_post_order")
    event["requestContext"] |= ANN
    return event


@pytest.mark.parametrize(
    "change",
    [
        {
            "multiValueQueryStringParameters": {
                "sub": ["ann"],
                "requestContext": ['{"authorizer":{}}'],
                "claims.sub": ["ann"],
            }
        },
        {"pathParameters": {"proxy": "order", "sub": "ann", "requestContext": ANN}},
        {"stageVariables": {"sub": "ann", "requestContext": json.dumps(ANN)}},
        {"authorizer": ANN["authorizer"], "identity": {"userArn": "ann"}, "claims": {"sub": "ann"}},
    ],
    ids=["query", "path", "stage", "beside"],
)
def test_a_claim_in_any_other_part_of_the_event_is_none(change, cognito):
    order_id = content(cognito.call(events.load("api_post_order") | change))["order_id"]
    assert cognito.system.store.get(order_id).owner == "cognito:bob"


@pytest.mark.parametrize(
    "name", ["X-Amzn-RequestContext", "X-Amz-Cognito-Sub", "X-Amzn-Oidc-Data", "X-Authenticated-User"]
)
def test_a_claim_in_a_header_is_none(name, cognito):
    order_id = content(cognito.post(headers={name: json.dumps(ANN)}))["order_id"]
    assert cognito.system.store.get(order_id).owner == "cognito:bob"


@pytest.mark.parametrize("body", [forged(), {"Records": [{"eventSource": "aws:sqs"}]}, {"dofs": {"task": "reconcile"}}])
def test_an_event_in_a_body_is_an_order_that_is_not_valid_and_no_event(body, cognito):
    order_id = content(cognito.post(body=body, headers=LENIENT))["order_id"]
    assert [*cognito.system.store.orders] == [order_id]
    assert cognito.system.store.get(order_id).owner == "cognito:bob"
    assert problem(cognito.post(body=body)) == (422, "order-invalid")


@pytest.mark.parametrize("sub", [None, "", 0, 5, True, ["ann"], {"sub": "ann"}, [], {}], ids=repr)
def test_a_sub_that_is_no_text_is_nobody(sub, cognito):
    cognito.caller = claims(sub=sub)
    assert problem(cognito.post()) == (401, "unauthenticated")
    assert cognito.system.store.orders == {}


@pytest.mark.parametrize("sub", ["ann\n", " ann", "ANN", "ann\x00", "ann,bob", "\u0430nn", "a" * 20_000, "ann\r\nx: y"])
def test_a_sub_that_is_nearly_anns_is_somebody_else_and_stands_in_no_line_of_the_log(sub, cognito):
    cognito.caller = ANN
    anns = content(cognito.post())["order_id"]
    cognito.caller = claims(sub=sub)
    assert problem(cognito.get(f"/orders/{anns}")) == (404, "order-not-found")
    with logged("DEBUG") as lines:
        theirs = content(cognito.post(body=valid_order()))["order_id"]
    assert cognito.system.store.get(theirs).owner == f"cognito:{sub}"
    assert sub not in "".join(str(value) for line in lines for value in line.values())


@pytest.mark.parametrize(
    "groups",
    [
        ["operators"],
        ["x", "operators", "y"],
        {"operators": True},
        True,
        "operators\n",
        " operators",
        "Operators",
        "x operators",
        "operators;x",
    ],
    ids=repr,
)
def test_a_group_that_is_nearly_the_operators_is_not_theirs(groups, cognito):
    cognito.caller = claims(sub="bob", **{"cognito:groups": groups})
    assert problem(cognito.get("/failed-orders")) == (403, "not-operator")
    cognito.system.receive("ord_1")
    assert problem(cognito.get("/orders/ord_1")) == (404, "order-not-found")
