"""Order flows that only the embedded cloud can show: its AWS endpoint, an early cancellation, message deletions."""

import asyncio
import json
from collections import defaultdict

import boto3
import pytest

from service.embedded.cloud import EmbeddedCloud
from service.orders.submission import new_order
from tests.embedded.support import client, running_cloud
from tests.invariants import check_always, check_without_faults
from tests.support import valid_order
from tests.system import depth_becomes, ended, executions, oracle, settled, world

pytestmark = pytest.mark.anyio


@pytest.fixture
def reliable_cloud():
    """A cloud in which every attempt succeeds."""
    with running_cloud(fulfillment_success_rate=1) as cloud:
        yield cloud


async def test_the_aws_endpoint_shows_the_same_execution_and_queue(reliable_cloud):
    aws = {
        "endpoint_url": reliable_cloud.endpoint.url,
        "region_name": reliable_cloud.settings.region,
        "aws_access_key_id": "any",
        "aws_secret_access_key": "any",
    }
    async with client(reliable_cloud) as api:
        order_id = (await api.post("/order", json=valid_order())).json()["order_id"]
        await settled(api, order_id)
    listed = await asyncio.to_thread(
        boto3.client("stepfunctions", **aws).list_executions, stateMachineArn=reliable_cloud.names.state_machine_arn
    )
    assert order_id in [execution["name"] for execution in listed["executions"]]
    sqs = boto3.client("sqs", **aws)
    urls = (await asyncio.to_thread(sqs.list_queues))["QueueUrls"]
    assert {url.rsplit("/")[-1] for url in urls} == {reliable_cloud.names.queue, reliable_cloud.names.dead_letter_queue}


async def test_an_order_cancelled_before_processing_is_never_fulfilled(reliable_cloud):
    system = reliable_cloud.system
    order = new_order(
        valid_order(), order_id="ord_early", owner="anonymous", actor="api", at=system.now(), write_id=system.new_id()
    )
    system.store.create(order)
    async with client(reliable_cloud) as api:
        assert (await api.post(f"/orders/{order.order_id}/cancel")).status_code == 200
        system.workflow.start(order.order_id, order.order_id)
        execution = await ended(reliable_cloud, order.order_id)
        await depth_becomes(reliable_cloud, reliable_cloud.names.queue, 0)
        assert (await api.get(f"/orders/{order.order_id}")).json()["status"] == "CANCELLED"
    assert execution["status"] == "SUCCEEDED", "a cancellation does not fail the workflow"


async def test_a_hundred_orders_of_ten_clients_keep_every_invariant():
    with running_cloud(fulfillment_seed="hundred orders", restart_after=60) as cloud:
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

            await asyncio.gather(*(customer(number) for number in range(10)))
            assert (len(accepted), len(set(accepted))) == (100, 80)
            for order_id in set(accepted):
                await settled(api, order_id)
        await depth_becomes(cloud, cloud.names.queue, 0)
        left = world(cloud, accepted, keys=keys, deletions=deletions)
        check_always(left)
        check_without_faults(left, lambda order_id: oracle(cloud.settings, order_id))
        assert len(left.orders) == len(executions(cloud)) == 80
        assert {row["status"] for row in left.orders.values()} == {"FULFILLED", "FAILED"}


def _watch_deletions(cloud: EmbeddedCloud) -> list[tuple[str, str]]:
    """Record the status of the order of every deleted message, at its deletion."""
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
