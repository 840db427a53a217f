"""Orders carried by hand from the API to their end, through the real handler: what each invocation does and takes.

One order is fulfilled by its first attempt, one by its second, one by its third, and one fails; a batch of ten has
seven orders that are fulfilled and three that are not. What they do is counted by the emulator's side; how many there
are of each, a success rate says.
"""

import json
import logging
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from moto import mock_aws

from service.aws.metrics import EmbeddedMetricFormat
from service.embedded.functions import event_loop
from service.embedded.isolation import isolated
from service.handler import dispatch
from service.logs import JsonLines
from service.orders import strict_json
from service.orders.model import Failure, FailureKind, Order
from service.orders.ports import Fulfilled, NotFulfilled
from service.provisioning.schedule import RECONCILE_EVENT
from service.provisioning.tables import failed_orders_table, orders_table
from service.provisioning.workflow import workflow_definition
from service.wiring import LiveSystem
from tests import events
from tests.api.proxy import at
from tests.benchmarks.cost.dynamodb import stored
from tests.benchmarks.cost.meter import Call, Meter
from tests.benchmarks.cost.prices import REGION
from tests.support import SETTINGS, Context, sqs_event, valid_order

ROUNDS = 2  # the least time of each invocation counts
FULL = 10  # messages of a full batch
TABLES = {
    SETTINGS.orders_table: orders_table(SETTINGS.orders_table),
    SETTINGS.failed_orders_table: failed_orders_table(SETTINGS.failed_orders_table),
}


@dataclass(frozen=True, slots=True)
class Invocation:
    """What one invocation of the function did."""

    kind: str
    calls: tuple[Call, ...]
    lines: Counter[str]
    """Bytes of log: of lines at ``INFO``, at ``WARNING``, and of metrics."""
    busy: float
    """Seconds of this machine's processor, those of the emulator left out."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The invocations of orders that came to each of their ends."""

    ends: dict[int | None, list[Invocation]]
    """All of one order, by the attempt that fulfilled it; None for the one that failed."""
    batch: Invocation
    """A full batch of first attempts, seven in ten of which succeed."""
    look: Invocation
    """A ``GET`` of one order."""
    reconcile: Invocation
    """A run of the reconciler that finds nothing to do."""
    row: int
    """Bytes that a fulfilled order takes for as long as it is kept."""


class Planned:
    """A warehouse that fulfills each order by the attempt that was planned for it."""

    def __init__(self) -> None:
        self.plan: dict[str, int | None] = {}

    def fulfill(self, order: Order, seconds: float) -> Fulfilled | NotFulfilled:
        if order.attempts == self.plan[order.order_id]:
            return Fulfilled()
        return NotFulfilled(Failure(FailureKind.DECLINED, "the simulated warehouse declined"))


class Weighed(logging.Handler):
    """Adds up the bytes of the lines that each log level writes."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonLines())
        self.bytes: Counter[str] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        line = len(self.format(record).encode()) + 1
        self.bytes["INFO"] += line
        if record.levelno >= logging.WARNING:
            self.bytes["WARNING"] += line


class Requested(Context):
    """A context whose request id is as long as Lambda's."""

    @property
    def aws_request_id(self) -> str:
        return str(uuid.uuid4())


class Function:
    """The function on emulated tables, and a record of its invocations."""

    def __init__(self, meter: Meter, log: Weighed) -> None:
        self.made: list[Invocation] = []
        self.meter, self.log = meter, log
        self.warehouse = Planned()
        self.system: Any = LiveSystem(replace(SETTINGS, region=REGION, log_format="json"))
        self.system.fulfiller = self.warehouse
        self.system.metrics = EmbeddedMetricFormat("DOFS", "prod", self.system.now, self._weigh)

    def _weigh(self, line: str) -> None:
        self.log.bytes["metrics"] += len(line.encode())

    def __call__(self, kind: str, event: Any) -> Any:
        self.meter.calls.clear()
        self.log.bytes.clear()
        emulated, began = self.meter.emulated, time.process_time()
        answer = dispatch(event, Requested(), self.system)
        busy = time.process_time() - began - (self.meter.emulated - emulated)
        self.made.append(Invocation(kind, tuple(self.meter.calls), Counter(self.log.bytes), max(0.0, busy)))
        return answer

    def take(self, end: int | None) -> str:
        """Submit an order and take it through both steps of its workflow; the body of its message."""
        event = at("/order", events.load("api_post_order"))
        event["body"] = strict_json.canonical_text(valid_order())
        answer = self("api", event)
        assert answer["statusCode"] == 202, answer["body"]
        order = self.system.store.get(json.loads(answer["body"])["order_id"])
        self.warehouse.plan[order.order_id] = end
        given = {"order_id": order.order_id, "traceparent": order.traceparent}
        for task in ("validate", "store"):
            given = self(task, {"dofs": {"task": task, "execution": order.order_id, "input": given}})
        return json.dumps(given)

    def deliver(self, bodies: list[str]) -> int:
        """Deliver a batch; how many of its messages stay on the queue."""
        event = sqs_event(*bodies)
        for record in event["Records"]:
            record["messageId"] = str(uuid.uuid4())
        return len(self("batch", event)["batchItemFailures"])

    def carry(self, end: int | None, attempts: int) -> list[Invocation]:
        """An order by itself, to an end that takes so many attempts."""
        self.made.clear()
        body = self.take(end)
        kept = [self.deliver([body]) for _ in range(attempts)]
        assert kept == [1] * (attempts - 1) + [0 if end else 1], f"{end}: {kept}"
        return list(self.made)


@cache
def sample() -> Sample:
    """Carry the orders."""
    meter, log = Meter(REGION, TABLES), Weighed()
    with isolated(REGION), mock_aws(), event_loop(), _listening(log):
        function = Function(meter, log)
        _create(function)
        with meter.installed():
            function.carry(1, 1)  # what is done once in a process is done now
            most = SETTINGS.max_attempts
            ends = {
                end: [function.carry(end, end or most) for _ in range(ROUNDS)] for end in (*range(1, most + 1), None)
            }
            batches = [_full_batch(function) for _ in range(ROUNDS)]
            order_id = next(iter(function.warehouse.plan))
            for _ in range(ROUNDS):
                function("look", at(f"/orders/{order_id}", events.load("api_get_order")))
                function("reconcile", RECONCILE_EVENT)
            row = meter.row(SETTINGS.orders_table, order_id)
            return Sample(
                ends={end: [_quickest(same) for same in zip(*rounds, strict=True)] for end, rounds in ends.items()},
                batch=_quickest(batches),
                look=_quickest([each for each in function.made if each.kind == "look"]),
                reconcile=_quickest([each for each in function.made if each.kind == "reconcile"]),
                row=stored(TABLES[SETTINGS.orders_table], row),
            )


def _full_batch(function: Function) -> Invocation:
    bodies = [function.take(1 if number < 7 else 2) for number in range(FULL)]
    assert function.deliver(bodies) == 3
    return function.made[-1]


def _quickest(same: Any) -> Invocation:
    return min(same, key=lambda each: each.busy)


def _create(function: Function) -> None:
    clients = function.system._clients
    for table in TABLES.values():
        clients.dynamodb.create_table(**table)
    name = SETTINGS.state_machine_arn.rpartition(":")[2]
    definition, role = workflow_definition("function", "queue"), "arn:aws:iam::123456789012:role/workflow"
    made = clients.stepfunctions.create_state_machine(name=name, definition=definition, roleArn=role)
    queue = clients.sqs.create_queue(QueueName="dead-letters")["QueueUrl"]
    function.system.settings = replace(
        function.system.settings, state_machine_arn=made["stateMachineArn"], dead_letter_queue_url=queue
    )


@contextmanager
def _listening(log: Weighed) -> Iterator[None]:
    """Have the service's log at ``INFO`` go to one handler, and to no other."""
    logger = logging.getLogger("service")
    level, propagates = logger.level, logger.propagate
    logger.addHandler(log)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(log)
        logger.setLevel(level)
        logger.propagate = propagates
