"""Shared by many tests: a system in memory with a manual clock, and a valid order."""

import itertools
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from service.orders.counts import Depth
from service.orders.message import Message
from service.orders.metric import Metric
from service.orders.model import Order
from service.orders.policy import Policy
from service.orders.ports import DeadLetter, Fulfiller, OrderStore
from service.orders.row_reader import RowReader
from service.orders.submission import new_order
from service.settings import Settings
from service.warehouses.signer import Signer
from service.warehouses.simulated import SimulatedWarehouse
from tests.memory.brake import InMemoryBrake
from tests.memory.store import InMemoryOrderStore

PINNED: dict[str, Any] = {
    "environment": "dev",
    "workflow_type": "STANDARD",
    "api_auth": "none",
    "operator_api": "off",
    "redrive_rate": 20,
    "stats_every": 2,
    "log_level": "INFO",
    "log_format": "json",
    "metrics_namespace": "DOFS",
    "max_attempts": 3,
    "visibility_timeout": 180,
    "retry_delay": 0,
    "function_timeout": 30,
    "status_shards": 8,
    "previous_status_shards": 1,
    "restart_after": 120,
    "recover_after": 400,
    "resend_after": 900,
    "look_after": 300,
    "due_after": 3 * 86_400,
    "backoff_ceiling": 3600,
    "restart_limit": 100,
    "reconcile_limit": 100,
    "reconcile_parallel": 1,
    "deadline_margin": 5,
    "warehouse_url": "",
    "warehouse_secret": "",
    "fulfillment_success_rate": 0.7,
    "fulfillment_seed": "dofs",
    "fulfillment_latency": 0,
}
"""The settings that tests rely on. A change of a production default breaks the tests of that default only."""
SETTINGS = Settings(
    **PINNED,
    orders_table="dofs-orders-test",
    failed_orders_table="dofs-failed-orders-test",
    queue_url="http://sqs.test/123456789012/dofs-fulfillment-test",
    dead_letter_queue_url="http://sqs.test/123456789012/dofs-fulfillment-dlq-test",
    state_machine_arn="arn:aws:states:ap-south-1:123456789012:stateMachine:dofs-order-processing-test",
    region="ap-south-1",
)
START = datetime(2026, 1, 31, 9, 30, 0, 123000, UTC)


def valid_order(**changes: Any) -> dict[str, Any]:
    """A valid order as a customer submits it."""
    order = {
        "customer_id": "cust_123",
        "items": [{"product_id": "prod_456", "quantity": 2, "price": 29.99}],
        "total_amount": 59.98,
    }
    return {**order, **changes}


class ManualClock:
    """A clock that only a test moves."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at

    def forward(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class RecordingQueue:
    """Records the messages that are sent or delivered again; ``broken`` makes every call fail."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.messages: list[Message] = []
        self.delayed: list[tuple[str, timedelta]] = []
        self.broken: Exception | None = None

    def send(self, message: Message) -> None:
        if self.broken:
            raise self.broken
        self.sent.append(message.order_id)
        self.messages.append(message)

    def deliver_again(self, receipt_handle: str, delay: timedelta) -> None:
        if self.broken:
            raise self.broken
        self.delayed.append((receipt_handle, delay))

    def depth(self) -> Depth:
        if self.broken:
            raise self.broken
        return Depth(len(self.sent), 0)

    def ready(self) -> None:
        if self.broken:
            raise self.broken


class RecordingWorkflow:
    """Records the executions that are started; ``broken`` makes every call fail."""

    def __init__(self) -> None:
        self.started: list[tuple[str, str]] = []
        self.traces: list[str | None] = []
        self.broken: Exception | None = None

    def start(self, order_id: str, name: str, traceparent: str | None = None) -> bool:
        if self.broken:
            raise self.broken
        if any(name == earlier for _, earlier in self.started):
            return False
        self.started.append((order_id, name))
        self.traces.append(traceparent)
        return True

    def ready(self) -> None:
        if self.broken:
            raise self.broken


def counting_ids() -> Callable[[], str]:
    """Unique ids that are the same in every run."""
    numbers = itertools.count(1)
    return lambda: f"{next(numbers):032x}"


class DeadLetterQueue:
    """A dead-letter queue in memory; ``broken`` makes every call fail."""

    def __init__(self) -> None:
        self.messages: list[DeadLetter] = []
        self.broken: Exception | None = None

    def put(self, body: str, message_id: str = "") -> DeadLetter:
        """Put a message into it."""
        message = DeadLetter(message_id or f"dead-{len(self.messages) + 1}", body)
        self.messages.append(message)
        return message

    def peek(self) -> tuple[DeadLetter, ...]:
        if self.broken:
            raise self.broken
        return tuple(self.messages[:10])

    def remove(self, unwanted: Callable[[DeadLetter], bool], most: int) -> int:
        if self.broken:
            raise self.broken
        before = len(self.messages)
        removed = [message for message in self.messages[:most] if unwanted(message)]
        self.messages = [message for message in self.messages if message not in removed]
        return before - len(self.messages)

    def depth(self) -> Depth:
        if self.broken:
            raise self.broken
        return Depth(len(self.messages), 0)


class CountingMetrics:
    """Sums the counts by metric and dimensions."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, ...]] = Counter()
        self.values: list[int] = []
        self.flushed = 0

    def record(self, metric: Metric, value: int = 1, **dimensions: str) -> None:
        assert [*dimensions] == ([metric.dimension] if metric.dimension else []), f"{metric}: {metric.dimension}"
        if metric.unit == "Count":
            self.counts[(str(metric), *dimensions.values())] += value
        else:
            self.values.append(value)

    def flush(self) -> None:
        self.flushed += 1


@dataclass
class MemorySystem:
    """All ports in memory."""

    settings: Settings = SETTINGS
    now: ManualClock = field(default_factory=ManualClock)
    store: OrderStore = field(default_factory=InMemoryOrderStore)
    queue: RecordingQueue = field(default_factory=RecordingQueue)
    dead_letters: DeadLetterQueue = field(default_factory=DeadLetterQueue)
    workflow: RecordingWorkflow = field(default_factory=RecordingWorkflow)
    metrics: CountingMetrics = field(default_factory=CountingMetrics)
    fulfiller: Fulfiller = field(default_factory=lambda: SimulatedWarehouse(1.0, "test"))
    brake: InMemoryBrake = field(default_factory=InMemoryBrake)
    new_id: Callable[[], str] = field(default_factory=counting_ids)
    cursor_key: bytes = b"of this deployment"
    signer: Signer | None = None

    def __post_init__(self) -> None:
        if isinstance(self.store, InMemoryOrderStore):
            self.store.reader = RowReader(self.metrics)

    @property
    def policy(self) -> Policy:
        return self.settings.policy

    def is_from_warehouse(self, headers: Mapping[str, str], body: bytes) -> bool:
        return self.signer is not None and self.signer.verifies(headers, body, 1)

    def receive(self, order_id: str = "ord_1", **changes: Any) -> Order:
        """Put a RECEIVED order into the store."""
        order = new_order(
            valid_order(**changes),
            order_id=order_id,
            owner="anonymous",
            actor="api",
            at=self.now(),
            write_id=self.new_id(),
        )
        return self.store.create(order)


class Context:
    """A Lambda context with a fixed remaining time."""

    function_name = "dofs-test"
    aws_request_id = "test"

    def __init__(self, seconds: float = 30) -> None:
        self.seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


def sqs_event(*bodies: str) -> dict[str, Any]:
    """An SQS event with the messages m1, m2 …"""
    return {
        "Records": [
            {
                "messageId": f"m{number}",
                "receiptHandle": f"handle-{number}",
                "body": body,
                "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1769851800123"},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:ap-south-1:123456789012:dofs-fulfillment-test",
                "awsRegion": "ap-south-1",
            }
            for number, body in enumerate(bodies, 1)
        ]
    }
