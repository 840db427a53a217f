"""SQS: a queue with at-least-once delivery and no order, its dead-letter queue, and its event source mapping."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from service.embedded.event_source_rules import batch_event, deletable
from service.orders.message import read
from service.orders.ports import DeadLetter
from tests.simulation.function import FunctionFailed
from tests.simulation.profiles import MINUTE

if TYPE_CHECKING:
    from tests.simulation.world import World

BATCH, CONCURRENCY, PEEK = 10, 5, 10
QUEUE_ARN = "arn:aws:sqs:ap-south-1:123456789012:dofs-fulfillment-test"
LONGEST_DELAY = 15 * MINUTE
LONGEST_POLL = 2_000  # milliseconds until the mapping receives a visible message

WAITS = "PENDING under the brake"


@dataclass(eq=False, slots=True)
class Message:
    number: int
    body: str
    visible_at: int
    received_at: int = 0
    receives: int = 0
    died_at: int = 0

    @property
    def order_id(self) -> str:
        return read(self.body).order_id

    @property
    def epoch(self) -> int:
        return read(self.body).epoch


class Queue:
    """The fulfillment queue and its dead-letter queue, with a record of the messages that have left them."""

    def __init__(self, world: "World", visibility: int, receives: int) -> None:
        self._world = world
        self._visibility = visibility
        self._receives = receives
        self._count = 0
        self.messages: list[Message] = []
        self.dead: list[Message] = []
        self.dropped: list[tuple[str, int]] = []
        """Of each message that was lost or purged: its order, and when."""
        self.deletions: list[tuple[str, str]] = []
        """Of each deleted message: its order, and the order's status at that moment."""
        self.removed: list[tuple[str, int, int, str]] = []
        """Of each removed dead-letter message: its order and epoch, and the order's epoch and status then."""

    def send(self, body: str) -> None:
        """Accept a message, which can be duplicated, delayed or lost."""
        order_id = read(body).order_id
        name = f"message/{self._world.label(order_id)}"
        fault, _, detail = self._world.draw_fault("message", name)
        self._world.trace(name, fault)
        if fault == "dropped":
            self.dropped.append((order_id, self._world.loop.now))
            return
        for _ in range(2 if fault == "duplicated" else 1):
            delay = int(detail * LONGEST_DELAY) if fault == "delayed" else 0
            self._put(Message(self._count, body, self._world.loop.now + delay))
            self._count += 1

    def receive(self) -> list[Message]:
        """Receive up to a batch of visible messages, in any order.

        A message that has been received too often is moved to the dead-letter queue instead.
        """
        world, now = self._world, self._world.loop.now
        visible = [message for message in self.messages if message.visible_at <= now]
        if len(visible) > 1:
            visible.sort(key=lambda message: world.rng.draw(f"order/{message.number}")[1])
        batch = []
        for message in visible:
            if message.receives >= self._receives:
                self.messages.remove(message)
                self.dead.append(message)
                message.died_at = now
            elif len(batch) < BATCH:
                message.receives += 1
                message.received_at = now
                self._hide(message, self._visibility)
                batch.append(message)
        return batch

    def deliver_again(self, handle: str, milliseconds: int) -> None:
        """Make a received message visible after a time, if it is still in the queue."""
        for message in self.messages:
            if f"m{message.number}" == handle:
                self._hide(message, milliseconds)

    def delete(self, message: Message) -> None:
        """Delete a message."""
        if message in self.messages:
            self.messages.remove(message)
            order_id = message.order_id
            others = any(each.order_id == order_id for each in (*self.messages, *self.dead))
            waited = self._world.waited(order_id, message.received_at if others else self._world.loop.now)
            status = WAITS if waited else self._world.status_since(order_id, message.received_at)
            self.deletions.append((order_id, status))

    def peek(self) -> tuple[DeadLetter, ...]:
        """Some messages of the dead-letter queue."""
        return self.dead_messages(PEEK)

    def dead_messages(self, most: int) -> tuple[DeadLetter, ...]:
        """Up to ``most`` messages of the dead-letter queue, in any order."""
        shown = self.dead
        if len(self.dead) > most:
            shown = sorted(self.dead, key=lambda message: self._world.rng.draw(f"peek/{message.number}")[1])
        return tuple(DeadLetter(f"m{each.number}", each.body) for each in shown[:most])

    def remove(self, removed: DeadLetter) -> None:
        """Remove a message from the dead-letter queue."""
        for message in [each for each in self.dead if f"m{each.number}" == removed.message_id]:
            self.dead.remove(message)
            order = self._world.tables.store.orders[message.order_id]
            self.removed.append((message.order_id, message.epoch, order.epoch, order.status))

    def purge(self) -> None:
        """Purge both queues."""
        now = self._world.loop.now
        self.dropped += [(message.order_id, now) for message in (*self.messages, *self.dead)]
        self.messages.clear()
        self.dead.clear()

    def _put(self, message: Message) -> None:
        self.messages.append(message)
        self._schedule_poll(message)

    def _hide(self, message: Message, milliseconds: int) -> None:
        message.visible_at = self._world.loop.now + milliseconds
        self._schedule_poll(message)

    def _schedule_poll(self, message: Message) -> None:
        """Let the mapping poll soon after a message becomes visible."""
        after = self._world.rng.draw(f"seen/{message.number}")[1] * LONGEST_POLL
        self._world.loop.at(message.visible_at + after, self._world.mapping.poll)


class EventSourceMapping:
    """Receives batches, invokes the function, and deletes the messages that the answer does not report as failed."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._busy = 0
        self._batches = 0

    def poll(self) -> None:
        """Receive visible messages while fewer batches than allowed are in flight."""
        world = self._world
        if world.is_down("mapping"):
            world.loop.at(world.up_again("mapping"), self.poll)
            return
        while self._busy < CONCURRENCY:
            batch = world.queue.receive()
            if not batch:
                return
            self._busy += 1
            world.loop.spawn(self._deliver, batch)

    def _deliver(self, batch: list[Message]) -> None:
        try:
            self._invoke(batch)
        finally:
            self._busy -= 1
        self._world.loop.at(self._world.loop.now, self.poll)

    def _invoke(self, batch: list[Message]) -> None:
        world = self._world
        self._batches += 1
        name = f"delivery/{world.label(batch[0].order_id)}"
        fault, latency, _ = world.draw_fault("delivery", name)
        world.trace(name, f"{len(batch)} {fault}")
        world.loop.sleep(10 + 50 * latency)
        if fault == "not invoked" or world.is_down("function"):
            return
        by_id = {f"m{message.number}": message for message in batch}
        messages = [_received(message_id, message) for message_id, message in by_id.items()]
        try:
            answer, _ = world.function.invoke(batch_event(messages, QUEUE_ARN))
        except FunctionFailed:
            return
        if fault != "not deleted":
            for done in deletable(messages, json.dumps(answer).encode(), errored=False):
                world.queue.delete(by_id[done["MessageId"]])


def _received(message_id: str, message: Message) -> dict[str, Any]:
    """A message as ReceiveMessage returns it."""
    return {
        "MessageId": message_id,
        "ReceiptHandle": message_id,
        "Body": message.body,
        "MD5OfBody": "",
        "Attributes": {"ApproximateReceiveCount": str(message.receives)},
    }
