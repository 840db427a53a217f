"""The simulated warehouse over HTTP: the routes of the warehouse contract, and signatures."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from service.orders import strict_json
from service.orders.warehouse import State
from service.warehouses.signatures import TOLERANCE, sign
from tests.warehouses import support
from tests.warehouses.support import order, warehouse
from tests.warehouses.warehouse_client import ITEMS, KEY, WarehouseClient, assert_problem, running_warehouse

OTHER_KEY = b"another key of the same length.."
SHIP_TO = {"name": "Ann Example", "street": "1 Secret Lane"}


def test_a_delivery_is_shipped_at_once(client, key):
    answer = client.ask(key)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    state = answer.json()
    (shipment,) = state.pop("shipments")
    assert state == {"order_id": key, "status": "shipped"}
    assert shipment["items"] == [{"line_id": "1", "quantity": 2}]
    assert {"id", "carrier", "tracking_number", "tracking_url", "shipped_at", "items"} == set(shipment)


@pytest.mark.parametrize("character", ["x", "é", "😀"])
def test_500_lines_with_the_longest_ids_are_shipped(character):
    items = [
        {"product_id": "p", "quantity": 10_000, "price": 0, "line_id": str(number).rjust(128, character)}
        for number in range(500)
    ]
    large = order(submission=strict_json.canonical_text({"items": items}))
    with running_warehouse(keys=(support.KEY,)) as (server, _):
        assert warehouse(server.url).ask(large, 30).state is State.SHIPPED
        assert warehouse(server.url).look(large, 30).state is State.SHIPPED


def test_a_delivery_is_declined_with_a_reason():
    with running_warehouse(success_rate=0) as (_, client):
        answer = client.ask("ord_1-d1")
    assert answer.status_code == 200
    reason = "the simulated warehouse declined"
    assert answer.json() == {"order_id": "ord_1-d1", "status": "declined", "reason": reason, "shipments": []}


def test_promise_1_a_cancelled_unknown_key_is_dead(client, key):
    cancelled = client.cancel(key)
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    late = client.ask(key)
    assert (late.status_code, late.json()) == (200, cancelled.json())
    assert client.look(key).json() == late.json() == client.cancel(key).json()


@pytest.mark.parametrize(("fault", "status"), [("declined", 200), ("refused", 422)])
def test_promise_2_declined_and_refused_are_replayed(fault, status, client, server, key):
    client.set_faults(**{fault: 1})
    first = client.ask(key)
    client.set_faults()
    assert (first.status_code, first.json()["status"]) == (status, fault)
    again = client.ask(key)
    assert (again.status_code, again.json()) == (status, first.json())
    too_late = client.cancel(key)
    assert (too_late.status_code, too_late.json()) == (409, first.json())
    look = client.look(key)
    assert (look.status_code, look.json()) == (200, first.json())


def test_promise_3_a_look_has_all_shipments_of_the_key(client, key):
    asked = client.ask(key)
    assert client.look(key).json() == asked.json()
    assert len(asked.json()["shipments"]) == 1


def test_promise_4_a_shipped_delivery_is_never_declined_or_refused(client, server, key):
    shipped = client.ask(key).json()
    client.set_faults(declined=1, refused=1)
    answers = [client.ask(key), client.look(key), client.cancel(key)]
    client.set_faults()
    assert [answer.status_code for answer in answers] == [200, 200, 409]
    assert [answer.json() for answer in answers] == [shipped] * 3


def test_promise_5_429_says_nothing_about_earlier_requests(client, server, key):
    shipped = client.ask(key).json()
    client.set_faults(too_many=1)
    refusals = [client.ask(key), client.look(key), client.cancel(key)]
    client.set_faults()
    assert [answer.status_code for answer in refusals] == [429] * 3
    assert client.ask(key).json() == shipped


def test_promise_6_other_items_under_a_key_are_a_conflict(client, key):
    client.ask(key)
    other = [{**ITEMS[0], "quantity": 3}]
    assert_problem(client.ask(key, other), 409)


def test_promise_6_everything_but_the_items_is_ignored_on_a_replay(client, key):
    first = client.ask(key, ship_to=SHIP_TO, reference="1001")
    again = client.ask(key, [{**ITEMS[0], "note": "new"}], ship_to={}, metadata={"deploy": "2"})
    assert (again.status_code, again.json()) == (200, first.json())


def test_promise_7_shipment_ids_repeat_under_other_keys_only(client, key):
    one, other = client.ask(key).json(), client.ask(f"{key}0").json()
    assert one["shipments"][0]["id"] == other["shipments"][0]["id"]


def test_a_key_that_the_warehouse_never_had_is_404(client, key):
    assert_problem(client.look(key), 404)


def test_the_ledger_shows_the_address_to_programs_on_this_machine_only(client, key):
    more = {"reference": "#1001", "service_level": "express", "note": "Behind Secret Lane", "ship_to": SHIP_TO}
    client.ask(key, [{**ITEMS[0], "name": "Blue shirt", "sku": "SHIRT"}], **more)
    [delivery] = [each for each in client.ledger()["deliveries"] if each["key"] == key]
    assert delivery["items"] == [{**ITEMS[0], "name": "Blue shirt", "sku": "SHIRT"}]
    assert {name: delivery[name] for name in more} == more
    elsewhere = client.http.get("/ledger", headers={"Host": "pages.example"})
    assert "#1001" in elsewhere.text
    assert key in client.http.get("/").text
    for answer in (elsewhere, client.http.get("/")):
        assert "Secret Lane" not in answer.text


def send_unsigned(client: WarehouseClient, key: str) -> list[int]:
    return [answer.status_code for answer in (client.ask(key), client.look(key), client.cancel(key))]


@pytest.mark.parametrize("signing_key", [None, OTHER_KEY], ids=["unsigned", "another secret"])
def test_a_request_without_a_valid_signature_is_401_and_has_no_effect(signing_key, client, server, key):
    with WarehouseClient(server.url, signing_key) as stranger:
        assert send_unsigned(stranger, key) == [401] * 3
        assert_problem(stranger.ask(key), 401)
    assert client.look(key).status_code == 404


def test_every_bad_signature_gets_the_same_answer(client, server, key):
    old = sign(KEY, "1", int(time.time()) - 2 * TOLERANCE, b"")
    bodies = {client.http.get(f"/orders/{key}", headers=headers).text for headers in ({}, old, sign(KEY, "1", 0, b""))}
    assert len(bodies) == 1


def test_a_signature_of_another_body_is_401(client, key):
    body = json.dumps({"order_id": key, "items": ITEMS}).encode()
    headers = {"Content-Type": "application/json", "Idempotency-Key": key, **sign(KEY, "1", int(time.time()), body)}
    assert client.http.post("/orders", content=body, headers=headers).status_code == 200
    assert client.http.post("/orders", content=body + b" ", headers=headers).status_code == 401


def test_during_a_rotation_both_secrets_are_valid():
    keys = (KEY, OTHER_KEY)
    with running_warehouse(keys=keys) as (server, client), WarehouseClient(server.url, OTHER_KEY) as other:
        assert other.ask("ord_1-d1").json() == client.ask("ord_1-d1").json()


def test_without_a_secret_no_signature_is_needed():
    with running_warehouse(keys=()) as (server, _), WarehouseClient(server.url, key=None) as stranger:
        assert stranger.ask("ord_1-d1").status_code == 200


def test_concurrent_connections_under_one_key_ship_one_parcel():
    with running_warehouse() as (server, _):
        clients = [WarehouseClient(server.url) for _ in range(8)]
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda client: [client.ask(f"ord_{n}-d1").json() for n in range(20)], clients))
        for client in clients:
            client.http.close()
        assert all(each == answers[0] for each in answers)
        assert server.ledger.read(1000).parcel_count == 20
