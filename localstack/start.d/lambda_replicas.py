"""Runs inside LocalStack at its start: sends Lambda invocations to the containers of the compose service `lambda`.

This edition of LocalStack refuses functions that are container images. Each container runs the image under AWS's
Runtime Interface Emulator, which handles one invocation at a time, as an execution environment of Lambda does, and
panics on a second one. So each container is leased to one invocation, and an invocation waits for a free container. A
container that did not answer in time gets no invocation while it may still be running the last one.

Errors are reported as Lambda reports them. An exception of the function is a function error, and so are a timeout
(`Sandbox.Timedout`) and a runtime that exited (`Runtime.ExitError`). If no container becomes free in time, the
invocation is throttled.
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
LOOKUP_INTERVAL = 1  # seconds between two lookups of the list of containers
LEASE_TIMEOUT = 5  # seconds that an invocation waits for a free container; LocalStack retries a throttled one 4 times
CONNECT_TIMEOUT = 2  # seconds
TIMEOUT_MARGIN = 5  # seconds beyond the function's timeout in which a container can report the timeout itself

log = logging.getLogger("localstack.lambda_replicas")


class RuntimeDied(Exception):
    """The container closed the connection during an invocation."""


class Replicas:
    """The containers of the compose service, each leased to one invocation at a time, first come, first served."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[object] = deque()
        self._busy: set[str] = set()
        self._resting: dict[str, float] = {}
        self._found: list[str] = []
        self._asked = float("-inf")

    def send(self, event: bytes, seconds: float) -> bytes:
        """Send an event to a free container, and return its response.

        Args:
            event: the payload of the invocation.
            seconds: the function's timeout.

        Raises:
            TooManyRequestsException: no container became free in time.
            TimeoutError: the container did not respond within the function's timeout and `TIMEOUT_MARGIN`.
            RuntimeDied: the container closed the connection. It may have handled the event, so no other one gets it.
        """
        ends = time.monotonic() + LEASE_TIMEOUT
        while True:
            address, rest = self._take(ends), 0.0
            connection = http.client.HTTPConnection(address, LAMBDA.port, timeout=CONNECT_TIMEOUT)
            try:
                try:
                    connection.connect()
                except OSError:  # the container has stopped; nothing was sent, so another one can get the event
                    rest = LOOKUP_INTERVAL
                    continue
                connection.sock.settimeout(seconds + TIMEOUT_MARGIN)
                connection.request("POST", PATH, event)
                return connection.getresponse().read()
            except TimeoutError:
                rest = seconds + TIMEOUT_MARGIN
                raise
            except (OSError, http.client.HTTPException) as error:
                rest = LOOKUP_INTERVAL
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
                    self._changed.wait(min(LOOKUP_INTERVAL, ends - now))
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
        """The containers' addresses. Call it without the lock: a DNS lookup can be slow."""
        if not self._found or time.monotonic() - self._asked >= LOOKUP_INTERVAL:
            self._asked = time.monotonic()
            self._found = self._look_up()
        return self._found

    @staticmethod
    def _look_up() -> list[str]:
        """Resolve the service's name: Docker's DNS returns the addresses of all its containers."""
        try:
            found = socket.getaddrinfo(LAMBDA.hostname, LAMBDA.port, socket.AF_INET, socket.SOCK_STREAM)
        except socket.gaierror:
            return []
        return sorted({str(entry[4][0]) for entry in found})


REPLICAS = Replicas()


class ReplicaExecutor(runtime_executor.RuntimeExecutor):
    """LocalStack's interface of an execution environment. It starts nothing: the containers are already running."""

    def start(self, env_vars: dict[str, str]) -> None:
        """Do nothing: compose sets the same environment variables."""

    def stop(self) -> None:
        """Do nothing: compose stops the containers."""

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
        body, failed = invoke_replica(payload["payload"].encode(), seconds)
        logs = f"RequestId: {request_id} To read the log, run: docker compose logs {LAMBDA.hostname}\n"
        return InvocationResult(request_id, body, failed, logs)

    @classmethod
    def prepare_version(cls, function_version: Any) -> None:
        """Do nothing: compose builds the image."""

    @classmethod
    def cleanup_version(cls, function_version: Any) -> None:
        """Do nothing: the image belongs to compose."""


def invoke_replica(event: bytes, seconds: int) -> tuple[bytes, bool]:
    """Send an event to a container, and turn a failure into Lambda's error payload.

    Args:
        event: the payload of the invocation.
        seconds: the function's timeout; the emulators in the containers have the same.

    Returns:
        The payload of the response, and whether it is an error.
    """
    try:
        body = REPLICAS.send(event, seconds)
    except TimeoutError:
        return _error("Sandbox.Timedout", f"Task timed out after {seconds}.00 seconds"), True
    except RuntimeDied as died:
        return _error("Runtime.ExitError", f"Runtime exited with error: {died}"), True
    try:
        answer = json.loads(body)
    except ValueError:  # the emulator reports a timeout of the function as plain text with status 200
        return _error("Sandbox.Timedout", body.decode(errors="replace")), True
    return body, isinstance(answer, dict) and {"errorType", "errorMessage"} <= answer.keys()


def _error(kind: str, message: str) -> bytes:
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()


class Plugin:
    """The plugin from which LocalStack loads the executor."""

    def load(self) -> type[ReplicaExecutor]:
        return ReplicaExecutor


class Plugins:
    """Replaces LocalStack's plugin manager for executors, so that it always loads this executor."""

    def exists(self, _name: str) -> bool:
        return True

    def load(self, _name: str) -> Plugin:
        return Plugin()


runtime_executor.EXECUTOR_PLUGIN_MANAGER = Plugins()
log.warning("Sending Lambda invocations to the containers at %s", LAMBDA.geturl())
