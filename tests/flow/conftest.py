import asyncio
import json
import socket
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from service.api.warehouse_events import PATH
from service.provisioning.rest_api import API_ID
from tests.compose.stack import Stack
from tests.embedded.support import client, running_cloud, serving
from tests.flow.deployments import ASYNC, ASYNC_ARGS, EXPRESS, HTTP, STANDARD, Deployment
from tests.flow.orders import send_messages, submit
from tests.polling import PATIENCE
from tests.system import dead_letters, key_for, until, url


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Group all tests by deployment, across files.

    The compose stack has one type of workflow and one warehouse at a time. It is deployed with STANDARD, then with the
    warehouse over HTTP, of which only the options change for ASYNC, and then with EXPRESS.
    """
    ways = [each.values[0] for each in (*STANDARD, *HTTP, *ASYNC, *EXPRESS)]
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
        with running_embedded(workflow_type, warehouse) as running:
            yield running
    else:
        yield deploy_to_compose(request.getfixturevalue("stack"), workflow_type, access, warehouse)


@contextmanager
def running_embedded(workflow_type: str, warehouse: str) -> Iterator[Deployment]:
    """Run an embedded cloud. If its warehouse sends callbacks, its API also has a server, which receives them."""
    with socket.create_server(("127.0.0.1", 0)) as listening, ExitStack() as running:
        callback_url = f"http://127.0.0.1:{listening.getsockname()[1]}{PATH}"
        later = f"{ASYNC_ARGS} --pick-seconds 1"
        args, more = {
            "": ("", {}),
            "http": ("", {}),
            "callbacks": (f"{later} --callback-url {callback_url}", {"look_after": 3600}),
            "looks": (later, {"look_after": 0.5, "backoff_ceiling": 1, "embedded_reconcile_every": 0.5}),
        }[warehouse]
        if warehouse:
            more |= {"embedded_warehouse": "http", "embedded_warehouse_args": f"--port 0 {args}"}
        cloud = running.enter_context(running_cloud(workflow_type=workflow_type, **more))
        sends_callbacks = warehouse == "callbacks"
        if sends_callbacks:
            running.enter_context(serving(cloud, listening))
        url = cloud.warehouse.url if cloud.warehouse else ""
        yield Deployment(
            lambda: client(cloud), cloud.client, cloud.names, cloud.settings, PATIENCE, url, sends_callbacks
        )


def deploy_to_compose(stack: Stack, workflow_type: str, access: str, warehouse: str) -> Deployment:
    """Deploy to the compose stack what differs from its present deployment."""
    given = "http://warehouse:8080" if warehouse else ""
    if (stack.settings.workflow_type, stack.settings.warehouse_url) != (workflow_type, given):
        stack.up(DOFS_WORKFLOW_TYPE=workflow_type, DOFS_WAREHOUSE_URL=given)
    sends_callbacks = warehouse == "callbacks"
    if sends_callbacks:
        gateway = f"localstack:4566/_aws/execute-api/{API_ID}/{stack.names.environment}"
        receiver = {"server": "api:8000", "gateway": gateway}[access]
        args = f"{ASYNC_ARGS} --pick-seconds 3 --callback-url http://{receiver}{PATH}"
        stack.up("warehouse", WAREHOUSE_ARGS=args)
    url = f"http://{stack.address('warehouse', 8080)}" if warehouse else ""
    return Deployment(lambda: stack.api(access), stack.client, stack.names, stack.settings, 600, url, sends_callbacks)


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
