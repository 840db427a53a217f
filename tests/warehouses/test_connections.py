"""Connections: TLS with the system's authorities, and one deadline for resolving, connecting and sending."""

import socket
import ssl
import threading
import time
from contextlib import suppress

import pytest

from service.orders.warehouse import Answer, State
from service.warehouses import sockets
from service.warehouses.http import WarehouseError
from tests.warehouses.certificates import new_server_context
from tests.warehouses.endpoint import Endpoint, respond, trickle
from tests.warehouses.support import order, state, warehouse

SHIPPED = respond(200, state("shipped"))
DEADLINE = 0.3
FAR = 20 * DEADLINE


@pytest.fixture
def tls(tmp_path, monkeypatch) -> ssl.SSLContext:
    """The context of a server that the system trusts."""
    context, authority = new_server_context(tmp_path, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))  # OpenSSL's name for the system's authorities
    return context


def test_a_server_that_the_system_trusts_is_asked_over_tls(tls):
    with Endpoint(SHIPPED, tls=tls) as endpoint:
        one = warehouse(endpoint.url)
        assert one.ask(order(), 30) == Answer(State.SHIPPED)
        assert one.look(order(), 30) == Answer(State.SHIPPED)
    assert len(endpoint.requests) == 2


def test_a_server_that_the_system_does_not_trust_gets_no_request(tls, tmp_path, monkeypatch):
    (tmp_path / "other").mkdir()
    _, other_authority = new_server_context(tmp_path / "other", "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(other_authority))
    with Endpoint(SHIPPED, tls=tls) as endpoint:
        answer = warehouse(endpoint.url).ask(order(), 30)
    assert answer.state is State.NOT_TAKEN
    assert answer.reason.startswith("the certificate is not valid: ")
    assert endpoint.requests == []


def test_a_server_with_the_certificate_of_another_host_gets_no_request(tmp_path, monkeypatch):
    context, authority = new_server_context(tmp_path, "127.0.0.2")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    with Endpoint(SHIPPED, tls=context) as endpoint:
        answer = warehouse(endpoint.url).ask(order(), 30)
    assert answer.state is State.NOT_TAKEN
    assert "certificate is not valid for '127.0.0.1'" in answer.reason
    assert endpoint.requests == []


def test_a_server_without_tls_gets_no_request():
    with Endpoint(SHIPPED) as endpoint:
        assert warehouse(endpoint.url.replace("http:", "https:")).ask(order(), 1).state is State.NOT_TAKEN
    assert not any("orders" in request.line for request in endpoint.requests)


def test_a_handshake_that_does_not_end_is_not_taken():
    begin = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as deaf:  # the kernel connects; nobody accepts
        answer = warehouse(f"https://127.0.0.1:{deaf.getsockname()[1]}").ask(order(), DEADLINE)
    assert answer == Answer(State.NOT_TAKEN, "no connection in time")
    assert time.monotonic() - begin < FAR


def test_a_slow_answer_over_tls_ends_at_the_deadline(tls):
    begin = time.monotonic()
    with Endpoint(trickle(b"HTTP/1.1 200 OK\r\nX-Header: a"), tls=tls) as endpoint:
        with pytest.raises(WarehouseError, match=r"no complete answer in 1\.0 s"):
            warehouse(endpoint.url).ask(order(), 1)
        assert time.monotonic() - begin < 20
    assert len(endpoint.requests) == 1


def test_a_reader_that_takes_a_little_at_a_time_does_not_hold_the_sender(tls):
    stop = threading.Event()

    def serve() -> None:
        connection, _ = server.accept()
        with suppress(OSError), tls.wrap_socket(connection, server_side=True) as stream:
            while not stop.wait(0.02) and stream.recv(16_384):
                pass

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            begin = time.monotonic()
            with sockets.limit_time(1):
                stream = sockets.connect("127.0.0.1", server.getsockname()[1], sockets.new_tls_context())
                with stream, pytest.raises(TimeoutError):
                    stream.sendall(bytes(100_000_000))
            assert time.monotonic() - begin < 20
        finally:
            stop.set()
            thread.join()


def test_a_resolver_that_hangs_is_not_taken_and_is_left_behind(monkeypatch):
    stop = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: stop.wait(60) and [])
    begin = time.monotonic()
    answer = warehouse("http://warehouse.test").ask(order(), DEADLINE)
    assert answer == Answer(State.NOT_TAKEN, "the host name was not resolved")
    assert time.monotonic() - begin < FAR
    stop.set()


def resolve_to(monkeypatch, *addresses: tuple[str, int]) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", address) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)


def test_an_address_that_does_not_answer_leaves_time_for_the_next(monkeypatch):
    given = []

    def connect(self, address) -> None:
        given.append(self.gettimeout())
        if address[0] == "192.0.2.1":
            raise TimeoutError
        socket.socket.connect(self, address)

    monkeypatch.setattr(sockets.DeadlineSocket, "connect", connect, raising=False)
    with Endpoint(SHIPPED) as endpoint:
        resolve_to(monkeypatch, ("192.0.2.1", 80), ("127.0.0.1", endpoint.port))
        assert warehouse("http://warehouse.test").ask(order(), 60) == Answer(State.SHIPPED)
    assert 0 < given[0] <= 30
    assert 30 < given[1] <= 60


def test_a_host_of_which_no_address_answers_is_not_taken(monkeypatch):
    def connect(self, address) -> None:
        raise TimeoutError

    monkeypatch.setattr(sockets.DeadlineSocket, "connect", connect, raising=False)
    resolve_to(monkeypatch, ("192.0.2.1", 80), ("192.0.2.2", 80))
    assert warehouse("http://warehouse.test").ask(order(), 60) == Answer(State.NOT_TAKEN, "no connection in time")


def test_no_proxy_of_the_environment_is_used(monkeypatch):
    with Endpoint(SHIPPED) as proxy, Endpoint(SHIPPED) as endpoint:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert warehouse(endpoint.url).ask(order(), 30) == Answer(State.SHIPPED)
    assert proxy.connections == 0
