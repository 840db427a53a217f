"""LocalStack's start script: each container runs one invocation at a time, and errors look as on Lambda."""

import importlib.util
import json
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.polling import PATIENCE

SCRIPT = Path(__file__).parents[2] / "localstack" / "start.d" / "lambda_replicas.py"
NETWORK = f"127.{os.getpid() >> 8 & 255}.{os.getpid() & 255}"
"""The loopback addresses of this process: another run of these tests beside it has other ones."""


class Throttled(Exception):
    def __init__(self, message: str, **_: str) -> None:
        super().__init__(message)


@dataclass
class Result:
    request_id: str
    payload: bytes
    is_error: bool
    logs: str


class RuntimeExecutor:
    def __init__(self, executor_id: str, function_version: Any) -> None:
        self.id, self.function_version = executor_id, function_version


@pytest.fixture
def port() -> int:
    """The port of all containers."""
    with socket.create_server((f"{NETWORK}.1", 0)) as free:
        return free.getsockname()[1]


@pytest.fixture
def localstack(monkeypatch, port):
    """The parts of LocalStack that the script uses."""
    executors = ModuleType("runtime_executor")
    executors.RuntimeExecutor, executors.EXECUTOR_PLUGIN_MANAGER = RuntimeExecutor, None
    modules = {
        "localstack.aws.api.lambda_": {"TooManyRequestsException": Throttled},
        "localstack.services.lambda_.invocation": {"runtime_executor": executors},
        "localstack.services.lambda_.invocation.lambda_models": {"InvocationResult": Result},
    }
    for name, members in modules.items():
        module = ModuleType(name)
        vars(module).update(members)
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setenv("LAMBDA_REPLICAS_URL", f"http://lambda:{port}")
    return executors


@pytest.fixture
def script(localstack, monkeypatch):
    """The script, loaded as LocalStack loads it. The service name resolves to ``script.addresses``."""
    spec = importlib.util.spec_from_file_location("lambda_replicas", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.waits, module.looks_up = module.LEASE_TIMEOUT, module.Replicas.__dict__["_look_up"].__func__
    monkeypatch.setattr(module, "LOOKUP_INTERVAL", 0.05)
    monkeypatch.setattr(module, "LEASE_TIMEOUT", PATIENCE)
    monkeypatch.setattr(module, "TIMEOUT_MARGIN", 0.3)
    module.addresses = []
    monkeypatch.setattr(module.Replicas, "_look_up", staticmethod(lambda: list(module.addresses)))
    return module


Answer = Callable[[BaseHTTPRequestHandler, bytes], None]


@pytest.fixture
def containers(script, port) -> Iterator[Callable[[Answer], str]]:
    """Starts fake containers with given responses, each at its own address."""
    servers: list[ThreadingHTTPServer] = []

    def start(answer: Answer) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                answer(self, self.rfile.read(int(self.headers["Content-Length"])))

            def log_message(self, *_: Any) -> None: ...

        address = f"{NETWORK}.{len(servers) + 2}"
        server = ThreadingHTTPServer((address, port), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        script.addresses.append(address)
        return address

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def respond(body: bytes) -> Answer:
    def answer(request: BaseHTTPRequestHandler, _event: bytes) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return answer


def hang_up(request: BaseHTTPRequestHandler, _event: bytes) -> None:
    request.connection.shutdown(socket.SHUT_RDWR)


def break_off(request: BaseHTTPRequestHandler, _event: bytes) -> None:
    request.send_response(200)
    request.send_header("Content-Length", "100")
    request.end_headers()
    request.wfile.write(b"half")
    request.close_connection = True


def after(seconds: float, answer: Answer) -> Answer:
    def slowly(request: BaseHTTPRequestHandler, event: bytes) -> None:
        threading.Event().wait(seconds)
        answer(request, event)

    return slowly


def invoke(script, localstack, payload: str = "{}", timeout: float = PATIENCE) -> Result:
    executor = localstack.EXECUTOR_PLUGIN_MANAGER.load("docker").load()
    version = SimpleNamespace(config=SimpleNamespace(timeout=timeout))
    return executor("id", version).invoke({"invoke-id": "r-1", "payload": payload})


def test_the_script_replaces_every_executor(script, localstack):
    assert localstack.EXECUTOR_PLUGIN_MANAGER.exists("anything")
    assert issubclass(localstack.EXECUTOR_PLUGIN_MANAGER.load("anything").load(), RuntimeExecutor)


def test_an_invocation_passes_the_event_and_returns_the_response(script, localstack, containers):
    seen: list[bytes] = []

    def answer(request: BaseHTTPRequestHandler, event: bytes) -> None:
        seen.append(event)
        assert request.path == "/2015-03-31/functions/function/invocations"
        respond(b'{"order_id": "ord_1"}')(request, event)

    containers(answer)
    result = invoke(script, localstack, '{"dofs": "\u20ac"}')
    assert seen == ['{"dofs": "\u20ac"}'.encode()]
    assert (result.request_id, result.payload, result.is_error) == ("r-1", b'{"order_id": "ord_1"}', False)
    assert "docker compose logs lambda" in result.logs


@pytest.mark.parametrize("body", [b"null", b"[]", b'"errorType"', b'{"errorType": "alone"}', b'{"errors": 0}'])
def test_a_response_like_an_error_is_not_an_error(body, script, localstack, containers):
    containers(respond(body))
    assert not invoke(script, localstack).is_error


def test_an_exception_of_the_function_is_returned_unchanged(script, localstack, containers):
    body = b'{"errorMessage": "no", "errorType": "OrderInvalid", "stackTrace": []}'
    containers(respond(body))
    result = invoke(script, localstack)
    assert (result.payload, result.is_error) == (body, True)


def test_a_timeout_text_of_the_emulator_is_a_timeout(script, localstack, containers):
    containers(respond(b"Task timed out after 6.00 seconds"))
    result = invoke(script, localstack)
    assert result.is_error
    assert json.loads(result.payload) == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": "Task timed out after 6.00 seconds",
    }


def test_a_container_without_a_response_is_a_timeout(script, localstack, containers):
    over = threading.Event()
    containers(lambda request, event: over.wait(PATIENCE) and None)
    result = invoke(script, localstack, timeout=0)
    over.set()
    assert result.is_error
    assert json.loads(result.payload)["errorType"] == "Sandbox.Timedout"


def test_the_timeout_of_the_function_has_a_margin(script, localstack, containers, monkeypatch):
    monkeypatch.setattr(script, "TIMEOUT_MARGIN", 0.1)
    containers(after(0.4, respond(b"1")))
    assert invoke(script, localstack).payload == b"1"


def test_a_timed_out_container_gets_no_further_event(script, localstack, containers):
    over, hung = threading.Event(), []

    def hang(request: BaseHTTPRequestHandler, event: bytes) -> None:
        hung.append(event)
        over.wait(PATIENCE)

    containers(hang)
    containers(respond(b"1"))
    assert invoke(script, localstack, timeout=0).is_error
    assert [invoke(script, localstack).payload for _ in range(3)] == [b"1"] * 3
    over.set()
    assert len(hung) == 1


@pytest.mark.parametrize("die", [hang_up, break_off])
def test_the_event_of_a_crashed_container_is_not_retried(die, script, localstack, containers):
    others: list[bytes] = []
    containers(die)
    containers(lambda request, event: others.append(event))
    result = invoke(script, localstack)
    assert result.is_error
    assert json.loads(result.payload)["errorType"] == "Runtime.ExitError"
    assert not others, "a second container got the event"


def test_an_unreachable_container_is_skipped(script, localstack, containers):
    script.addresses.append(f"{NETWORK}.250")
    script.addresses.append(containers(respond(b"1")))
    assert invoke(script, localstack).payload == b"1"


def test_a_container_that_starts_late_is_found(script, localstack, containers):
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(invoke, script, localstack)
        containers(respond(b"1"))
        assert waiting.result(PATIENCE).payload == b"1"


def test_a_restarted_container_is_used_again(script, localstack, containers):
    script.addresses.append(f"{NETWORK}.2")  # the address of the first container that starts
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(invoke, script, localstack)
        with pytest.raises(TimeoutError):
            waiting.result(0.2)
        containers(respond(b"1"))
        assert waiting.result(PATIENCE).payload == b"1"


def test_a_waiting_invocation_gets_the_next_free_container(script, localstack, containers, monkeypatch):
    monkeypatch.setattr(script, "LOOKUP_INTERVAL", 4 * PATIENCE)
    monkeypatch.setattr(script, "LEASE_TIMEOUT", 4 * PATIENCE)
    containers(after(0.02, respond(b"1")))
    with ThreadPoolExecutor(5) as pool:
        waiting = [pool.submit(invoke, script, localstack) for _ in range(10)]
        assert [each.result(PATIENCE).payload for each in waiting] == [b"1"] * 10


def test_waiting_invocations_are_served_in_order(script, localstack, containers):
    """Otherwise an early invocation could wait until its throttle while later ones run."""
    served: list[bytes] = []

    def answer(request: BaseHTTPRequestHandler, event: bytes) -> None:
        served.append(event)
        after(0.03, respond(b"1"))(request, event)

    containers(answer)
    with ThreadPoolExecutor(12) as pool:
        waiting = []
        for number in range(12):
            waiting.append(pool.submit(invoke, script, localstack, str(number)))
            while number and len(script.REPLICAS._waiting) + len(served) <= number:
                threading.Event().wait(0.001)
        assert all(each.result(PATIENCE).payload == b"1" for each in waiting)
    assert served == [str(number).encode() for number in range(12)]


def test_a_throttle_is_raised_before_the_timeout_of_api_gateway(script):
    assert 5 * script.waits < 29, "LocalStack retries a throttled invocation four times"


def test_no_free_container_raises_a_throttle(script, localstack, monkeypatch):
    monkeypatch.setattr(script, "LEASE_TIMEOUT", 0.2)
    with pytest.raises(Throttled, match="no container of lambda"):
        invoke(script, localstack)


def test_an_unresolvable_name_has_no_containers(script, monkeypatch):
    def nobody(*_: Any) -> Any:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    assert script.looks_up() == []


def test_every_address_of_the_name_is_a_container(script, monkeypatch):
    entries = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"172.18.0.{n}", 8080)) for n in (5, 3, 4)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: entries)
    assert script.looks_up() == ["172.18.0.3", "172.18.0.4", "172.18.0.5"]


def test_each_container_runs_one_invocation_at_a_time(script, localstack, containers):
    together, used = threading.Barrier(3, timeout=PATIENCE), set()
    busy: dict[str, threading.Lock] = {}

    def answer(request: BaseHTTPRequestHandler, event: bytes) -> None:
        address = request.server.server_address[0]
        assert busy[address].acquire(blocking=False), "a second invocation at the same time"
        if len(used) < 3:
            used.add(address)
            together.wait()  # fails unless three run at once
        busy[address].release()
        respond(b"1")(request, event)

    for _ in range(3):
        busy[containers(answer)] = threading.Lock()
    with ThreadPoolExecutor(20) as pool:
        results = list(pool.map(lambda _: invoke(script, localstack), range(60)))
    assert [result.payload for result in results] == [b"1"] * 60
    assert len(used) == 3
