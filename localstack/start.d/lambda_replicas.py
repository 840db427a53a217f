"""Runs inside LocalStack at its start: Lambda invocations go to the containers of the compose service `lambda`.

This LocalStack refuses functions that are container images. The containers are that image under AWS's Runtime
Interface Emulator, which takes one invocation at a time, as an execution environment of Lambda does; a second one
at the same time makes it panic. So each container is leased to one invocation, and an invocation waits for a free one;
a container that gave no answer is left alone for as long as it may still be at work.

What goes wrong is reported as Lambda reports it: an exception of the function is a function error; so are a timeout
(`Sandbox.Timedout`) and a runtime that died (`Runtime.ExitError`); no free container in time is a throttle.
"""

import http.client
import json
import logging
import os
import socket
import threading
import time
from collections import deque
from typing import Any
from urllib.parse import urlsplit

from localstack.aws.api.lambda_ import TooManyRequestsException
from localstack.services.lambda_.invocation import runtime_executor
from localstack.services.lambda_.invocation.lambda_models import InvocationResult

LAMBDA = urlsplit(os.environ.get("LAMBDA_REPLICAS_URL", "http://lambda:8080"))
PATH = "/2015-03-31/functions/function/invocations"
LOOK_AGAIN = 1  # seconds after which the list of containers is asked for anew
WAIT_FOR_ONE = 5  # seconds that an invocation waits for a free container; LocalStack repeats a throttled one 4 times
CONNECT_WITHIN = 2  # seconds
BEYOND_TIMEOUT = 5  # seconds that a container has, beyond the function's timeout, to say that it timed out

log = logging.getLogger("localstack.lambda_replicas")


class RuntimeDied(Exception):
    """The container went away with an invocation in hand."""


class Replicas:
    """The containers of the service, each for one invocation at a time; who waits is served in turn."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[object] = deque()
        self._busy: set[str] = set()
        self._resting: dict[str, float] = {}
        self._found: list[str] = []
        self._asked = float("-inf")

    def send(self, event: bytes, seconds: float) -> bytes:
        """Have a container handle an event; its answer.

        Raises:
            TooManyRequestsException: no container became free in time.
            TimeoutError: the container said nothing within the function's timeout, in seconds, and a little more.
            RuntimeDied: it went away with the event in hand, which another one must not have then.
        """
        ends = time.monotonic() + WAIT_FOR_ONE
        while True:
            address, rest = self._take(ends), 0.0
            connection = http.client.HTTPConnection(address, LAMBDA.port, timeout=CONNECT_WITHIN)
            try:
                try:
                    connection.connect()
                except OSError:  # it has just left; nothing was sent, so another one can have the event
                    rest = LOOK_AGAIN
                    continue
                connection.sock.settimeout(seconds + BEYOND_TIMEOUT)
                connection.request("POST", PATH, event)
                return connection.getresponse().read()
            except TimeoutError:
                rest = seconds + BEYOND_TIMEOUT
                raise
            except (OSError, http.client.HTTPException) as error:
                rest = LOOK_AGAIN
                raise RuntimeDied(f"{type(error).__name__} {error}") from error
            finally:
                connection.close()
                self._give_back(address, rest)

    def _take(self, ends: float) -> str:
        turn = object()
        with self._changed:
            self._waiting.append(turn)
        try:
            while True:
                found = self._addresses()
                with self._changed:
                    now = time.monotonic()
                    free = [each for each in found if each not in self._busy and self._resting.get(each, 0) <= now]
                    if free and self._waiting[0] is turn:
                        self._busy.add(free[0])
                        return free[0]
                    if now >= ends:
                        raise TooManyRequestsException(f"no container of {LAMBDA.hostname} became free", Type="User")
                    self._changed.wait(min(LOOK_AGAIN, ends - now))
        finally:
            with self._changed:
                self._waiting.remove(turn)
                self._changed.notify_all()

    def _give_back(self, address: str, rest: float) -> None:
        with self._changed:
            self._busy.discard(address)
            self._resting[address] = time.monotonic() + rest
            self._changed.notify_all()

    def _addresses(self) -> list[str]:
        """The containers; asked for outside the lock, as a resolver can be slow."""
        if not self._found or time.monotonic() - self._asked >= LOOK_AGAIN:
            self._asked = time.monotonic()
            self._found = self._look_up()
        return self._found

    @staticmethod
    def _look_up() -> list[str]:
        """Docker's DNS answers a service's name with the addresses of all of its containers."""
        try:
            found = socket.getaddrinfo(LAMBDA.hostname, LAMBDA.port, socket.AF_INET, socket.SOCK_STREAM)
        except socket.gaierror:
            return []
        return sorted({str(entry[4][0]) for entry in found})


REPLICAS = Replicas()


class ReplicaExecutor(runtime_executor.RuntimeExecutor):
    """What LocalStack takes for an execution environment. There is nothing to start: the containers run already."""

    def start(self, env_vars: dict[str, str]) -> None:
        """The environment is the compose service's, which is the same."""

    def stop(self) -> None:
        """The containers are compose's."""

    def get_address(self) -> str:
        return "127.0.0.1"

    def get_endpoint_from_executor(self) -> str:
        return "127.0.0.1"

    def get_runtime_endpoint(self) -> str:
        return f"http://127.0.0.1:4566/_localstack_lambda/{self.id}"

    def get_logs(self) -> str:
        return ""

    def invoke(self, payload: dict[str, str]) -> InvocationResult:
        request_id, seconds = payload["invoke-id"], self.function_version.config.timeout
        body, failed = answer_of(payload["payload"].encode(), seconds)
        logs = f"RequestId: {request_id} The log is in: docker compose logs {LAMBDA.hostname}\n"
        return InvocationResult(request_id, body, failed, logs)

    @classmethod
    def prepare_version(cls, function_version: Any) -> None:
        """The image is built by compose."""

    @classmethod
    def cleanup_version(cls, function_version: Any) -> None:
        """The image is compose's."""


def answer_of(event: bytes, seconds: int) -> tuple[bytes, bool]:
    """Have a container handle an event.

    Args:
        event: the payload of the invocation.
        seconds: the function's timeout; the emulators in the containers have the same.

    Returns:
        The payload of the answer, and whether it is an error.
    """
    try:
        body = REPLICAS.send(event, seconds)
    except TimeoutError:
        return _error("Sandbox.Timedout", f"Task timed out after {seconds}.00 seconds"), True
    except RuntimeDied as died:
        return _error("Runtime.ExitError", f"Runtime exited with error: {died}"), True
    try:
        answer = json.loads(body)
    except ValueError:  # the emulator says in plain text, and with status 200, that the function timed out
        return _error("Sandbox.Timedout", body.decode(errors="replace")), True
    return body, isinstance(answer, dict) and {"errorType", "errorMessage"} <= answer.keys()


def _error(kind: str, message: str) -> bytes:
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()


class Plugin:
    """What LocalStack loads the executor from."""

    def load(self) -> type[ReplicaExecutor]:
        return ReplicaExecutor


class Plugins:
    """Stands where LocalStack looks up the executor that it is configured for: there is this one only."""

    def exists(self, _name: str) -> bool:
        return True

    def load(self, _name: str) -> Plugin:
        return Plugin()


runtime_executor.EXECUTOR_PLUGIN_MANAGER = Plugins()
log.warning("Lambda invocations go to the containers behind %s", LAMBDA.geturl())
