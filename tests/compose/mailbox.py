"""Reads the notifications of alarms from a queue that subscribes to their topic."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.system import Running


@dataclass(frozen=True)
class Notification:
    """A change of an alarm's state."""

    at: str
    alarm: str
    state: str
    description: str


class Mailbox:
    """The notifications that have arrived so far."""

    def __init__(self, sqs: Any, url: str) -> None:
        self._sqs, self._url = sqs, url
        self._arrived: list[Notification] = []

    def read(self) -> list[Notification]:
        """Read all notifications, sorted by the time of the change. Waits a second for further ones."""
        while messages := self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get(
            "Messages"
        ):
            for message in messages:
                notification = json.loads(json.loads(message["Body"])["Message"])
                self._arrived.append(
                    Notification(
                        notification["StateChangeTime"],
                        notification["AlarmName"],
                        notification["NewStateValue"],
                        notification["AlarmDescription"],
                    )
                )
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return sorted(self._arrived, key=lambda each: each.at)

    def last_states(self) -> dict[str, str]:
        """Read the last notified state of each alarm."""
        return {each.alarm: each.state for each in self.read()}


@contextmanager
def subscribe(system: Running) -> Iterator[Mailbox]:
    """Subscribe a mailbox to the topic of a system's alarms, and remove it at the end."""
    sns, sqs, names = system.client("sns"), system.client("sqs"), system.names
    topic = f"arn:aws:sns:{names.region}:{names.account}:{names.alarm_topic}"
    queue = f"alarm-notifications-{uuid.uuid4().hex}"
    url = sqs.create_queue(QueueName=queue)["QueueUrl"]
    subscription = sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=names.queue_arn(queue), ReturnSubscriptionArn=True
    )["SubscriptionArn"]
    try:
        yield Mailbox(sqs, url)
    finally:
        sns.unsubscribe(SubscriptionArn=subscription)
        sqs.delete_queue(QueueUrl=url)
