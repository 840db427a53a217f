"""The memory of the embedded cloud for terminal orders: their rows, and the last executions."""

import asyncio
import gc
from collections import Counter

import pytest
from moto.dynamodb.models.dynamo_type import Item
from moto.sqs.models import Message, sqs_backends
from moto.stepfunctions.models import StateMachine
from moto.stepfunctions.parser.backend.execution import Execution
from moto.stepfunctions.parser.utils import TMP_THREADS

from service.embedded import moto_patches
from tests.embedded.support import client, running_cloud
from tests.support import valid_order
from tests.system import depth_becomes, settled

ORDERS, TOGETHER = 40, 5
KEPT, HANDLES = 10, 20

pytestmark = pytest.mark.anyio


def live_objects() -> Counter[type]:
    """The number of live objects of each type."""
    gc.collect()
    kinds = (Item, Message, StateMachine, Execution)
    return Counter(type(each) for each in gc.get_objects() if type(each) in kinds)


async def test_a_terminal_order_keeps_one_row_and_old_executions_are_dropped(monkeypatch):
    monkeypatch.setattr(moto_patches, "HANDLES_KEPT", HANDLES)
    with running_cloud(embedded_executions_kept=KEPT, fulfillment_success_rate=1) as cloud:
        queue = sqs_backends[cloud.names.account][cloud.names.region].queues[cloud.names.queue]
        before = live_objects()
        async with client(cloud) as api:
            for _ in range(ORDERS // TOGETHER):
                answers = await asyncio.gather(*(api.post("/order", json=valid_order()) for _ in range(TOGETHER)))
                for answer in answers:
                    await settled(api, answer.json()["order_id"])
        await depth_becomes(cloud, cloud.names.queue, 0)
        grown = live_objects() - before
        at_most = KEPT * 1.1 + TOGETHER  # running executions are not removed
        assert grown[Item] == ORDERS, "an order has more than one row in memory"
        assert grown[Message] == 0
        assert KEPT <= grown[Execution] <= at_most
        assert grown[StateMachine] <= at_most, "copies of the interpreter are not freed"
        assert len(TMP_THREADS) <= at_most
        assert 0 < len(queue.deleted_messages) <= HANDLES


def test_a_recently_deleted_message_can_be_deleted_again():
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html"""
    with running_cloud() as cloud:
        sqs = cloud.client("sqs")
        url = sqs.create_queue(QueueName="twice")["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody="once")
        handle = sqs.receive_message(QueueUrl=url)["Messages"][0]["ReceiptHandle"]
        for _ in range(2):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=handle)
