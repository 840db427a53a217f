"""Somebody whom the alarms' topic tells: a queue that is subscribed to it."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.system import Running


@dataclass(frozen=True)
class Notification:
    """What the topic was told of an alarm."""

    at: str
    alarm: str
    state: str
    description: str


class Mailbox:
    """The notifications that have arrived so far."""

    def __init__(self, sqs: Any, url: str) -> None:
        self._sqs, self._url = sqs, url
        self._arrived: list[Notification] = []

    def arrived(self) -> list[Notification]:
        """All of them in the order of what they tell of, after a moment in which more can come."""
        while messages := self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get(
            "Messages"
        ):
            for message in messages:
                told = json.loads(json.loads(message["Body"])["Message"])
                self._arrived.append(
                    Notification(
                        told["StateChangeTime"], told["AlarmName"], told["NewStateValue"], told["AlarmDescription"]
                    )
                )
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return sorted(self._arrived, key=lambda each: each.at)

    def states(self) -> dict[str, str]:
        """The state that each alarm was last told to be in."""
        return {each.alarm: each.state for each in self.arrived()}


@contextmanager
def subscribed(system: Running) -> Iterator[Mailbox]:
    """A mailbox at the topic of a system's alarms, for as long as it is looked at."""
    sns, sqs, names = system.client("sns"), system.client("sqs"), system.names
    topic = f"arn:aws:sns:{names.region}:{names.account}:{names.alarm_topic}"
    queue = f"told-by-the-alarms-{uuid.uuid4().hex}"
    url = sqs.create_queue(QueueName=queue)["QueueUrl"]
    subscription = sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=names.queue_arn(queue), ReturnSubscriptionArn=True
    )["SubscriptionArn"]
    try:
        yield Mailbox(sqs, url)
    finally:
        sns.unsubscribe(SubscriptionArn=subscription)
        sqs.delete_queue(QueueUrl=url)
