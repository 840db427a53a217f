"""Requests that the simulated warehouse rejects, and the connections that they come on."""

import http.client
import json
import socket
import time

import pytest

from service.warehouses.server import WarehouseServer
from service.warehouses.server.http import MAX_BODY
from service.warehouses.signatures import sign
from tests.polling import PATIENCE
from tests.warehouses.warehouse_client import ITEMS, KEY, assert_problem

BAD_BODIES = {
    "no object": [],
    "no items": {},
    "items that are no list": {"items": {"line_id": "1"}},
    "an empty list": {"items": []},
    "a quantity of 0": {"items": [{**ITEMS[0], "quantity": 0}]},
    "half a quantity": {"items": [{**ITEMS[0], "quantity": 1.5}]},
    "a quantity that is true": {"items": [{**ITEMS[0], "quantity": True}]},
    "an empty line id": {"items": [{**ITEMS[0], "line_id": ""}]},
    "a product that is a number": {"items": [{**ITEMS[0], "product_id": 7}]},
    "an item that is no object": {"items": ["1"]},
    "one line twice": {"items": [*ITEMS, *ITEMS]},
    "another order id": {"items": ITEMS, "order_id": "ord_9-d9"},
}


@pytest.mark.parametrize("case", BAD_BODIES)
def test_a_body_that_is_no_order_is_400_and_has_no_effect(case, client, key):
    document = BAD_BODIES[case]
    body = {"order_id": key, **document} if isinstance(document, dict) else document
    assert_problem(client.send("POST", "/orders", body, {"Idempotency-Key": key}), 400)
    assert client.look(key).status_code == 404


@pytest.mark.parametrize("text", [b"", b"{", b'{"a":1,"a":2}', b'{"a":NaN}', b"\xff"])
def test_a_body_that_is_not_strict_json_is_400(text, client, key):
    headers = {"Content-Type": "application/json", "Idempotency-Key": key, **sign(KEY, "1", int(time.time()), text)}
    assert_problem(client.http.post("/orders", content=text, headers=headers), 400)


@pytest.mark.parametrize("header", ["", '""', '"a b"', "é".encode(), "a" * 256, '"a", "b"'])
def test_a_bad_idempotency_key_is_400(header, client, key):
    document = {"order_id": key, "items": ITEMS}
    assert_problem(client.send("POST", "/orders", document, {"Idempotency-Key": header} if header else {}), 400)


def test_another_media_type_is_415(client, key):
    headers = {"Content-Type": "text/plain", "Idempotency-Key": key}
    assert_problem(client.send("POST", "/orders", {"order_id": key, "items": ITEMS}, headers), 415)


@pytest.mark.parametrize(
    "path", ["/x", "/orders/", "/orders/a/b", "/orders/%00", "/orders/a%20b", "/ledger/x", "/orders/%ff"]
)
def test_an_unknown_path_is_404(path, client):
    assert_problem(client.send("GET", path), 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/orders", "POST"),
        ("DELETE", "/orders/a-d1", "GET, HEAD"),
        ("POST", "/orders/a-d1/cancel", "PUT"),
        ("PUT", "/ledger", "GET, HEAD"),
        ("POST", "/faults", "GET, HEAD, PUT"),
        ("OPTIONS", "/", "GET, HEAD"),
        ("PATCH", "/", "GET, HEAD"),
    ],
)
def test_another_method_is_405_and_names_the_allowed_ones(method, path, allowed, client):
    answer = client.send(method, path)
    assert_problem(answer, 405)
    assert answer.headers["allow"] == allowed


def test_a_body_beyond_the_limit_is_413_and_closes_the_connection(server):
    connection = http.client.HTTPConnection("127.0.0.1", int(server.url.rpartition(":")[2]), timeout=PATIENCE)
    connection.putrequest("POST", "/orders")
    connection.putheader("Content-Length", str(MAX_BODY + 1))
    connection.endheaders()
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("Connection")) == (413, "close")
    assert json.loads(answer.read())["status"] == 413
    connection.close()


def exchange(server: WarehouseServer, request: bytes) -> bytes:
    """Send bytes, and read until the server closes the connection."""
    with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=PATIENCE) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        (b"POST /orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
        (b"POST /orders HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"POST /orders HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
        (b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n", 501),
        (b"nonsense\r\n\r\n", 400),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
    ],
    ids=["chunked", "two lengths", "negative length", "unknown method", "no HTTP", "long line"],
)
def test_a_request_that_cannot_be_read_gets_a_problem_and_closes_the_connection(request_text, status, server):
    head, _, body = exchange(server, request_text).partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert json.loads(body)["status"] == status


def test_a_client_that_expects_100_continue_gets_it(server):
    request = b"PUT /faults HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n"
    with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=PATIENCE) as connection:
        connection.sendall(request + b"Content-Type: application/json\r\nConnection: close\r\n\r\n")
        assert connection.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"{}")
        assert connection.recv(12) == b"HTTP/1.1 200"


def test_requests_share_a_connection(server, key):
    connection = http.client.HTTPConnection("127.0.0.1", int(server.url.rpartition(":")[2]), timeout=PATIENCE)
    connection.connect()
    used = connection.sock
    for path in ("/ledger", "/x", f"/orders/{key}", "/"):
        connection.request("GET", path)
        connection.getresponse().read()
        assert connection.sock is used
    connection.close()


def test_a_head_request_gets_no_body(client):
    answer = client.http.head("/ledger")
    assert (answer.status_code, answer.content) == (200, b"")
    assert client.ledger()["counts"]


def test_no_answer_names_the_server_software(client):
    assert "server" not in client.http.get("/ledger").headers
