"""Attacks on the connection of a real uvicorn, with each of its parsers: the image's and that of `make run`."""

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

POST = b"POST /order HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
MANY = 1000  # more pieces than any client has to send


@pytest.fixture(scope="module", params=["h11", "httptools"])
def server(request):
    api = Api(cloud="embedded")
    with served(api.app, http=request.param) as base:  # which closes at once, not after an idle time of 75 s
        yield api, base, request.param


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
    api, base, _ = server
    monkeypatch.setattr(body, "BODY_TIMEOUT", 0.3)
    with connection(base) as wire:
        wire.sendall(POST + b"Content-Length: 20\r\n\r\n{")
        assert httpx.get(f"{base}/health", timeout=PATIENCE).status_code == 200
        answer = rest_of(wire)
    assert status(answer) == 408
    assert b"urn:dofs:problem:body-too-slow" in answer
    assert api.stored == {}


def test_an_oversized_chunked_body_is_refused(server):
    _, base, _ = server
    chunks = (b'"' + b"x" * (MAX_SIZE // 8) for _ in range(8))
    answer = httpx.post(f"{base}/order", content=chunks, headers={"Content-Type": "application/json"}, timeout=PATIENCE)
    assert answer.status_code == 413


def test_the_body_timeout_covers_the_whole_body(server, monkeypatch):
    _, base, _ = server
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
    api, base, _ = server
    smuggled = b"{}POST /orders/ord_1/cancel HTTP/1.1\r\nHost: localhost\r\n\r\n"
    answer = answer_of(base, POST + lengths + b"\r\n" + smuggled)
    assert status(answer) == 400
    assert answer.count(b"HTTP/1.1 ") == 1
    assert api.stored == {}


def test_a_foreign_host_is_refused_on_a_real_connection(server):
    _, base, parser = server
    head = b"GET /health HTTP/1.1\r\nConnection: close\r\n"
    assert status(answer_of(base, head + b"Host: evil.example\r\n\r\n")) == 421
    two = answer_of(base, head + b"Host: localhost\r\nHost: evil.example\r\n\r\n")
    assert status(two) == (400 if parser == "h11" else 421)


def test_a_name_beside_the_host_header_is_in_no_answer(server):
    _, base, _ = server
    answer = answer_of(base, b"GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert b"evil" not in answer


def test_no_response_names_the_server_software(server):
    _, base, _ = server
    for path in ("/health", "/nowhere"):
        assert httpx.get(f"{base}{path}", timeout=PATIENCE).headers["server"] == "uvicorn"
    assert not re.search(rb"[0-9]+\.[0-9]+\.[0-9]+", answer_of(base, b"\r\nnonsense\r\n\r\n"))


def test_a_head_that_is_too_large_is_refused_by_the_parser_of_the_image(server):
    _, base, parser = server
    if parser == "h11":  # the other parser has no limit: see SECURITY.md
        answer = answer_of(base, b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 70_000)
        assert status(answer) == 400
