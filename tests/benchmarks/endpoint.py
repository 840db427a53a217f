"""A fake AWS endpoint in its own process, which answers every call at once or after a fixed time.

It answers the calls of DynamoDB and Step Functions for an order, always with success.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from service.aws.records import from_order
from service.orders import strict_json
from service.orders.lifecycle import Status
from service.orders.model import Order
from service.orders.submission import new_order
from service.orders.timestamps import parse
from tests.support import SETTINGS, valid_order

HOST = "127.0.0.1"


def _order(**changes: Any) -> Order:
    order = new_order(
        strict_json.from_python(valid_order()),
        order_id="ord_1f0e6a1f0c6b4a63b7c1d0b2a9e8f7c6",
        owner="anonymous",
        actor="api",
        at=parse("2026-01-31T09:30:00.123Z"),
        write_id="0" * 32,
        traceparent="00-697dcd385f1e2a3b4c5d6e7f80910111-4c5d6e7f80910111-00",
    )
    return replace(order, **changes)


def _claimed() -> Order:
    return _order(
        status=Status.PROCESSING, attempts=1, lease_owner="1" * 32, lease_until=parse("2026-01-31T09:31:30.123Z")
    )


ANSWERS: dict[str, Any] = {
    "GetItem": {"Item": from_order(_order(), 8)},
    "PutItem": {},
    "UpdateItem": {"Attributes": from_order(_claimed(), 8)},
    "StartExecution": {"executionArn": "arn:aws:states:ap-south-1:123456789012:execution:dofs:x", "startDate": 1.0},
}
"""Responses by operation, which the header X-Amz-Target names."""


async def _serve(latency: float) -> None:
    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[1:]
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head)}
                await reader.readexactly(int(headers.get("content-length", "0")))
                await asyncio.sleep(latency)
                body = json.dumps(ANSWERS[headers["x-amz-target"].rpartition(".")[2]]).encode()
                form = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: %d\r\n\r\n"
                writer.write(form % len(body) + body)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(connection, HOST, 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


@contextmanager
def endpoint(latency: float = 0) -> Iterator[str]:
    """Run an endpoint that takes ``latency`` seconds for each response; yields its URL."""
    command = [sys.executable, "-m", "tests.benchmarks.endpoint", str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield f"http://{HOST}:{int(process.stdout.readline())}"
        finally:
            process.kill()


def settings_on(url: str) -> dict[str, str]:
    """Return the environment variables of a function that uses the endpoint and whose attempts succeed."""
    return {
        **SETTINGS.environment_variables(),
        "DOFS_CLOUD": "localstack",
        "DOFS_AWS_ENDPOINT_URL": url,
        "DOFS_FULFILLMENT_SUCCESS_RATE": "1",
    }


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1])))
