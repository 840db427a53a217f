import asyncio
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.embedded.support import client, running_cloud
from tests.flow.deployments import EXPRESS, HTTP, STANDARD, Deployment
from tests.flow.orders import send_messages, submit
from tests.polling import PATIENCE
from tests.system import dead_letters, key_for, until, url


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Group all tests by deployment, across files.

    The compose stack has one type of workflow and one warehouse at a time. It is deployed with STANDARD, then with the
    warehouse over HTTP, and then with EXPRESS.
    """
    ways = [each.values[0] for each in (*STANDARD, *HTTP, *EXPRESS)]
    here = [index for index, item in enumerate(items) if item.path.parent == Path(__file__).parent]
    ordered = sorted((items[index] for index in here), key=lambda item: ways.index(item.callspec.params["deployment"]))
    for index, item in zip(here, ordered, strict=True):
        items[index] = item


@pytest.fixture
def run() -> str:
    """A unique prefix for the orders of one test."""
    return uuid.uuid4().hex


@pytest.fixture(params=[*STANDARD, *HTTP, *EXPRESS], scope="package")
def deployment(request: pytest.FixtureRequest) -> Iterator[Deployment]:
    """Each local deployment: both types of workflow, both warehouses, and on compose both interfaces of the API.

    An embedded cloud stops after the last test of this package, because tests elsewhere start with an empty emulator.
    """
    kind, workflow_type, access, warehouse = request.param
    if kind == "embedded":
        more = {"embedded_warehouse": "http", "embedded_warehouse_args": "--port 0"} if warehouse else {}
        with running_cloud(workflow_type=workflow_type, **more) as cloud:
            url = cloud.warehouse.url if cloud.warehouse else ""
            yield Deployment(lambda: client(cloud), cloud.client, cloud.names, cloud.settings, PATIENCE, url)
    else:
        stack = request.getfixturevalue("stack")
        given = "http://warehouse:8080" if warehouse else ""
        if (stack.settings.workflow_type, stack.settings.warehouse_url) != (workflow_type, given):
            stack.up(DOFS_WORKFLOW_TYPE=workflow_type, DOFS_WAREHOUSE_URL=given)
        url = f"http://{stack.address('warehouse', 8080)}" if warehouse else ""
        yield Deployment(lambda: stack.api(access), stack.client, stack.names, stack.settings, 600, url)


@dataclass(frozen=True)
class SlowOrders:
    """Orders that take three attempts. Submitted first, so that the last tests hardly wait."""

    traceparent: str
    failing: str
    """The id of an order that fails, submitted with the traceparent."""
    to_redrive: str
    """The id of an order that fails, for the test of the redrive."""


@pytest.fixture(scope="package")
async def slow_orders(deployment: Deployment) -> SlowOrders:
    run, traceparent = uuid.uuid4().hex, f"00-{uuid.uuid4().hex}-00f067aa0ba902b7-01"
    async with deployment.api() as api:

        async def order(name: str, status: str, attempts: int, **headers: str) -> str:
            return await submit(api, key_for(deployment.settings, (status, attempts), f"{run}-{name}"), **headers)

        failing = await order("failing", "FAILED", 3, traceparent=traceparent)
        to_redrive = await order("redrive", "FAILED", 3)
    return SlowOrders(traceparent, failing, to_redrive)


@pytest.fixture(scope="package")
async def poison(deployment: Deployment) -> list[str]:
    """The bodies of messages that name no order; they are in the dead-letter queue.

    They are received with a short visibility timeout, because with the queue's own they would take minutes. Orders are
    submitted later: a slow batch would use up the receives of their messages.
    """
    run = uuid.uuid4().hex
    bodies = [f"poison {run}", json.dumps({"order_id": f"ord_{run}"}), json.dumps({"no": run})]

    async def read() -> set[str]:
        return set(await asyncio.to_thread(dead_letters, deployment))

    with short_visibility_timeout(deployment):
        await send_messages(deployment, bodies)
        await until(read, lambda found: found >= set(bodies), deployment.patience)
    return bodies


@contextmanager
def short_visibility_timeout(deployment: Deployment) -> Iterator[None]:
    """Change the visibility timeout of the queue to one second for a while."""
    sqs, queue = deployment.client("sqs"), url(deployment, deployment.names.queue)
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "1"})
    try:
        yield
    finally:
        before = str(deployment.settings.visibility_timeout)
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": before})
