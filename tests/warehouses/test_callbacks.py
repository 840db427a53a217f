"""The simulated warehouse sends a signed callback for each event of its ledger."""

import json
import socket
import threading
import time

import pytest

from service.warehouses.picking import Picking
from service.warehouses.server import Faults, Ledger, WarehouseServer
from service.warehouses.server.callbacks import MAX_PAUSE, TRIES, pause_after
from service.warehouses.signatures import verify
from tests.polling import eventually
from tests.warehouses.certificates import new_server_context
from tests.warehouses.clock import Clock
from tests.warehouses.endpoint import LONG, Endpoint, Request, break_off, hang, respond
from tests.warehouses.receiver import ITEMS, TAKEN, bodies, settled, url_of
from tests.warehouses.warehouse_client import KEY, running_warehouse


def is_sending() -> bool:
    return "warehouse-callbacks" in [thread.name for thread in threading.enumerate()]


def test_a_delivery_that_is_shipped_at_once_has_a_callback_for_each_parcel():
    with (
        Endpoint(TAKEN) as endpoint,
        running_warehouse(picking=Picking(parcels=2), callback_url=url_of(endpoint)) as (_, client),
    ):
        state = client.ask("ord_1-d1", ITEMS).json()
        settled(client)
    assert [(body["type"], body["shipment"]) for body in bodies(endpoint)] == [
        ("shipped", shipment) for shipment in state["shipments"]
    ]


def test_a_callback_is_a_signed_request_of_the_contract():
    with (
        Endpoint(TAKEN) as endpoint,
        running_warehouse(faults=Faults(refused=1), callback_url=url_of(endpoint)) as (_, client),
    ):
        reason = client.ask("ord_1-d1", ITEMS).json()["reason"]
        settled(client)
    [request] = endpoint.requests
    body = json.loads(request.body)
    assert request.line == "POST /warehouse/events HTTP/1.1"
    assert request.headers["content-type"] == "application/json"
    verify([KEY], request.headers, request.body, time.time())
    assert request.headers["webhook-id"] == body["id"]
    assert body["id"].startswith("evt_")
    assert {name: body[name] for name in ("type", "order_id", "reason")} == {
        "type": "refused",
        "order_id": "ord_1-d1",
        "reason": reason,
    }
    assert set(body) == {"id", "type", "order_id", "occurred_at", "reason"}


def test_a_receiver_with_a_trusted_certificate_gets_callbacks_over_tls(tmp_path, monkeypatch):
    context, trusted = new_server_context(tmp_path, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with (
        Endpoint(TAKEN, tls=context) as endpoint,
        running_warehouse(callback_url=f"{url_of(endpoint)}?stage=test") as (_, client),
    ):
        client.ask("ord_1-d1", ITEMS)
        assert settled(client)["sent"] == 1
    [request] = endpoint.requests
    assert request.line == "POST /warehouse/events?stage=test HTTP/1.1"
    assert request.headers["host"] == f"127.0.0.1:{endpoint.port}"


def test_the_events_of_an_accepted_delivery_arrive_in_their_order():
    clock = Clock()
    picking = Picking(accepted=1, parcels=2, seconds=10)
    with (
        Endpoint(TAKEN) as endpoint,
        running_warehouse(picking=picking, clock=clock, callback_url=url_of(endpoint)) as (_, client),
    ):
        client.ask("ord_1-d1", ITEMS)
        clock.move(10)
        client.look("ord_1-d1")
        client.cancel("ord_1-d1")
        callbacks = settled(client)
    assert [(body["type"], body["occurred_at"]) for body in bodies(endpoint)] == [
        ("accepted", "2026-01-31T09:30:00.000Z"),
        ("shipped", "2026-01-31T09:30:10.000Z"),
        ("cancelled", "2026-01-31T09:30:10.000Z"),
    ]
    assert [each["type"] for each in callbacks["latest"]] == ["cancelled", "shipped", "accepted"]
    assert {(each["key"], each["outcome"], each["answer"], each["tries"]) for each in callbacks["latest"]} == {
        ("ord_1-d1", "sent", "HTTP 200", 1)
    }


@pytest.mark.parametrize(
    ("answer", "tried"),
    [
        (respond(409, Retry_After="0"), "HTTP 409"),
        (respond(429), "HTTP 429"),
        (respond(503), "HTTP 503"),
        (respond(500), "HTTP 500"),
        (break_off(), "no answer"),
        (break_off(b"nothing of HTTP"), "no answer"),
    ],
    ids=["409", "429", "503", "500", "broken", "garbage"],
)
def test_a_callback_that_was_not_taken_is_sent_again_with_the_same_id(answer, tried):
    with Endpoint(answer, respond(204)) as endpoint, running_warehouse(callback_url=url_of(endpoint)) as (_, client):
        client.ask("ord_1-d1", ITEMS)
        callbacks = settled(client)
    first, second = endpoint.requests
    assert (first.body, first.headers["webhook-id"]) == (second.body, second.headers["webhook-id"])
    assert (callbacks["sent"], callbacks["given_up"]) == (1, 0)
    assert [(each["answer"], each["tries"]) for each in callbacks["latest"]] == [("HTTP 204", 2)]


@pytest.mark.parametrize("status", [301, 400, 401, 404, 410])
def test_a_callback_that_the_receiver_rejects_is_given_up_and_only_the_status_is_logged(status, caplog):
    with (
        Endpoint(respond(status, b"private", Location="/elsewhere")) as endpoint,
        running_warehouse(callback_url=url_of(endpoint)) as (_, client),
    ):
        client.ask("ord_1-d1", ITEMS)
        callbacks = settled(client)
    assert len(endpoint.requests) == 1
    assert (callbacks["sent"], callbacks["given_up"]) == (0, 1)
    [result] = callbacks["latest"]
    assert (result["outcome"], result["answer"], result["tries"]) == ("given_up", f"HTTP {status}", 1)
    assert [record.getMessage() for record in caplog.records] == [f"a callback was given up: HTTP {status}"]


def test_a_callback_is_given_up_after_its_last_try(monkeypatch):
    monkeypatch.setattr("service.warehouses.server.callbacks.FIRST_PAUSE", 0.0)
    with (
        Endpoint(respond(503)) as endpoint,
        running_warehouse(callback_url=url_of(endpoint)) as (_, client),
    ):
        client.ask("ord_1-d1", ITEMS)
        callbacks = settled(client)
    assert len(endpoint.requests) == TRIES
    assert [(each["outcome"], each["tries"]) for each in callbacks["latest"]] == [("given_up", TRIES)]


def test_pauses_grow_up_to_a_limit_and_are_never_shorter_than_retry_after():
    assert [pause_after(tries, None) for tries in (1, 2, 3)] == [0.5, 1, 2]
    assert pause_after(TRIES, None) == MAX_PAUSE
    assert pause_after(1, 120) == 120
    assert pause_after(TRIES, 1) == MAX_PAUSE


def test_retry_after_delays_the_next_try_and_no_other_callback(monkeypatch):
    monkeypatch.setattr("service.warehouses.server.callbacks.FIRST_PAUSE", 0.0)

    def answer(request: Request) -> bytes:
        return respond(409, Retry_After="3600") if b"ord_1-d1" in request.body else TAKEN

    with Endpoint(TAKEN) as endpoint, running_warehouse(callback_url=url_of(endpoint)) as (_, client):
        endpoint.answer = answer
        client.ask("ord_1-d1", ITEMS)
        client.ask("ord_2-d1", ITEMS)
        callbacks = eventually(lambda: client.ledger()["callbacks"], lambda callbacks: callbacks["sent"])
        assert callbacks["pending"] == 1
    assert [body["order_id"] for body in bodies(endpoint)] == ["ord_1-d1", "ord_2-d1"]


def test_a_receiver_that_hangs_delays_no_answer_and_stop_ends_the_try(monkeypatch):
    monkeypatch.setattr("service.warehouses.server.callbacks.SECONDS", 3600.0)
    with Endpoint(hang()) as endpoint, running_warehouse(callback_url=url_of(endpoint)) as (server, client):
        assert client.ask("ord_1-d1", ITEMS).status_code == 200
        eventually(lambda: endpoint.requests)
        assert client.ask("ord_2-d1", ITEMS).status_code == 200
        assert client.ledger()["callbacks"]["pending"] == 2
        begin = time.monotonic()
        server.stop()
        eventually(lambda: not is_sending())
        assert time.monotonic() - begin < LONG / 2
        assert len(endpoint.requests) == 1


def test_a_receiver_that_does_not_listen_delays_no_answer():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with running_warehouse(callback_url=f"http://127.0.0.1:{port}") as (_, client):
        assert client.ask("ord_1-d1", ITEMS).status_code == 200
        assert client.ledger()["callbacks"]["pending"] == 1


def test_stop_ends_the_wait_for_a_callback_that_is_due_later():
    with (
        Endpoint(TAKEN) as endpoint,
        running_warehouse(faults=Faults(callback_delay=3600), callback_url=url_of(endpoint)) as (server, client),
    ):
        client.ask("ord_1-d1", ITEMS)
        assert client.ledger()["callbacks"]["pending"] == 1
        server.stop()
        eventually(lambda: not is_sending())
    assert endpoint.requests == []


def test_a_server_with_callbacks_that_was_not_started_can_be_stopped():
    WarehouseServer(Ledger("seed", 1), [KEY], callback_url="http://127.0.0.1:1").stop()


def test_the_page_shows_callbacks_only_if_there_is_a_receiver():
    with Endpoint(respond(404)) as endpoint, running_warehouse(callback_url=url_of(endpoint)) as (_, client):
        client.ask("ord_1-d1", ITEMS)
        settled(client)
        page = client.http.get("/").text
    assert "<dt>given up</dt><dd>1</dd>" in page
    assert "<td>ord_1-d1</td><td>shipped</td><td>given up</td><td>HTTP 404</td><td>1</td>" in page
    with running_warehouse() as (_, client):
        assert "Callbacks" not in client.http.get("/").text
        assert client.ledger()["callbacks"] is None


def test_the_ledger_lists_the_latest_callbacks_up_to_its_limit():
    with Endpoint(TAKEN) as endpoint, running_warehouse(callback_url=url_of(endpoint)) as (_, client):
        for number in range(5):
            client.ask(f"ord_{number}-d1", ITEMS)
        settled(client)
        callbacks = client.ledger("/ledger?limit=2")["callbacks"]
    assert [each["key"] for each in callbacks["latest"]] == ["ord_4-d1", "ord_3-d1"]
    assert callbacks["sent"] == 5
