"""A warehouse that is silent, slow, wrong or gone: each request ends in time, and nothing false is believed."""

import gzip
import json
import logging
import socket
import time

import pytest

from service.orders.warehouse import Answer, State
from service.warehouses.http import WarehouseError
from service.warehouses.transport import MAX_BODY
from tests.warehouses.endpoint import Endpoint, break_off, hang, respond, trickle
from tests.warehouses.support import PRIVATE, order, state, warehouse

CALLS = {"ask": "POST", "look": "GET", "cancel": "PUT"}
GOOD = respond(200, state("cancelled"))
HEAD, _, BODY = GOOD.partition(b"\r\n\r\n")
DEADLINE = 0.3
FAR = 20 * DEADLINE
"""Far below the time of a request that has no deadline, and far above a slow machine's delay."""


def call_in_time(name: str, url: str, match: str) -> None:
    begin = time.monotonic()
    with pytest.raises(WarehouseError, match=match) as caught:
        getattr(warehouse(url), name)(order(), DEADLINE)
    assert time.monotonic() - begin < FAR
    assert str(caught.value).startswith(CALLS[name])


SLOW = {
    "never answers": hang(),
    "never ends its status line": trickle(b"HTTP/1.1 200 O"),
    "never ends its headers": trickle(b"HTTP/1.1 200 OK\r\nX-Header: a"),
    "sends headers for ever": trickle(b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 5000),
    "continues for ever": trickle(b"HTTP/1.1 100 Continue\r\n\r\n" * 500),
    "never begins its body": hang(HEAD + b"\r\n\r\n"),
    "never ends its body": trickle(b"HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n "),
    "never ends its chunks": trickle(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 500),
    "never ends the size of a chunk": trickle(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0"),
    "never closes a body without a length": trickle(b"HTTP/1.1 200 OK\r\n\r\n "),
}


@pytest.mark.parametrize("fault", SLOW)
def test_a_request_ends_at_its_deadline_when_the_endpoint(fault):
    with Endpoint(SLOW[fault]) as endpoint:
        call_in_time("ask", endpoint.url, r"no complete answer in 0\.3 s")
        assert len(endpoint.requests) == 1


@pytest.mark.parametrize("name", CALLS)
def test_each_kind_of_request_ends_at_its_deadline(name):
    with Endpoint(SLOW["never ends its headers"]) as endpoint:
        call_in_time(name, endpoint.url, r"no complete answer in 0\.3 s")


def test_an_endpoint_that_takes_no_request_does_not_hold_it():
    with socket.create_server(("127.0.0.1", 0)) as deaf:  # the kernel connects; nobody accepts
        call_in_time("ask", f"http://127.0.0.1:{deaf.getsockname()[1]}", r"no complete answer in 0\.3 s")


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    pieces = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + pieces + end


def lie(**members: object) -> bytes:
    return respond(200, {**state("cancelled", private=PRIVATE), **members})


private = json.dumps(PRIVATE).encode()
WRONG = {
    "closes without an answer": break_off(),
    "closes within the status line": break_off(b"HTTP/1.1 2"),
    "closes within the headers": break_off(HEAD[:30]),
    "closes within the body": break_off(GOOD[:-5]),
    "closes within a chunk": break_off(chunked(BODY, end=b"5\r\nab")),
    "closes between chunks": break_off(chunked(BODY, end=b"")),
    "closes within a body without a length": break_off(b"HTTP/1.1 200 OK\r\n\r\n" + BODY[:-1]),
    "is not HTTP": break_off(private + b"\r\n\r\n"),
    "speaks HTTP/0.9": break_off(BODY),
    "sends a status that is no number": break_off(b"HTTP/1.1 abc OK\r\n\r\n" + BODY),
    "sends a malformed header": break_off(HEAD + b"\r\n" + private + b"\r\n\r\n" + BODY),
    "sends two lengths": break_off(HEAD + b"\r\nContent-Length: 5\r\n\r\n" + BODY),
    "sends a length and chunks": break_off(HEAD + b"\r\n" + chunked(BODY).partition(b"\r\n")[2]),
    "sends a negative length": break_off(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n" + BODY),
    "sends a length that is no number": break_off(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n" + BODY),
    "sends a length that is too long": break_off(GOOD.replace(b"Length: ", b"Length: 9")),
    "sends a length that is too short": break_off(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n" + BODY),
    "sends an unknown transfer encoding": break_off(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: x\r\n\r\n" + BODY),
    "sends chunks that are none": break_off(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + BODY),
    "sends a chunk of a negative length": break_off(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n" + BODY
    ),
    "sends a gzip bomb": respond(200, gzip.compress(BODY + b" " * 10_000_000), Content_Encoding="gzip"),
    "sends an encoding that is none": respond(200, BODY, Content_Encoding="br"),
    "sends a huge body": respond(200, BODY + b" " * MAX_BODY),
    "sends a huge chunked body": chunked(BODY, *[b" " * 1024] * (MAX_BODY // 1024)),
    "sends an endless body": break_off(b"HTTP/1.1 200 OK\r\n\r\n" + BODY + b" " * 2 * MAX_BODY),
    "sends no body": respond(200),
    "sends no JSON": respond(200, b"<html>" + private),
    "sends other text after the JSON": respond(200, BODY + private),
    "sends bytes that are no text": respond(200, BODY.replace(b"cancelled", b"\xff")),
    "sends a list": respond(200, [state("cancelled", reason=PRIVATE)]),
    "sends nothing in JSON": respond(200, b"null"),
    "names a member twice": respond(200, BODY[:-1] + b', "status": "cancelled"}'),
    "sends a number that is none": respond(200, BODY[:-1] + b', "due_at": NaN}'),
    "nests too deep": respond(200, BODY[:-1] + b', "due_at": ' + b"[" * 5000 + b"]" * 5000 + b"}"),
    "answers about another order": lie(order_id=PRIVATE),
    "answers about another delivery": lie(order_id="ord_1-d2"),
    "names no order": lie(order_id=None),
    "names a state that it does not have": lie(status=PRIVATE),
    "names a state of this system": lie(status="not taken"),
    "names a state with other capitals": lie(status="Cancelled"),
    "names no state": lie(status=None),
    "names a list as the state": lie(status=["cancelled"]),
    "gives a reason that is no text": lie(reason={"text": PRIVATE}),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("fault", WRONG)
def test_the_outcome_is_unknown_and_nothing_is_quoted_when_the_endpoint(fault, name, caplog):
    caplog.set_level(logging.INFO)
    with Endpoint(WRONG[fault]) as endpoint, pytest.raises(WarehouseError) as caught:
        getattr(warehouse(endpoint.url), name)(order(), 30)
    assert str(caught.value).startswith(f"{CALLS[name]}: ")
    assert len(endpoint.requests) == 1, "a request must not be sent twice"
    assert "Acacia" not in str(caught.value) + caplog.text
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_an_answer_of_the_greatest_size_is_read():
    with Endpoint(respond(200, BODY + b" " * (MAX_BODY - len(BODY)))) as endpoint:
        assert warehouse(endpoint.url).look(order(), 30) == Answer(State.CANCELLED)


def test_a_chunk_of_length_minus_one_is_not_read_until_the_connection_ends():
    endless = hang(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n" + BODY)
    with Endpoint(endless) as endpoint, pytest.raises(WarehouseError, match="UnclearAnswer"):
        warehouse(endpoint.url).look(order(), 5)


@pytest.mark.parametrize(
    "answer", [chunked(BODY), chunked(BODY[:9], BODY[9:]), break_off(b"HTTP/1.1 200 OK\r\n\r\n" + BODY)]
)
def test_an_answer_in_chunks_or_without_a_length_is_read(answer):
    with Endpoint(answer) as endpoint:
        assert warehouse(endpoint.url).look(order(), 30) == Answer(State.CANCELLED)


def test_a_reason_is_one_short_line_of_visible_characters():
    reason = "out\u0000 of\r\n\tstock\u202e\u200b – é\x1b[31m" + "x" * 300
    with Endpoint(respond(200, state("declined", reason=reason))) as endpoint:
        answer = warehouse(endpoint.url).ask(order(), 30)
    assert answer.reason.startswith("out of stock – é [31mxxx")
    assert len(answer.reason) == 200
    assert answer.reason.isprintable()


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.mark.parametrize("call", ["ask", "look"])
def test_a_refused_connection_is_not_taken(call):
    answer = getattr(warehouse(f"http://127.0.0.1:{closed_port()}"), call)(order(), 30)
    assert answer == Answer(State.NOT_TAKEN, "the connection was refused")


@pytest.mark.parametrize("host", ["no-such-host.invalid", f"{'a' * 64}.invalid"])
def test_a_host_without_an_address_is_not_taken(host, monkeypatch):
    def fail(name: str, *_: object, **__: object) -> None:
        name.encode("idna")
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    assert warehouse(f"http://{host}").ask(order(), 30) == Answer(State.NOT_TAKEN, "the host name was not resolved")


def test_a_cancellation_that_was_not_sent_is_an_error():
    with pytest.raises(WarehouseError, match="PUT: not sent: the connection was refused"):
        warehouse(f"http://127.0.0.1:{closed_port()}").cancel(order(), 30)


@pytest.mark.parametrize("seconds", [0, -5.0])
def test_without_time_nothing_is_sent(seconds):
    with Endpoint(GOOD) as endpoint:
        assert warehouse(endpoint.url).ask(order(), seconds) == Answer(State.NOT_TAKEN, "no time was left")
    assert endpoint.connections == 0


def test_a_connection_that_the_server_closed_while_it_was_idle_is_opened_again():
    with Endpoint(break_off(GOOD), GOOD) as endpoint:
        one = warehouse(endpoint.url)
        one.look(order(), 30)
        assert endpoint.closed.wait(30)
        assert one.ask(order(), 30) == Answer(State.CANCELLED)
    assert [each.connection for each in endpoint.requests] == [1, 2]


def test_a_request_on_a_used_connection_that_breaks_is_unknown_and_not_repeated():
    with Endpoint(GOOD, break_off(), GOOD) as endpoint:
        one = warehouse(endpoint.url)
        one.look(order(), 30)
        with pytest.raises(WarehouseError, match="POST: no complete answer: RemoteDisconnected"):
            one.ask(order(), 30)
        assert [each.connection for each in endpoint.requests] == [1, 1]
        assert one.ask(order(), 30) == Answer(State.CANCELLED)  # on a new connection


def test_a_late_answer_is_not_taken_for_the_answer_to_the_next_request():
    early = respond(500, b"") + respond(200, state("shipped"))
    with Endpoint(early, GOOD) as endpoint:
        one = warehouse(endpoint.url)
        with pytest.raises(WarehouseError, match="HTTP 500"):
            one.ask(order(), 30)
        assert one.look(order(), 30) == Answer(State.CANCELLED)
    assert [each.connection for each in endpoint.requests] == [1, 2]
