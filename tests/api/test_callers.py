"""Authentication: API Gateway identifies the caller, and nothing that a caller sends changes it."""

import base64
import json
from dataclasses import replace

import pytest

from service.orders.orders import Orders
from service.orders.strict_json import from_python
from service.orders.submission import Submission
from tests.api.client import Api, assert_problem
from tests.api.proxy import Gateway, content, problem
from tests.support import valid_order

ARN = "arn:aws:sts::123456789012:assumed-role/shop/session"
CALLERS = {
    "api_key": ({"identity": {"apiKeyId": "k1a2b3"}}, "api_key:k1a2b3"),
    "iam": ({"identity": {"userArn": ARN}}, "iam:arn:aws:sts::123456789012:assumed-role/shop"),
    "cognito": ({"authorizer": {"claims": {"sub": "ann", "email": "a@b.test"}}}, "cognito:ann"),
}
ANN, BOB = ({"authorizer": {"claims": {"sub": name}}} for name in ("ann", "bob"))
OLGA = {"authorizer": {"claims": {"sub": "olga", "cognito:groups": "operators"}}}
ANOTHER = {
    "api_key": {"identity": {"apiKeyId": "k9"}},
    "iam": {"identity": {"userArn": "arn:aws:iam::123456789012:user/shops/jo"}},
    "cognito": BOB,
}
OPERATOR = {**{mode: caller for mode, (caller, _) in CALLERS.items()}, "cognito": OLGA}
MODES = pytest.mark.parametrize("mode", CALLERS)
SPOOFED = {
    "X-Api-Key": "k9",
    "X-Owner": "ann",
    "X-Amzn-Oidc-Identity": "ann",
    "Authorization": "Bearer " + base64.b64encode(b'{"sub":"ann"}').decode(),
    "X-Forwarded-User": "ann",
    "requestContext": '{"authorizer":{"claims":{"sub":"ann"}}}',
    "aws.event": "{}",
    "Cookie": "sub=ann",
}


@pytest.fixture
def cognito(event_loop):
    gateway = Gateway(api_auth="cognito")
    gateway.caller = ANN
    return gateway


@pytest.fixture
def pool(event_loop):
    """A user pool with operators. Ann and Bob have an order each, with the same reference. Ann is the caller."""
    gateway = Gateway(api_auth="cognito", operator_api="on")
    for gateway.caller in (BOB, ANN):
        posted(gateway, body=valid_order(reference="#1001"))
    return gateway


def posted(gateway, **given):
    return content(gateway.post(**given))["order_id"]


def listed(gateway, **query):
    answer = gateway.get("/orders", multiValueQueryStringParameters={name: [value] for name, value in query.items()})
    return content(answer)["orders"]


@MODES
def test_the_caller_is_stored_as_the_owner(mode, event_loop):
    gateway = Gateway(api_auth=mode)
    gateway.caller, owner = CALLERS[mode]
    assert gateway.system.store.get(posted(gateway)).owner == owner


@pytest.mark.parametrize("partition", ["aws", "aws-us-gov"])
def test_two_sessions_of_a_role_with_one_key_submit_one_order(partition, event_loop):
    gateway = Gateway(api_auth="iam")
    answers = []
    for session in ("i-0a1b2c3d", "ann@example.com"):
        gateway.caller = {"identity": {"userArn": f"arn:{partition}:sts::123456789012:assumed-role/shop/{session}"}}
        answers.append(content(gateway.post(headers={"Idempotency-Key": "order-1001-of-shop"}))["order_id"])
    assert answers[0] == answers[1]
    assert len(gateway.system.store.orders) == 1


def test_two_keys_of_a_caller_are_one_owner(event_loop):
    gateway = Gateway(api_auth="api_key", api_callers="k1=shop,k2=shop,k3=erp")
    ids = []
    for key_id in ("k1", "k2", "k3", "k4"):
        gateway.caller = {"identity": {"apiKeyId": key_id}}
        ids.append(content(gateway.post(headers={"Idempotency-Key": "order-1001"}))["order_id"])
    assert [gateway.system.store.get(each).owner for each in ids] == [
        *("api_caller:shop", "api_caller:shop", "api_caller:erp", "api_key:k4")
    ]
    assert len(set(ids)) == 3


def test_a_retry_with_a_named_key_finds_the_order_that_the_key_submitted_without_a_name(event_loop):
    gateway = Gateway(api_auth="api_key", api_callers="k1a2b3=shop")
    gateway.caller = {"identity": {"apiKeyId": "k1a2b3"}}
    document = from_python(valid_order())
    before = Submission(document, owner="api_key:k1a2b3", idempotency_key="order-1001")
    order, _ = Orders(gateway.system).submit(before)
    assert content(gateway.post(headers={"Idempotency-Key": "order-1001"}))["order_id"] == order.order_id


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:iam::123456789012:user/shops/ann",
        "arn:aws:sts::123456789012:federated-user/ann",
        "arn:aws:iam::123456789012:root",
        "arn:aws-cn:sts::123456789012:assumed-role/other/session",
    ],
)
def test_other_principals_are_other_owners(arn, event_loop):
    gateway = Gateway(api_auth="iam")
    owners = set()
    for each in (ARN, arn):
        gateway.caller = {"identity": {"userArn": each}}
        owners.add(gateway.system.store.get(posted(gateway)).owner)
    assert len(owners) == 2


@pytest.mark.parametrize("changed", [False, True])
def test_a_retry_of_a_session_finds_the_order_that_0_1_0_stored(changed, event_loop):
    gateway = Gateway(api_auth="iam")
    gateway.caller = CALLERS["iam"][0]
    key = "order-1001-of-shop"
    before = Submission(valid_order(), owner=f"iam:{ARN}", idempotency_key=key)
    order, _ = Orders(gateway.system).submit(replace(before, document=from_python(before.document)))
    body = valid_order(customer_id="another") if changed else valid_order()
    answer = gateway.post(body=body, headers={"Idempotency-Key": key})
    if changed:
        assert problem(answer) == (422, "idempotency-key-reused")
    else:
        assert content(answer)["order_id"] == order.order_id
    assert len(gateway.system.store.orders) == 1


def test_the_timeline_names_the_session_of_an_operator(event_loop):
    gateway = Gateway(api_auth="iam", operator_api="on")
    gateway.caller = CALLERS["iam"][0]
    gateway.system.receive("ord_1")
    assert content(gateway.post("/orders/ord_1/cancel", ""))["timeline"][-1]["actor"] == f"operator:iam:{ARN}"


def test_only_operators_see_the_delivery_and_the_owner_of_an_order(pool):
    [in_list] = listed(pool)
    order_id = in_list["order_id"]
    for view in (in_list, content(pool.get(f"/orders/{order_id}"))):
        assert (view["delivery"], view["owner"]) == (None, None)
    pool.caller = OLGA
    assert {view["owner"] for view in listed(pool)} == {"cognito:ann", "cognito:bob"}
    view = content(pool.get(f"/orders/{order_id}"))
    assert (view["delivery"]["key"], view["owner"]) == (f"{order_id}-d1", "cognito:ann")


@MODES
def test_operators_find_the_reference_of_another_callers_order(mode, event_loop):
    gateway = Gateway(api_auth=mode, operator_api="on")
    posts = []
    for gateway.caller in ANOTHER[mode], OPERATOR[mode]:
        posts.append(posted(gateway, body=valid_order(reference="#1001")))
    theirs, mine = posts
    owner = content(gateway.get(f"/orders/{theirs}"))["owner"]
    assert [order["order_id"] for order in listed(gateway, reference="#1001", owner=owner)] == [theirs]
    assert [order["order_id"] for order in listed(gateway, reference="#1001")] == [mine]


@pytest.mark.parametrize(("query", "count"), [({}, 1), ({"status": "RECEIVED"}, 1), ({"status": "FAILED"}, 0)])
def test_operators_of_a_user_pool_list_the_orders_of_a_customer_by_the_owner(query, count, pool):
    pool.caller = OLGA
    assert [order["owner"] for order in listed(pool, owner="cognito:bob", **query)] == ["cognito:bob"] * count


@pytest.mark.parametrize("mode", ["api_key", "iam"])
def test_without_an_index_of_owners_a_list_by_owner_needs_a_reference(mode, event_loop):
    gateway = Gateway(api_auth=mode)
    gateway.caller, owner = CALLERS[mode]
    answer = gateway.get("/orders", multiValueQueryStringParameters={"owner": [owner]})
    assert problem(answer) == (422, "parameters-invalid")
    detail = "needs a reference, too: only a deployment with api_auth = cognito has an index of owners"
    assert json.loads(answer["body"])["errors"] == [{"pointer": "owner", "detail": detail}]


@pytest.mark.parametrize("query", [{}, {"reference": ["#1001"]}])
def test_a_customer_lists_no_orders_of_another_owner(query, pool):
    read = []
    pool.system.store._read = lambda order: read.append(order.owner) or order
    for owner in ("cognito:bob", "cognito:nobody"):
        answer = pool.get("/orders", multiValueQueryStringParameters={**query, "owner": [owner]})
        assert problem(answer) == (403, "not-operator")
    assert read == []
    answer = pool.get("/orders", multiValueQueryStringParameters={**query, "owner": ["cognito:ann"]})
    assert len(content(answer)["orders"]) == 1


def test_callers_are_anonymous_without_authentication(gateway):
    gateway.caller = {**CALLERS["api_key"][0], **ANN}
    assert gateway.system.store.get(posted(gateway)).owner == "anonymous"


@MODES
@pytest.mark.parametrize("name", CALLERS)
def test_only_the_identity_of_the_mode_counts(name, mode, event_loop):
    gateway = Gateway(api_auth=mode)
    gateway.caller = CALLERS[name][0]
    answer = gateway.post()
    assert answer["statusCode"] == (202 if name == mode else 401)
    if name != mode:
        assert problem(answer) == (401, "unauthenticated")


@MODES
@pytest.mark.parametrize(
    "caller",
    [
        {},
        {"authorizer": None},
        {"authorizer": {}},
        {"authorizer": {"claims": None}},
        {"authorizer": {"claims": {}}},
        {"authorizer": {"claims": {"sub": ""}}},
        {"authorizer": {"claims": {"cognito:username": "ann"}}},
        {"authorizer": {"principalId": "ann"}},
    ],
)
@pytest.mark.parametrize("call", ["post", "get", "list", "cancel"])
def test_requests_without_an_identity_read_and_change_no_order(call, caller, mode, event_loop):
    gateway = Gateway(api_auth=mode)
    gateway.caller = caller
    before = gateway.system.receive()
    answer = {
        "post": lambda: gateway.post(headers=SPOOFED),
        "get": lambda: gateway.get("/orders/ord_1"),
        "list": lambda: gateway.get("/orders", multiValueQueryStringParameters={"status": ["RECEIVED"]}),
        "cancel": lambda: gateway.post("/orders/ord_1/cancel"),
    }[call]()
    assert problem(answer) == (401, "unauthenticated")
    assert gateway.system.store.orders == {"ord_1": before}


@MODES
def test_no_identity_comes_from_anywhere_but_the_gateway(mode):
    api = Api(api_auth=mode)
    assert_problem(api.post("/order", json=valid_order(), headers=SPOOFED), 401, "unauthenticated")
    assert api.stored == {}


@pytest.mark.parametrize("mode", [None, *CALLERS])
def test_health_and_documentation_need_no_identity(mode, event_loop):
    gateway = Gateway(api_auth=mode or "none")
    for path in ("/health", "/ready", "/docs", "/openapi.json"):
        assert gateway.get(path)["statusCode"] == 200


def test_the_owner_sees_and_cancels_their_order(cognito):
    order_id = posted(cognito)
    assert content(cognito.get(f"/orders/{order_id}"))["order_id"] == order_id
    assert content(cognito.post(f"/orders/{order_id}/cancel"))["status"] == "CANCELLED"


@pytest.mark.parametrize("headers", [{}, SPOOFED])
def test_another_callers_order_is_not_found(headers, cognito):
    order_id = posted(cognito)
    before = cognito.system.store.get(order_id)
    cognito.caller = BOB
    unknown = cognito.get("/orders/ord_unknown")
    mine_not = cognito.get(f"/orders/{order_id}", headers=headers, multiValueHeaders=None)
    assert (mine_not["statusCode"], mine_not["body"]) == (unknown["statusCode"], unknown["body"])
    assert problem(cognito.post(f"/orders/{order_id}/cancel", headers=headers)) == (404, "order-not-found")
    assert cognito.system.store.get(order_id) == before


@pytest.mark.parametrize("query", [{}, {"status": ["RECEIVED"]}, {"customer_id": ["cust_123"]}])
def test_a_customer_lists_their_own_orders_and_no_row_of_another_is_read(query, cognito):
    store, read = cognito.system.store, []
    for _ in range(30):
        posted(cognito)
    cognito.caller = BOB
    mine = posted(cognito)
    store._read = lambda order: read.append(order.owner) or order
    page = content(cognito.get("/orders", multiValueQueryStringParameters=query))
    assert [order["order_id"] for order in page["orders"]] == [mine]
    assert (page["sorted_by"], page["next_cursor"], set(read)) == ("created_at", None, {"cognito:bob"})


@MODES
def test_a_list_by_reference_has_the_callers_own_orders_only(mode, event_loop):
    """Also for callers who see all orders: shops number their orders alike."""
    gateway = Gateway(api_auth=mode)
    gateway.system.receive("ord_1", reference="#1001")
    gateway.caller = CALLERS[mode][0]
    mine = posted(gateway, body=valid_order(reference="#1001"))
    page = content(gateway.get("/orders", multiValueQueryStringParameters={"reference": ["#1001"]}))
    assert ([order["order_id"] for order in page["orders"]], page["next_cursor"]) == ([mine], None)


@pytest.mark.parametrize("mode", ["api_key", "iam"])
def test_api_key_and_iam_callers_see_all_orders(mode, event_loop):
    gateway = Gateway(api_auth=mode)
    gateway.caller = CALLERS[mode][0]
    gateway.system.receive("ord_1")
    assert content(gateway.get("/orders/ord_1"))["order_id"] == "ord_1"
    assert content(gateway.post("/orders/ord_1/cancel"))["status"] == "CANCELLED"


def test_two_callers_with_the_same_idempotency_key_create_two_orders(cognito):
    key = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
    mine = posted(cognito, headers=key)
    cognito.caller = BOB
    theirs = cognito.post(headers=key)
    assert content(theirs)["order_id"] != mine
    assert "idempotency-replayed" not in theirs["headers"]


@pytest.mark.parametrize("headers", [{name: value} for name, value in SPOOFED.items()], ids=SPOOFED)
def test_no_header_of_a_caller_changes_its_identity(headers, cognito):
    cognito.caller = BOB
    assert cognito.system.store.get(posted(cognito, headers=headers)).owner == "cognito:bob"


@pytest.mark.parametrize("field", ["owner", "requestContext", "authorizer", "order_id"])
def test_no_field_of_an_order_changes_its_owner(field, cognito):
    body = valid_order() | {field: {"authorizer": {"claims": {"sub": "bob"}}}}
    order_id = posted(cognito, body=body, headers={"Prefer": "handling=lenient"})
    assert cognito.system.store.get(order_id).owner == "cognito:ann"
