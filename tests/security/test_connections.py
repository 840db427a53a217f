"""Attacks on the connection of a real uvicorn, and requests that parsers read differently."""

import json
import re
import socket
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx
import pytest

from service.api import body
from service.orders.strict_json import MAX_SIZE
from tests.api.client import Api
from tests.embedded.support import served
from tests.polling import PATIENCE
from tests.support import valid_order

POST = b"POST /order HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
MANY = 1000  # more pieces than any client has to send


@pytest.fixture(scope="module")
def server():
    api = Api(cloud="embedded")
    with served(api.app) as base:
        yield api, base


@contextmanager
def connection(base):
    where = urlsplit(base)
    with socket.create_connection((where.hostname, where.port), timeout=PATIENCE) as wire:
        yield wire


def answer_of(base, *sent):
    """Read until the server closes the connection."""
    with connection(base) as wire:
        for part in sent:
            wire.sendall(part)
        return rest_of(wire)


def rest_of(wire):
    received = b""
    while part := wire.recv(65_536):
        received += part
    return received


def status(answer):
    assert answer.startswith(b"HTTP/1.1 "), answer
    return int(answer.split()[1])


def test_an_incomplete_body_blocks_no_one_and_is_disconnected(server, monkeypatch):
    api, base = server
    monkeypatch.setattr(body, "BODY_TIMEOUT", 0.3)
    with connection(base) as wire:
        wire.sendall(POST + b"Content-Length: 20\r\n\r\n{")
        assert httpx.get(f"{base}/health", timeout=PATIENCE).status_code == 200
        answer = rest_of(wire)
    assert status(answer) == 408
    assert b"urn:dofs:problem:body-too-slow" in answer
    assert api.stored == {}


def test_an_oversized_chunked_body_is_refused(server):
    _, base = server
    chunks = (b'"' + b"x" * (MAX_SIZE // 8) for _ in range(8))
    answer = httpx.post(f"{base}/order", content=chunks, headers={"Content-Type": "application/json"}, timeout=PATIENCE)
    assert answer.status_code == 413


def test_the_body_timeout_covers_the_whole_body(server, monkeypatch):
    _, base = server
    monkeypatch.setattr(body, "BODY_TIMEOUT", 0.3)
    with connection(base) as wire:
        wire.sendall(POST + b"Content-Length: 60000\r\n\r\n")
        wire.settimeout(0.02)
        for _ in range(MANY):
            try:
                answer = wire.recv(65_536)
            except TimeoutError:
                wire.sendall(b" ")
            else:
                break
    assert status(answer) == 408


@pytest.mark.parametrize(
    "lengths",
    [
        b"Content-Length: 2\r\nContent-Length: 40\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: +2\r\n",
        b"Content-Length : 2\r\n",
        b"Transfer-Encoding: xchunked\r\n",
    ],
)
def test_a_body_whose_end_can_be_read_in_two_ways_is_refused_and_the_connection_closed(lengths, server):
    api, base = server
    smuggled = b"{}POST /orders/ord_1/cancel HTTP/1.1\r\nHost: localhost\r\n\r\n"
    answer = answer_of(base, POST + lengths + b"\r\n" + smuggled)
    assert status(answer) == 400
    assert answer.count(b"HTTP/1.1 ") == 1
    assert api.stored == {}


def test_a_foreign_host_is_refused_on_a_real_connection(server):
    _, base = server
    head = b"GET /health HTTP/1.1\r\nConnection: close\r\n"
    assert status(answer_of(base, head + b"Host: evil.example\r\n\r\n")) == 421
    assert status(answer_of(base, head + b"Host: localhost\r\nHost: evil.example\r\n\r\n")) == 400


def test_a_name_beside_the_host_header_is_in_no_answer(server):
    _, base = server
    answer = answer_of(base, b"GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert b"evil" not in answer


def test_no_response_names_the_server_software(server):
    _, base = server
    for path in ("/health", "/nowhere"):
        assert httpx.get(f"{base}{path}", timeout=PATIENCE).headers["server"] == "uvicorn"
    assert not re.search(rb"[0-9]+\.[0-9]+\.[0-9]+", answer_of(base, b"\r\nnonsense\r\n\r\n"))


def test_a_head_that_is_too_large_is_refused(server):
    _, base = server
    answer = answer_of(base, b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 70_000)
    assert status(answer) == 400


H2C = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABk\r\n"
BODY = json.dumps(valid_order()).encode()
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
SIZED = b"Content-Length: %d\r\n\r\n%s" % (len(BODY), BODY)


@pytest.mark.parametrize("body", [CHUNKED, SIZED])
@pytest.mark.parametrize("headers", [b"Connection: close\r\n", H2C, b"Expect: 100-continue\r\nConnection: close\r\n"])
def test_an_order_is_received_however_its_body_is_sent(headers, body, server):
    """Java's HttpClient offers HTTP/2 with each first request; httptools loses the body of such a request."""
    api, base = server
    before = len(api.stored)
    with connection(base) as wire:
        wire.sendall(POST + headers + body)
        answer = b""
        while b'"order_id"' not in answer:
            answer += wire.recv(65_536)
    assert b"HTTP/1.1 202 " in answer
    assert len(api.stored) == before + 1


@pytest.mark.parametrize("target", [b"/health", b"http://localhost/health", b"http://127.0.0.1:8000/health/"])
@pytest.mark.parametrize("head", [b"HTTP/1.1\r\nHost: localhost\r\nConnection: close", b"HTTP/1.0"])
@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
def test_get_and_head_in_every_form_of_a_request_line(method, head, target, server, caplog):
    _, base = server
    answer = answer_of(base, method + b" " + target + b" " + head + b"\r\n\r\n")
    assert status(answer) == 200
    assert answer.endswith(b"\r\n\r\n") == (method == b"HEAD")
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_the_host_of_a_whole_url_counts_and_not_the_header(server):
    _, base = server
    answer = answer_of(base, b"GET http://evil.example/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert status(answer) == 421
