"""Lambda's side of the Runtime API, for one process of the runtime client.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import json
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, Queue
from threading import Thread
from typing import Any

from tests.polling import PATIENCE

VERSION = "/2018-06-01/runtime"
FUNCTION_ARN = "arn:aws:lambda:ap-south-1:123456789012:function:dofs-orders-test:live"


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of an invocation; ``outcome`` is "response" or "error"."""

    request_id: str
    outcome: str
    document: Any


class RuntimeApi:
    """Serves events to the runtime client one at a time, and receives its responses."""

    def __init__(self) -> None:
        self.events: Queue[tuple[str, bytes, float] | None] = Queue()
        self.answers: Queue[Answer] = Queue()
        self.invocations = 0
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 0
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                if self.path != f"{VERSION}/invocation/next":
                    return self.reply(404)
                event = api.events.get()
                if event is None:
                    self.close_connection = True
                    return None
                request_id, body, seconds = event
                return self.reply(
                    200,
                    body,
                    {
                        "Content-Type": "application/json",
                        "Lambda-Runtime-Aws-Request-Id": request_id,
                        "Lambda-Runtime-Deadline-Ms": str(int((time.time() + seconds) * 1000)),
                        "Lambda-Runtime-Invoked-Function-Arn": FUNCTION_ARN,
                        "Lambda-Runtime-Trace-Id": "Root=1-697dcd38-5f1e2a3b4c5d6e7f80910111;Sampled=0",
                    },
                )

            def do_POST(self) -> None:
                document = json.loads(self.body())
                *_, request_id, outcome = self.path.split("/")
                self.reply(202, b'{"status":"OK"}')
                api.answers.put(Answer(request_id, outcome, document))

            def body(self) -> bytes:
                if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                    return self.rfile.read(int(self.headers["Content-Length"]))
                chunks = []
                while size := int(self.rfile.readline(), 16):
                    chunks.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(chunks)

            def reply(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
                """Send the response in one write; a second would wait for a delayed acknowledgment."""
                lines = {**(headers or {}), "Content-Length": str(len(body))}
                head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
                self.wfile.write(f"HTTP/1.1 {status} Status\r\n{head}\r\n".encode() + body)

            def log_message(self, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, request: Any, client_address: Any) -> None:
                """Ignore the reset connection of a killed function."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,), name="runtime-api", daemon=True)
        self._thread.start()

    def invoke(self, event: Any, seconds: float = PATIENCE) -> Answer:
        """Invoke the function with one event; ``seconds`` is the announced timeout."""
        self.invocations += 1
        request_id = f"00000000-0000-4000-8000-{self.invocations:012d}"
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        self.events.put((request_id, body, seconds))
        answer = self.next_answer()
        assert answer.request_id == request_id
        return answer

    def next_answer(self) -> Answer:
        try:
            return self.answers.get(timeout=PATIENCE)
        except Empty:
            raise AssertionError("the runtime client did not answer") from None

    def close(self) -> None:
        self.events.put(None)
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(PATIENCE)
