"""Every caller on every route, list, cursor and idempotency key: a customer's request reads no row of another.

A deployment of each kind of authentication, with its store in memory and on DynamoDB. Each caller has four orders.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any
from urllib.parse import parse_qsl

import pytest

from service.api.app import create_app
from service.api.dependencies import run_inline
from service.aws.clients import Clients
from service.aws.store import DynamoDbOrderStore
from service.orders.lifecycle import Status
from service.settings import Settings
from tests.api.proxy import Gateway, content, problem
from tests.contract.read_log import reads_of
from tests.contract.support import order_in, write_of
from tests.security.routes import SERVERS_ONLY, Asked, every_route
from tests.support import valid_order

ROLE = "arn:aws:sts::123456789012:assumed-role"


@dataclass(frozen=True)
class Caller:
    """A caller as API Gateway names them in an event, and the owner of their orders."""

    api_auth: str
    event: dict[str, Any]
    owner: str
    is_customer: bool = False
    token: str = ""


def user(name: str, *groups: str, is_customer: bool = True) -> Caller:
    """A user of a user pool, whose token has been verified by API Gateway."""
    claims = {"sub": name, **({"cognito:groups": ",".join(groups)} if groups else {})}
    payload = base64.urlsafe_b64encode(json.dumps({"sub": name, "cognito:groups": groups}).encode()).decode()
    return Caller("cognito", {"authorizer": {"claims": claims}}, f"cognito:{name}", is_customer, f"e30.{payload}.e30")


CALLERS = {
    "ann": user("ann"),
    "bob": user("bob"),
    "in group x,operators": user("eve", "x,operators"),
    "in groups x and y": user("joe", "x", "y"),
    "operator": user("olga", "operators", is_customer=False),
    "operator in two groups": user("otto", "x", "operators", is_customer=False),
    "session 1": Caller("iam", {"identity": {"userArn": f"{ROLE}/shop/1"}}, f"iam:{ROLE}/shop"),
    "session 2": Caller("iam", {"identity": {"userArn": f"{ROLE}/shop/2"}}, f"iam:{ROLE}/shop"),
    "another role": Caller("iam", {"identity": {"userArn": f"{ROLE}/other/1"}}, f"iam:{ROLE}/other"),
    "key 1": Caller("api_key", {"identity": {"apiKeyId": "k1"}}, "api_key:k1"),
    "key 2": Caller("api_key", {"identity": {"apiKeyId": "k2"}}, "api_key:k2"),
    "old key of a": Caller("api_key", {"identity": {"apiKeyId": "k3"}}, "api_caller:a"),
    "new key of a": Caller("api_key", {"identity": {"apiKeyId": "k4"}}, "api_caller:a"),
    "nobody": Caller("none", {}, "anonymous"),
}
CUSTOMERS = [name for name, caller in CALLERS.items() if caller.is_customer]
MODES = {
    caller.api_auth: [name for name in CALLERS if CALLERS[name].api_auth == caller.api_auth]
    for caller in CALLERS.values()
}
SETTINGS = {"none": {}, "api_key": {"operator_api": "on", "api_callers": "k3=a,k4=a"}}

NOTE = {"note": "again"}
BOBS, FAILED, UNKNOWN = "ord_bob", "ord_bob_failed", "ord_unknown"
ROUTES: list[tuple[str, str, Any, tuple[int, int, int]]] = [
    # path, body, and the statuses for Bob, for another customer, and for an operator
    ("POST /order", "/order", valid_order(), (202, 202, 202)),
    ("POST /orders", "/orders", valid_order(), (202, 202, 202)),
    ("GET /orders", "/orders", None, (200, 200, 200)),
    ("GET /orders", "/orders?owner=cognito:bob", None, (200, 403, 200)),
    ("GET /orders", "/orders?owner=cognito:bob&reference=%231001", None, (200, 403, 200)),
    ("GET /orders/{order_id}", f"/orders/{BOBS}", None, (200, 404, 200)),
    ("GET /orders/{order_id}", f"/orders/{FAILED}", None, (200, 404, 200)),
    ("POST /orders/{order_id}/cancel", f"/orders/{BOBS}/cancel", None, (200, 404, 200)),
    ("POST /orders/{order_id}/look", f"/orders/{BOBS}/look", None, (403, 403, 409)),
    ("POST /orders/{order_id}/give-up", f"/orders/{BOBS}/give-up", NOTE, (403, 403, 409)),
    ("GET /failed-orders", "/failed-orders", None, (403, 403, 200)),
    ("GET /failed-orders/{order_id}", f"/failed-orders/{FAILED}", None, (403, 403, 200)),
    ("POST /failed-orders/redrive", "/failed-orders/redrive", NOTE | {"dry_run": True}, (403, 403, 200)),
    ("POST /failed-orders/{order_id}/redrive", f"/failed-orders/{FAILED}/redrive", NOTE, (403, 403, 200)),
    ("POST /orders/{order_id}/look", f"/orders/{BOBS}/look", None, (403, 403, 409)),
    ("POST /orders/{order_id}/give-up", f"/orders/{BOBS}/give-up", NOTE, (403, 403, 409)),
    ("GET /stats", "/stats", None, (403, 403, 200)),
    ("POST /warehouse/events", "/warehouse/events", {}, (401, 401, 401)),
    ("GET /console", "/console", None, (200, 200, 200)),
    ("GET /console/{name}", "/console/main.js", None, (200, 200, 200)),
    ("GET /health", "/health", None, (200, 200, 200)),
    ("GET /ready", "/ready", None, (200, 200, 200)),
    ("GET /", "/", None, (307, 307, 307)),
    ("GET /docs", "/docs", None, (200, 200, 200)),
    ("GET /docs/{name}", "/docs/swagger-ui.css", None, (200, 200, 200)),
    ("GET /openapi.json", "/openapi.json", None, (200, 200, 200)),
]
LISTS = [
    {},
    {"status": "RECEIVED"},
    {"customer_id": "cust_123"},
    {"customer_id": "cust_123", "status": "RECEIVED"},
    {"customer_id": "cust_9"},
    {"reference": "#1001"},
    {"reference": "#1001", "status": "RECEIVED"},
    {"reference": "#1001", "customer_id": "cust_123"},
]


class World:
    """A deployment with four orders of each caller, whose reads are recorded."""

    def __init__(self, gateway: Gateway, clients: Clients, names: list[str]) -> None:
        self.gateway, self.clients, self.store = gateway, clients, gateway.system.store
        self.orders = {}
        for owner in dict.fromkeys(CALLERS[name].owner for name in names):
            name = f"ord_{owner.rpartition(':')[2].replace('/', '_')}"
            received = [order_in(order_id=f"{name}{part}", owner=owner, asked=0) for part in ("", "_2")]
            other = order_in(Status.PENDING, f"{name}_3", owner=owner, customer_id="cust_9", reference=None)
            failing = order_in(Status.PROCESSING, f"{name}_failed", owner=owner)
            for order in (*received, other, failing):
                self.orders[order.order_id] = self.store.create(order)
            self.orders[failing.order_id] = self.store.apply(write_of("fail", failing, id=f"w-{name}"))

    def send(
        self, name: str, method: str, path: str, query: dict[str, str] | None = None, body: Any = None, **headers: str
    ) -> tuple[dict[str, Any], list[str]]:
        """Send a request of a caller; returns the response, and the ids of the rows and entries that were read."""
        caller = CALLERS[name]
        self.gateway.caller = caller.event
        headers |= {"Authorization": f"Bearer {caller.token}"} if caller.token else {}
        with reads_of(self.store, self.clients) as ids:
            answer = Asked(path, method, path, query or {}, body).behind(self.gateway, **headers)
        return answer, ids

    def pages(self, name: str, query: dict[str, str]) -> tuple[list[str], list[str]]:
        """Read a list in pages of two orders; returns the ids of its orders, and those that were read."""
        listed, cursors, read = [], [], []
        while not listed or cursors[-1]:
            more = {"cursor": cursors[-1]} if cursors else {}
            answer, ids = self.send(name, "GET", "/orders", {**query, "limit": "2", **more})
            page = content(answer)
            listed.append([order["order_id"] for order in page["orders"]])
            cursors.append(page["next_cursor"])
            read += ids
        return [order_id for page in listed for order_id in page], read

    def strangers(self, name: str, ids: list[str]) -> set[str]:
        """The ids of those orders that belong to another owner."""
        return {each for each in ids if each in self.orders and self.orders[each].owner != CALLERS[name].owner}


@pytest.fixture(params=["memory", "dynamodb"])
def new_world(
    request: pytest.FixtureRequest, event_loop: object, clients: Clients, new_tables: Callable[..., Settings]
) -> Callable[[str], World]:
    """Creates the deployment of one kind of authentication."""

    def create(mode: str) -> World:
        gateway = Gateway(api_auth=mode, **SETTINGS.get(mode, {"operator_api": "on"}))
        if request.param == "dynamodb":
            gateway.system.store = DynamoDbOrderStore(clients, new_tables(status_shards=1))
        return World(gateway, clients, MODES[mode])

    return create


def test_the_table_has_every_route(event_loop: object):
    system = Gateway(api_auth="cognito", operator_api="on").system
    routes = set(every_route(create_app(system.settings, run_inline, system))) - {SERVERS_ONLY}
    assert {route for route, *_ in ROUTES} == routes


@pytest.mark.parametrize("name", MODES["cognito"])
def test_each_route_answers_a_caller_by_their_permission(name: str, new_world: Callable[[str], World]):
    world = new_world("cognito")
    caller = CALLERS[name]
    for route, path, body, (owner, stranger, operator) in ROUTES:
        path, _, query = path.partition("?")
        answer, ids = world.send(name, route.split()[0], path, dict(parse_qsl(query)), body)
        expected = operator if not caller.is_customer else owner if name == "bob" else stranger
        assert answer["statusCode"] == expected, (route, answer["body"])
        if caller.is_customer:
            looked_up = {BOBS, FAILED} if "orders/{order_id}" in route and expected == 404 else set()
            assert world.strangers(name, ids) <= looked_up, route
            assert expected != 403 or ids == [], route


@pytest.mark.parametrize("name", [name for name in CUSTOMERS if name != "bob"])
@pytest.mark.parametrize("route", ["GET /orders/{}", "POST /orders/{}/cancel"])
@pytest.mark.parametrize("theirs", [BOBS, FAILED])
def test_an_order_of_another_customer_is_answered_as_an_unknown_one(
    name: str, route: str, theirs: str, new_world: Callable[[str], World]
):
    world = new_world("cognito")
    method, path = route.split()
    (found, read), (unknown, nothing) = (world.send(name, method, path.format(each)) for each in (theirs, UNKNOWN))
    assert visible(found) == visible(unknown)
    assert (read, nothing) == ([theirs], [])
    assert world.store.get(theirs) == world.orders[theirs]


def visible(answer: dict[str, Any]) -> Any:
    """What a caller sees of a response, without the id of its trace."""
    return {**answer, "body": {**content(answer), "trace_id": None}}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("query", LISTS, ids=str)
def test_a_list_has_all_orders_that_the_caller_may_see(
    query: dict[str, str], mode: str, new_world: Callable[[str], World]
):
    world = new_world(mode)
    for name in MODES[mode]:
        caller = CALLERS[name]
        owner = caller.owner if caller.is_customer or "reference" in query else None
        wanted = {
            order.order_id
            for order in world.orders.values()
            if (owner in (None, order.owner)) and all(getattr(order, field) == value for field, value in query.items())
        }
        listed, read = world.pages(name, query)
        assert (len(listed), set(listed)) == (len(wanted), wanted), name
        if owner:
            assert not world.strangers(name, read), name


def test_a_cursor_of_a_customer_is_refused_by_every_other_list(new_world: Callable[[str], World]):
    world = new_world("cognito")
    cursors = {}
    for name, query in product(MODES["cognito"], LISTS):
        answer, _ = world.send(name, "GET", "/orders", {**query, "limit": "1"})
        cursors[name, str(query)] = content(answer)["next_cursor"]
    for name, query, (place, cursor) in product(("ann", "bob"), LISTS, cursors.items()):
        if cursor is None:
            continue
        answer, ids = world.send(name, "GET", "/orders", {**query, "cursor": cursor})
        if place == (name, str(query)):
            assert answer["statusCode"] == 200
        else:
            assert problem(answer) == (400, "cursor-invalid"), (name, query, place)
            assert ids == []


@pytest.mark.parametrize("mode", MODES)
def test_an_idempotency_key_belongs_to_an_owner(mode: str, new_world: Callable[[str], World]):
    """Two sessions of a role are one owner, and so are two API keys of one caller."""
    world = new_world(mode)
    found = {}
    for name in MODES[mode]:
        answer, ids = world.send(name, "POST", "/order", None, valid_order(), **{"Idempotency-Key": "order-1001"})
        found[name] = content(answer)["order_id"]
        first = next(each for each in found if found[each] == found[name])
        assert ("idempotency-replayed" in answer["headers"]) is (first != name)
        assert set(ids) <= {found[name]}, name
    owners = {name: CALLERS[name].owner for name in MODES[mode]}
    assert [[found[a] == found[b] for a in found] for b in found] == [
        [owners[a] == owners[b] for a in owners] for b in owners
    ]
