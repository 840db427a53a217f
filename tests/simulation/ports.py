"""The ports of one invocation. Each call takes time and can fail."""

from collections.abc import Callable, Iterator
from copy import copy
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from service.orders.brake import Brake
from service.orders.message import Message, write
from service.orders.metric import Metric
from service.orders.model import FailedOrder, FailureKind, Order, Write
from service.orders.ports import DeadLetter, OrderExists, TransitionRefused, Unavailable
from tests.simulation.loop import Crash
from tests.simulation.profiles import HOUR
from tests.simulation.warehouse import Warehouse
from tests.support import START

if TYPE_CHECKING:
    from tests.simulation.function import Invocation
    from tests.simulation.world import World

SDK_TRIES = {"orders": 3, "queue": 3, "workflow": 1}
FOREVER = 1_000 * HOUR
LATE = 300_000  # milliseconds; a request of a crashed process takes effect within that time


class Lost(Unavailable):
    """A service did not answer, or refused the call for now."""


class Ports:
    """The system that one invocation of the function sees."""

    def __init__(self, world: "World", invocation: "Invocation") -> None:
        self.world = world
        self.invocation = invocation
        self.policy = world.policy
        self.store = self
        self.queue = Queue(self)
        self.dead_letters = DeadLetters(self)
        self.workflow = Workflow(self)
        self.fulfiller = Warehouse(self)
        self.brake = BrakeRow(self)
        self.metrics = self
        self.new_id = world.new_id

    def now(self) -> datetime:
        return START + timedelta(milliseconds=self.world.loop.now + self.invocation.skew)

    def record(self, metric: Metric, value: int = 1, **dimensions: str) -> None:
        if metric is Metric.RECONCILER_INTERVENTIONS and dimensions != {"reason": "looked"}:
            self.world.interventions += value

    def flush(self) -> None:
        """Metrics are not collected here."""

    def create(self, order: Order) -> Order:
        writer = self._writer
        return self.call("orders", "receive", order.order_id, lambda: self._tables.create(order, writer, self._now))

    def apply(self, write: Write) -> Order:
        writer = self._writer
        try:
            return self.call("orders", write.name, write.order_id, lambda: self._tables.apply(write, writer, self._now))
        except Exception:
            self.world.failed_writers.add(writer)
            raise

    def get(self, order_id: str) -> Order | None:
        return self.call("orders", "get", order_id, lambda: self._tables.store.get(order_id))

    def get_failed(self, order_id: str) -> FailedOrder | None:
        return self.call("orders", "failed", order_id, lambda: self._tables.store.get_failed(order_id))

    def list_failed(self, kind: FailureKind, page: int) -> Iterator[tuple[Order, ...]]:
        yield from self._walk("failures", str(kind), self._tables.store.list_failed(kind, page))

    def list_waiting(self, status: Any, before: datetime, page: int) -> Iterator[tuple[Order, ...]]:
        stale = self.world.happens(f"index/{status}", self.world.profile.stale)
        view = self._now if stale else None
        yield from self._walk("waiting", status, self._tables.list_waiting(status, before, page, view))

    def _walk(self, operation: str, about: str, pages: Iterator[tuple[Order, ...]]) -> Iterator[tuple[Order, ...]]:
        """Read each page by a call. A retried call reads the same page."""
        for page in pages:
            yield self.call("orders", operation, about, partial(copy, page))

    def call(self, service: str, operation: str, about: str, act: Callable[[], Any]) -> Any:
        """Make one AWS call as the SDK does: up to three requests, or one, each of which can fail."""
        world, invocation = self.world, self.invocation
        name = f"{service}.{operation}/{world.label(about)}"
        for tried in range(SDK_TRIES[service]):
            fault, latency, detail = world.draw_fault("call", name)
            world.loop.sleep(5 + 20 * latency)
            if fault:
                invocation.disturbed = True
                world.trace(name, fault)
            if fault == "crash before":
                raise Crash
            if fault == "crash, and the request lands later":
                world.loop.at(world.loop.now + detail * LATE, lambda: _take_effect(act))
                raise Crash
            if world.is_down(service):
                invocation.disturbed = True
                world.loop.sleep(1_000)
            elif fault != "throttled":
                if fault == "slow":
                    world.loop.sleep(detail * 45_000)
                try:
                    answer, refusal = act(), None
                except (OrderExists, TransitionRefused) as error:
                    answer, refusal = None, error
                world.trace(name, type(refusal).__name__)
                world.loop.sleep(5 + 20 * detail)
                if fault == "crash after":
                    raise Crash
                if fault == "response lost for good":
                    break
                if fault != "response lost":
                    if refusal is not None:
                        raise refusal
                    return answer
            world.loop.sleep(100 * 2**tried)
        raise Lost(f"{service} does not answer")

    @property
    def _tables(self) -> Any:
        return self.world.tables

    @property
    def _now(self) -> int:
        return self.world.loop.now

    @property
    def _writer(self) -> str:
        """The name of the writer: a task of an invocation; a batch has one task for each record."""
        task = self.world.loop.current
        return f"{self.invocation.name}:{task.number if task else 0}"


def _take_effect(act: Callable[[], Any]) -> None:
    """Apply the request of a crashed process; nothing receives the answer."""
    try:
        act()
    except (OrderExists, TransitionRefused):
        return


class Queue:
    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    def send(self, message: Message) -> None:
        body = write(message)
        self._ports.call("queue", "send", message.order_id, lambda: self._ports.world.queue.send(body))

    def deliver_again(self, receipt_handle: str, delay: timedelta) -> None:
        queue, milliseconds = self._ports.world.queue, int(delay.total_seconds() * 1000)
        self._ports.call("queue", "delay", receipt_handle, lambda: queue.deliver_again(receipt_handle, milliseconds))


class DeadLetters:
    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    def peek(self) -> tuple[DeadLetter, ...]:
        answer: tuple[DeadLetter, ...] = self._ports.call("queue", "peek", "", self._ports.world.queue.peek)
        return answer

    def remove(self, unwanted: Callable[[DeadLetter], bool], most: int) -> int:
        queue, removed = self._ports.world.queue, 0
        messages: tuple[DeadLetter, ...] = self._ports.call("queue", "walk", "", lambda: queue.dead_messages(most))
        for message in messages:
            if unwanted(message):
                self._ports.call("queue", "remove", message.message_id, partial(queue.remove, message))
                removed += 1
        return removed


class BrakeRow:
    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    def read(self) -> Brake:
        answer: Brake = self._ports.call("orders", "brake", "", self._ports.world.brake.read)
        return answer

    def replace(self, brake: Brake) -> bool:
        if self._ports.world.brake.row.is_on:
            self._ports.world.braked_at = self._ports.world.loop.now
        answer: bool = self._ports.call("orders", "brake", "", lambda: self._ports.world.brake.replace(brake))
        return answer


class Workflow:
    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    def start(self, order_id: str, name: str, traceparent: str | None = None) -> bool:
        trace = {"traceparent": traceparent} if traceparent else {}
        workflows, given = self._ports.world.workflows, {"order_id": order_id, **trace}
        if order_id in self._ports.world.hanging:
            self._ports.world.loop.sleep(FOREVER)
        answer: bool = self._ports.call("workflow", "start", order_id, lambda: workflows.start(name, given))
        return answer
