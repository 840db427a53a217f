"""Orders travel the whole way through the embedded cloud."""

import asyncio
import json
import time
from collections import defaultdict
from typing import Any

import pytest

from service.embedded.cloud import EmbeddedCloud
from service.fulfillers.simulated import succeeds
from tests.embedded.support import client, depth, executions, running_cloud, settled, until, world
from tests.invariants import check_always, check_without_faults
from tests.support import valid_order

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def sure_cloud():
    """A cloud in which every attempt succeeds."""
    with running_cloud(fulfillment_success_rate=1) as cloud:
        yield cloud


@pytest.fixture
def hopeless_cloud():
    """A cloud in which no attempt succeeds, with the shortest visibility timeout there is."""
    with running_cloud(fulfillment_success_rate=0, visibility_timeout=1) as cloud:
        yield cloud


def history(cloud: EmbeddedCloud, name: str) -> dict[str, Any]:
    arn = cloud.names.state_machine_arn.replace("stateMachine", "execution") + f":{name}"
    return cloud.client("stepfunctions").describe_execution(executionArn=arn)


async def test_a_valid_order_is_fulfilled_and_its_timeline_tells_it(sure_cloud):
    async with client(sure_cloud) as api:
        answer = await api.post("/order", json=valid_order())
        assert answer.status_code == 202
        order = await settled(api, answer.json()["order_id"])
    assert [(entry["from"], entry["to"], entry["actor"]) for entry in order["timeline"]] == [
        (None, "RECEIVED", "api"),
        ("RECEIVED", "PENDING", "workflow"),
        ("PENDING", "PROCESSING", "fulfillment"),
        ("PROCESSING", "FULFILLED", "fulfillment"),
    ]
    assert order["attempts"] == 1
    assert order["total_amount"] == 59.98
    assert history(sure_cloud, order["order_id"])["status"] == "SUCCEEDED"


async def test_the_aws_endpoint_shows_the_same_execution_and_queue(sure_cloud):
    import boto3

    aws = {
        "endpoint_url": sure_cloud.endpoint.url,
        "region_name": sure_cloud.settings.region,
        "aws_access_key_id": "any",
        "aws_secret_access_key": "any",
    }
    async with client(sure_cloud) as api:
        order_id = (await api.post("/order", json=valid_order())).json()["order_id"]
        await settled(api, order_id)
    listed = await asyncio.to_thread(
        boto3.client("stepfunctions", **aws).list_executions, stateMachineArn=sure_cloud.names.state_machine_arn
    )
    assert order_id in [execution["name"] for execution in listed["executions"]]
    sqs = boto3.client("sqs", **aws)
    urls = (await asyncio.to_thread(sqs.list_queues))["QueueUrls"]
    assert {url.rsplit("/")[-1] for url in urls} == {sure_cloud.names.queue, sure_cloud.names.dead_letter_queue}


async def test_an_order_that_always_fails_has_three_attempts_and_ends_in_the_dead_letter_queue(hopeless_cloud):
    began = time.monotonic()
    async with client(hopeless_cloud) as api:
        order_id = (await api.post("/order", json=valid_order())).json()["order_id"]
        order = await settled(api, order_id)

        async def dead() -> int:
            return await asyncio.to_thread(depth, hopeless_cloud, hopeless_cloud.names.dead_letter_queue)

        await until(dead, lambda letters: letters == 1)
    assert time.monotonic() - began < 15
    assert order["status"] == "FAILED"
    assert order["attempts"] == 3
    assert [entry["to"] for entry in order["timeline"]].count("FAILED") == 1
    assert "attempt 3 of 3" in order["timeline"][-1]["reason"]
    assert depth(hopeless_cloud, hopeless_cloud.names.queue) == 0
    failed = hopeless_cloud.system.store.failed(order_id)
    assert failed is not None
    assert (failed.attempts, failed.kind) == (3, "declined")
    left = world(hopeless_cloud, [order_id])
    check_always(left)
    check_without_faults(left, lambda _: ("FAILED", 3))


async def test_a_lenient_order_without_customer_is_rejected_by_the_workflow_with_the_field_named(sure_cloud):
    order = valid_order()
    del order["customer_id"]
    async with client(sure_cloud) as api:
        refused = await api.post("/order", json=order)
        answer = await api.post("/order", json=order, headers={"Prefer": "handling=lenient"})
        assert (refused.status_code, answer.status_code) == (422, 202)
        shown = await settled(api, answer.json()["order_id"])

        async def execution() -> dict[str, Any]:
            return await asyncio.to_thread(history, sure_cloud, shown["order_id"])

        ended = await until(execution, lambda found: found["status"] != "RUNNING")
    assert shown["status"] == "REJECTED"
    assert shown["errors"] == refused.json()["errors"] == [{"pointer": "/customer_id", "detail": "is required"}]
    assert (ended["status"], ended["error"]) == ("FAILED", "OrderRejected")
    assert json.loads(ended["cause"])["errors"] == shown["errors"]


async def test_an_order_that_is_cancelled_in_time_is_never_fulfilled(sure_cloud):
    async with client(sure_cloud) as api:
        order_id = sure_cloud.system.new_id()
        from service.orders.submission import received

        order = received(
            valid_order(),
            order_id=f"ord_{order_id}",
            owner="anonymous",
            actor="api",
            at=sure_cloud.system.now(),
            write_id=order_id,
        )
        sure_cloud.system.store.create(order)
        assert (await api.post(f"/orders/{order.order_id}/cancel")).status_code == 200
        sure_cloud.system.workflow.start(order.order_id, order.order_id)

        async def execution() -> dict[str, Any]:
            return await asyncio.to_thread(history, sure_cloud, order.order_id)

        ended = await until(execution, lambda found: found["status"] != "RUNNING")

        async def waiting() -> int:
            return await asyncio.to_thread(depth, sure_cloud, sure_cloud.names.queue)

        await until(waiting, lambda messages: messages == 0)
        assert (await api.get(f"/orders/{order.order_id}")).json()["status"] == "CANCELLED"
    assert ended["status"] == "SUCCEEDED", "a customer who cancels is no failure of the workflow"


async def test_two_hundred_orders_of_twenty_clients_keep_every_invariant():
    with running_cloud(
        fulfillment_seed="two hundred", visibility_timeout=1, resend_after=60, restart_after=60
    ) as cloud:
        accepted: list[str] = []
        keys: dict[str, set[str]] = defaultdict(set)
        deletions = _watch_deletions(cloud)
        async with client(cloud) as api:

            async def customer(number: int) -> None:
                for index in range(8):
                    key = f"client-{number:02d}-order-{index:02d}"
                    for _ in range(2 if index % 4 == 0 else 1):
                        order = valid_order(customer_id=f"cust_{number}")
                        answer = await api.post("/order", json=order, headers={"Idempotency-Key": key})
                        assert answer.status_code == 202
                        accepted.append(answer.json()["order_id"])
                        keys[key].add(answer.json()["order_id"])

            await asyncio.gather(*(customer(number) for number in range(20)))
            assert (len(accepted), len(set(accepted))) == (200, 160)
            for order_id in set(accepted):
                await settled(api, order_id)

        async def left_on_the_queue() -> int:
            return await asyncio.to_thread(depth, cloud, cloud.names.queue)

        await until(left_on_the_queue, lambda messages: messages == 0)
        left = world(cloud, accepted, keys=keys, deletions=deletions)
        check_always(left)
        check_without_faults(left, lambda order_id: _oracle(cloud, order_id))
        assert len(left.orders) == len(executions(cloud)) == 160
        assert {row["status"] for row in left.orders.values()} == {"FULFILLED", "FAILED"}


def _oracle(cloud: EmbeddedCloud, order_id: str) -> tuple[str, int]:
    """What the simulated warehouse will answer, asked beforehand."""
    settings = cloud.settings
    for attempt in range(1, settings.max_attempts + 1):
        if succeeds(settings.fulfillment_seed, settings.fulfillment_success_rate, order_id, 0, attempt):
            return "FULFILLED", attempt
    return "FAILED", settings.max_attempts


def _watch_deletions(cloud: EmbeddedCloud) -> list[tuple[str, str]]:
    """Note the status of the order of every message that is deleted, at the moment of its deletion."""
    from moto.sqs.models import sqs_backends

    seen: list[tuple[str, str]] = []
    queue = sqs_backends[cloud.names.account][cloud.names.region].queues[cloud.names.queue]
    delete = queue.delete_message

    def watched(handle: str) -> None:
        message = next(each for each in queue._messages if each.had_receipt_handle(handle))
        order_id = json.loads(message.body)["order_id"]
        order = cloud.system.store.get(order_id)
        seen.append((order_id, str(order.status) if order else "unknown"))
        delete(handle)

    queue.delete_message = watched
    return seen
