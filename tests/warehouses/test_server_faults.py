"""The faults of the simulated warehouse, and their change while it runs."""

import json
import threading

import httpx
import pytest

from service.warehouses.ledger import Ledger
from service.warehouses.ledger_entries import Item
from service.warehouses.server.faults import Fate, FaultInjector, Faults
from service.warehouses.server.http import HttpError, Request
from service.warehouses.server.routes import GARBAGE, Routes
from tests.polling import PATIENCE, eventually
from tests.warehouses.warehouse_client import ITEMS, WarehouseClient, assert_problem, running_warehouse

SHARES = ("too_many", "unavailable", "error", "lost", "garbage", "slow", "declined", "refused")
KEYS = [f"ord_{number}-d1" for number in range(300)]


def request(key: str, method: str = "POST", path: str = "/orders", **changes) -> Request:
    headers = {"content-type": "application/json", "idempotency-key": key}
    body = json.dumps({"order_id": key, "items": ITEMS}).encode()
    return Request(**{**vars_of(method, path, headers, body), **changes})


def vars_of(method, path, headers, body):
    return {"method": method, "path": path, "query": "", "headers": headers, "body": body, "is_local": True}


@pytest.mark.parametrize(("fault", "status"), [("too_many", 429), ("unavailable", 503), ("error", 500)])
def test_a_refused_request_is_answered_before_the_work(fault, status):
    with running_warehouse(faults=Faults(**{fault: 1}, retry_after=1.2)) as (server, client):
        answers = [client.ask("ord_1-d1"), client.look("ord_1-d1"), client.cancel("ord_1-d1")]
        for answer in answers:
            assert_problem(answer, status)
            assert answer.headers.get("retry-after") == (None if status == 500 else "2")
        assert server.ledger.look("ord_1-d1") is None


def test_a_lost_answer_comes_after_the_work():
    with running_warehouse(faults=Faults(lost=1)) as (server, client):
        with pytest.raises(httpx.RemoteProtocolError):
            client.ask("ord_1-d1")
        with pytest.raises(httpx.RemoteProtocolError):
            client.cancel("ord_2-d1")
        client.set_faults()
        assert client.look("ord_1-d1").json()["status"] == "shipped"
        assert client.look("ord_2-d1").json()["status"] == "cancelled"
        client.ask("ord_1-d1")
        assert server.ledger.read(10).parcel_count == 1


def test_a_garbage_answer_comes_after_the_work_and_is_no_answer_of_the_contract():
    with running_warehouse(faults=Faults(garbage=1)) as (server, client):
        answers = {client.ask(key).content for key in KEYS[:50]}
        assert answers == {body for _, body in GARBAGE}
        assert server.ledger.read(100).parcel_count == 50
        assert not any(key.encode() in answer for key in KEYS for answer in answers)


def test_a_slow_answer_comes_after_the_work():
    with running_warehouse(faults=Faults(slow=1, slow_seconds=3600)) as (server, client):
        client.http.timeout = httpx.Timeout(PATIENCE, read=0.2)
        with pytest.raises(httpx.ReadTimeout):
            client.ask("ord_1-d1")
        assert eventually(lambda: server.ledger.look("ord_1-d1")).parcels


def test_a_slow_answer_takes_its_seconds():
    waits: list[float] = []
    injector = FaultInjector("seed", Faults(slow=1, slow_seconds=7.5))
    routes = Routes(Ledger("seed", 1), injector, (), lambda: 0, lambda seconds: bool(waits.append(seconds)))
    reply = routes.answer(request("ord_1-d1"))
    assert waits == [7.5]
    assert reply is not None
    assert json.loads(reply.body)["status"] == "shipped"


def test_stop_ends_slow_answers_at_once():
    with running_warehouse(faults=Faults(slow=1, slow_seconds=3600)) as (server, client):
        answers: list[type[Exception]] = []

        def ask() -> None:
            try:
                client.ask("ord_1-d1")
            except httpx.TransportError as error:
                answers.append(type(error))

        thread = threading.Thread(target=ask)
        thread.start()
        eventually(lambda: server.ledger.look("ord_1-d1"))
        server.stop()
        thread.join(PATIENCE)
        assert len(answers) == 1


@pytest.mark.parametrize("fault", ["declined", "refused"])
def test_declined_and_refused_are_decided_by_the_key_alone(fault):
    with running_warehouse(faults=Faults(**{fault: 0.5})) as (_, client):
        first = [client.ask(key).json() for key in KEYS[:40]]
    assert {state["status"] for state in first} == {fault, "shipped"}
    with running_warehouse(faults=Faults(**{fault: 0.5})) as (_, client):
        for key in KEYS[:40]:
            client.look(key)
        assert [client.ask(key).json()["status"] for key in KEYS[:40]] == [state["status"] for state in first]


def test_faults_are_the_same_in_each_run():
    faults = Faults(**dict.fromkeys(SHARES, 0.5))
    one, other = FaultInjector("seed", faults), FaultInjector("seed", faults)
    forth = {(key, number): one.draw_fate(key) for key in KEYS for number in range(3)}
    back = {(key, number): other.draw_fate(key) for number in range(3) for key in reversed(KEYS)}
    assert forth == back


def test_seed_key_and_number_of_the_request_each_change_the_faults():
    faults = Faults(lost=0.5)

    def lost(seed: str, key: str, number: int) -> bool:
        injector = FaultInjector(seed, faults)
        return [injector.draw_fate(key)[1].lost for _ in range(number)][-1]

    for other in (lambda key: ("b", key, 1), lambda key: ("a", f"{key}0", 1), lambda key: ("a", key, 2)):
        assert 100 < sum(lost("a", key, 1) is not lost(*other(key)) for key in KEYS) < 200


def test_the_share_of_each_fault_equals_its_rate():
    injector = FaultInjector("seed", Faults(lost=0.3, garbage=0.3, slow=0.3, too_many=0.3))
    fates = [injector.draw_fate(key)[1] for key in KEYS for _ in range(10)]
    for happened in (
        [fate.lost for fate in fates],
        [fate.garbage is not None for fate in fates],
        [fate.seconds > 0 for fate in fates],
        [fate.refusal == 429 for fate in fates],
    ):
        assert sum(happened) / len(fates) == pytest.approx(0.3, abs=0.05)


def test_different_faults_happen_to_different_requests():
    injector = FaultInjector("seed", Faults(lost=0.5, garbage=0.5))
    fates = [injector.draw_fate(key)[1] for key in KEYS]
    assert len({(fate.lost, fate.garbage is None) for fate in fates}) == 4


def test_without_faults_none_happens():
    injector = FaultInjector("seed", Faults())
    assert {injector.draw_fate(key)[1] for key in KEYS} == {Fate(refusal=None, lost=False, garbage=None, seconds=0)}


def test_the_requests_of_a_bounded_number_of_keys_are_counted():
    injector = FaultInjector("seed", Faults(), capacity=2)
    for key in KEYS:
        injector.draw_fate(key)
    assert len(injector._requests) == 2


def test_an_outage_begins_and_ends_while_the_warehouse_runs():
    with running_warehouse() as (_, client):
        assert client.set_faults(unavailable=1).json()["unavailable"] == 1
        assert client.ask("ord_1-d1").status_code == 503
        assert client.set_faults().json()["unavailable"] == 0
        assert client.ask("ord_1-d1").status_code == 200


def test_a_change_of_the_faults_replaces_all_of_them():
    with running_warehouse(faults=Faults(lost=1, slow_seconds=9)) as (server, client):
        client.set_faults(declined=0.5)
        assert server.faults == Faults(declined=0.5)
        assert client.http.get("/faults").json() == Faults(declined=0.5).as_dict()


@pytest.mark.parametrize(
    "document",
    [[], 1, {"outage": 1}, {"lost": 1.1}, {"lost": -1}, {"lost": "1"}, {"lost": True}, {"slow_seconds": 1e9}],
)
def test_bad_faults_are_400_and_change_nothing(document):
    with running_warehouse(faults=Faults(declined=1)) as (server, client):
        assert_problem(client.http.put("/faults", json=document), 400)
        assert server.faults == Faults(declined=1)


@pytest.mark.parametrize("changes", [{"is_local": False}, {"headers": {"origin": "http://127.0.0.1:8090"}}])
def test_other_machines_and_web_pages_cannot_change_the_faults(changes):
    injector = FaultInjector("seed", Faults())
    routes = Routes(Ledger("seed", 1), injector, (), lambda: 0, lambda _: False)
    headers = {"content-type": "application/json", **changes.get("headers", {})}
    change = request("", "PUT", "/faults", **{**changes, "headers": headers, "body": b'{"lost":1}'})
    with pytest.raises(HttpError) as raised:
        routes.answer(change)
    assert raised.value.status == 403
    assert injector.faults == Faults()


def test_other_machines_see_no_address_in_the_ledger():
    ledger = Ledger("seed", 1)
    ledger.ask("ord_1-d1", [Item("1", "prod_456", 2)], {"reference": "#1001", "ship_to": {"line1": "1 Secret Lane"}})
    routes = Routes(ledger, FaultInjector("seed", Faults()), (), lambda: 0, lambda _: False)
    headers = {"host": "127.0.0.1:8090"}
    here, elsewhere = (
        routes.answer(request("", "GET", "/ledger", headers=headers, is_local=local)).body for local in (True, False)
    )
    assert b"Secret Lane" in here
    assert b"Secret Lane" not in elsewhere
    assert b"#1001" in elsewhere


def test_a_request_of_this_machine_is_local():
    with running_warehouse() as (_, client):
        assert client.set_faults(lost=0.5).status_code == 200


def test_a_full_ledger_is_answered_503():
    with running_warehouse(capacity=1) as (_, client):
        first = client.ask("ord_1-d1").json()
        for answer in (client.ask("ord_2-d1"), client.cancel("ord_2-d1")):
            assert_problem(answer, 503)
            assert answer.headers["retry-after"] == "1"
        assert client.ask("ord_1-d1").json() == first


def test_unsigned_requests_do_not_change_the_faults_of_a_key():
    faults = Faults(too_many=0.5)
    with running_warehouse(faults=faults) as (_, client):
        expected = [client.look("ord_1-d1").status_code for _ in range(10)]
    with running_warehouse(faults=faults) as (server, client), WarehouseClient(server.url, None) as stranger:
        answers = []
        for _ in range(10):
            stranger.look("ord_1-d1")
            answers.append(client.look("ord_1-d1").status_code)
    assert answers == expected
    assert set(expected) == {404, 429}
