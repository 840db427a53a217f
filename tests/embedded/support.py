"""An embedded cloud for tests, with a client of its API, and what can be read of it from outside."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import httpx

from service.api.app import create_app
from service.api.dependencies import in_thread
from service.embedded.cloud import EmbeddedCloud, embedded_settings
from tests.invariants import World, rows

T = TypeVar("T")

DEADLINE = 30  # seconds that any order may take; only a failing test waits so long


@contextmanager
def running_cloud(**settings: object) -> Iterator[EmbeddedCloud]:
    """Run an embedded cloud on a free port, with settings given by their names in lower case."""
    environ = {f"DOFS_{name.upper()}": str(value) for name, value in settings.items()}
    cloud = EmbeddedCloud(embedded_settings({"DOFS_EMBEDDED_AWS_PORT": "0", **environ}))
    cloud.start()
    try:
        yield cloud
    finally:
        cloud.stop()


def client(cloud: EmbeddedCloud) -> httpx.AsyncClient:
    """A client of the cloud's API, over ASGI, in the way that a server runs it."""
    app = create_app(cloud.settings, in_thread, cloud.system)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://dofs.test")


async def until(read: Callable[[], Awaitable[T]], holds: Callable[[T], bool]) -> T:
    """Read again and again until something holds of what was read."""
    ends = time.monotonic() + DEADLINE
    while not holds(found := await read()):
        assert time.monotonic() < ends, f"still not so after {DEADLINE} s: {found}"
        await asyncio.sleep(0.05)
    return found


async def settled(api: httpx.AsyncClient, order_id: str) -> dict[str, Any]:
    """An order once it is terminal."""

    async def read() -> dict[str, Any]:
        return (await api.get(f"/orders/{order_id}")).json()

    return await until(read, lambda order: order["status"] in {"FULFILLED", "REJECTED", "CANCELLED", "FAILED"})


def depth(cloud: EmbeddedCloud, queue: str) -> int:
    """How many messages a queue holds, those in flight included."""
    url = cloud.client("sqs").get_queue_url(QueueName=queue)["QueueUrl"]
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = cloud.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(attributes[name]) for name in names)


def executions(cloud: EmbeddedCloud) -> list[tuple[str, str]]:
    """Name and status of every execution."""
    pages = cloud.client("stepfunctions").get_paginator("list_executions")
    found = pages.paginate(stateMachineArn=cloud.names.state_machine_arn)
    return [(execution["name"], execution["status"]) for page in found for execution in page["executions"]]


def dead_letters(cloud: EmbeddedCloud) -> list[str]:
    """The orders that the messages in the dead-letter queue name. The queue is not emptied, but they are in flight."""
    sqs, found = cloud.client("sqs"), []
    url = sqs.get_queue_url(QueueName=cloud.names.dead_letter_queue)["QueueUrl"]
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        found += [json.loads(message["Body"])["order_id"] for message in messages]
    return found


def world(cloud: EmbeddedCloud, accepted: list[str], **more: Any) -> World:
    """Everything that a run has left in a cloud."""
    return World(
        accepted=accepted,
        orders=rows(cloud.client("dynamodb"), cloud.settings.orders_table),
        failed_orders=rows(cloud.client("dynamodb"), cloud.settings.failed_orders_table),
        dead_letters=dead_letters(cloud),
        executions=executions(cloud),
        max_attempts=cloud.settings.max_attempts,
        lease=cloud.settings.lease,
        **more,
    )
