"""Lambda of the embedded cloud: every invocation runs the service's handler in this process.

moto runs functions in Docker, always through ``LambdaFunction.invoke``, which is replaced here. An invocation that
exceeds its timeout is not ended, because a thread cannot be; its context reports the remaining time.
"""

import asyncio
import base64
import json
import logging
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any
from unittest.mock import patch

from moto.awslambda.models import LambdaFunction

log = logging.getLogger(__name__)

ASYNC_TRIES = 3  # an asynchronous invocation is retried twice

Handler = Callable[[Any, Any], Any]


class Context:
    """The Lambda context of an invocation."""

    def __init__(self, function: Any) -> None:
        self.function_name: str = function.function_name
        self.function_version: str = str(function.version)
        self.invoked_function_arn: str = function.function_arn
        self.memory_limit_in_mb: int = function.memory_size
        self.aws_request_id = str(uuid.uuid4())
        self._ends = time.monotonic() + float(function.timeout)

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function's timeout."""
        return max(0, int((self._ends - time.monotonic()) * 1000))


class LambdaHook:
    """While it is installed, the named function runs ``handler``. Invocations of other functions fail."""

    def __init__(self, function_name: str, handler: Handler) -> None:
        self._function_name = function_name
        self._handler = handler
        self._patch = patch.object(LambdaFunction, "invoke", self._method())

    def install(self) -> None:
        """Replace moto's method."""
        self._patch.start()

    def remove(self) -> None:
        """Restore moto's method."""
        self._patch.stop()

    def _method(self) -> Callable[..., bytes]:
        def invoke(function: Any, body: Any, request_headers: Any, response_headers: Any) -> bytes:
            return self._invoke(function, body, request_headers, response_headers)

        return invoke

    def _invoke(self, function: Any, body: Any, request_headers: Any, response_headers: Any) -> bytes:
        headers = {name.lower(): value for name, value in dict(request_headers or {}).items()}
        event = json.loads(body) if body else {}
        match headers.get("x-amz-invocation-type", "RequestResponse"):
            case "DryRun":
                return b""
            case "Event":
                threading.Thread(target=self._asynchronously, args=(function, event), daemon=True).start()
                return b""
        payload, logs = self._run(function, event)
        if logs:
            response_headers["x-amz-function-error"] = "Unhandled"
        response_headers["x-amz-log-result"] = base64.b64encode(logs.encode()[-4096:]).decode()
        return payload

    def _asynchronously(self, function: Any, event: Any) -> None:
        for _ in range(ASYNC_TRIES):
            if not self._run(function, event)[1]:
                return

    def _run(self, function: Any, event: Any) -> tuple[bytes, str]:
        """Run the handler; returns the payload in the runtime's format, and the traceback if the handler raised."""
        if function.function_name != self._function_name:
            raise WrongFunction(f"the embedded cloud runs {self._function_name} only, not {function.function_name}")
        context = Context(function)
        try:
            with event_loop() if "httpMethod" in event else nullcontext():
                return json.dumps(self._handler(event, context)).encode(), ""
        except Exception as error:
            log.info("%s raised %s: %s", function.function_name, type(error).__name__, error)
            report = {
                "errorMessage": str(error),
                "errorType": type(error).__name__,
                "requestId": context.aws_request_id,
                "stackTrace": traceback.format_tb(error.__traceback__),
            }
            return json.dumps(report).encode(), traceback.format_exc()


class WrongFunction(Exception):
    """A function was invoked that the embedded cloud does not run."""


@contextmanager
def event_loop() -> Iterator[None]:
    """Give the thread an event loop, which Mangum expects and Lambda's main thread has."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield
    finally:
        asyncio.set_event_loop(None)
        loop.close()
