"""An order that ends the process fails no other order: the real handler, in a process of its own for each batch."""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from service.embedded.event_source_rules import batch_event, deletable, delete_request, receive_request
from service.orders.lifecycle import TERMINAL, Status
from service.orders.message import Message, write
from service.orders.model import FailureKind
from service.orders.redrive import Pace, Selection, redrive_many
from service.orders.submission import new_order
from service.provisioning.queues import queue_attributes
from service.settings import Settings
from tests import events
from tests.polling import PATIENCE
from tests.runtime.function import ROOT
from tests.runtime.process_per_event import System
from tests.support import PINNED, valid_order

POISON = "ord_poison"
HIDDEN = 600  # seconds; a message becomes visible when the test says so


class Shop:
    """The tables and queues, a clock, and the function with a process for each event."""

    def __init__(self, cloud):
        self.sqs = cloud.client("sqs")
        dead = self.sqs.create_queue(QueueName="dofs-isolation-dlq")["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        settings = replace(Settings.load(cloud.variables), **PINNED, dead_letter_queue_url=dead)
        attributes = {"RedrivePolicy": queue_attributes(settings, arn)["RedrivePolicy"]}
        self.queue = self.sqs.create_queue(QueueName="dofs-isolation", Attributes=attributes)["QueueUrl"]
        self.settings = replace(settings, queue_url=self.queue)
        self.system = System(self.settings)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.runtime.process_per_event"],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], **self.settings.environment_variables()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def close(self):
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        self.process.stdout.close()

    def submit(self, *order_ids):
        """Store PENDING orders, and send their messages in this order."""
        for order_id in order_ids:
            note = "poison" if order_id == POISON else "plain"
            given = {"order_id": order_id, "owner": "o", "actor": "api", "at": self.system.now()}
            order = new_order(valid_order(metadata={"note": note}), **given, write_id=self.system.new_id())
            self.system.store.create(replace(order, status=Status.PENDING))
        entries = [{"Id": each, "MessageBody": write(Message(each))} for each in order_ids]
        self.sqs.send_message_batch(QueueUrl=self.queue, Entries=entries)

    def invoke(self, event, together=1):
        """Handle an event; None if the process ended without an answer."""
        task = {"event": event, "ahead": self.system.ahead, "together": together}
        self.process.stdin.write(json.dumps(task) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def deliver(self, together=1):
        """Deliver a batch as the event source mapping does, and let its messages and leases time out."""
        received = self.sqs.receive_message(**receive_request(self.queue, 10), VisibilityTimeout=HIDDEN)
        messages = received.get("Messages", [])
        if messages:
            answer = self.invoke(batch_event(messages, "arn:aws:sqs:ap-south-1:123456789012:q"), together)
            done = deletable(messages, json.dumps(answer).encode(), errored=answer is None)
            if done:
                self.sqs.delete_message_batch(**delete_request(self.queue, done))
            for each in messages:
                if each not in done:
                    handle = each["ReceiptHandle"]
                    self.sqs.change_message_visibility(QueueUrl=self.queue, ReceiptHandle=handle, VisibilityTimeout=0)
        self.system.ahead += self.settings.lease + 1
        return len(messages)

    def settle(self, *order_ids):
        """Deliver batches, and reconcile while the queue is empty, until all orders are terminal; return the states."""
        while True:
            while self.deliver():
                pass
            orders = [self.system.store.get(order_id) for order_id in order_ids]
            if all(order.status in TERMINAL for order in orders):
                return [str(order.status) for order in orders]
            self.system.ahead += 3600
            assert self.invoke(events.load("task_reconcile"))["errors"] == 0

    def redrive_all(self):
        pace = Pace(1000, PATIENCE, time.monotonic, lambda _: None)
        results = redrive_many(Selection(), "operator", "the cause is fixed", pace, self.system).results
        return [(each.order_id, str(each.outcome)) for each in results]


@pytest.fixture
def shop(cloud):
    shop = Shop(cloud)
    yield shop
    shop.close()


def test_an_order_that_ends_the_process_fails_no_other_order_of_its_batch(shop):
    """Also not after a redrive of everything that has failed, beside new orders."""
    first, second = [f"ord_{number}" for number in range(9)], [f"ord_new_{number}" for number in range(4)]
    shop.submit(POISON, *first)
    assert shop.deliver(together=10) == 10
    assert {shop.system.store.get(order_id).status for order_id in first} == {"PROCESSING"}
    assert shop.settle(POISON, *first) == ["FAILED"] + ["FULFILLED"] * 9
    assert shop.system.store.get_failed(POISON).kind is FailureKind.ABANDONED

    assert shop.redrive_all() == [(POISON, "redriven")]
    shop.submit(*second)
    assert shop.settle(POISON, *second) == ["FAILED"] + ["FULFILLED"] * 4
    attempts = [shop.system.store.get(order_id).attempts for order_id in second]
    assert attempts == [1] * 4, "the redriven order was worked on alone"
