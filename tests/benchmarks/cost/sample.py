"""Invokes the real handler for a few orders, on emulated tables, and counts the calls and the log of each invocation.

One order is fulfilled by its first attempt, one by its second, one by its third, and one fails. A batch of ten has
seven orders that are fulfilled and three that are not. The success rate decides how many orders there are of each.

All counts are the same on every machine. Only ``Sample.busy`` is not: see ``durations``.
"""

import json
import logging
import re
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from moto import mock_aws

from service.aws.metrics import EmbeddedMetricFormat
from service.embedded.functions import event_loop
from service.embedded.isolation import isolate
from service.handler import dispatch
from service.logs import JsonLines
from service.orders import strict_json
from service.orders.lifecycle import Status
from service.orders.model import Order
from service.orders.warehouse import Answer, State
from service.provisioning.schedule import RECONCILE_EVENT
from service.provisioning.tables import failed_orders_table, orders_table
from service.provisioning.workflow import workflow_definition
from service.wiring import LiveSystem
from tests import events
from tests.api.proxy import at
from tests.benchmarks.cost.dynamodb import stored_size
from tests.benchmarks.cost.meter import Call, Meter
from tests.benchmarks.cost.prices import REGION
from tests.support import SETTINGS, Context, sqs_event, valid_order
from tests.warehouse_answers import TOO_LATE

FULL = 10  # messages of a full batch
FULL_BATCH = "full batch"
ACCEPTED = -1  # the plan of an order that the warehouse accepts, and ships later
PIECES = 3  # of an order whose parcels are counted
STARTED = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
DURATION = re.compile(r'(?<="duration_ms":)[\d.]+')
TABLES = {
    SETTINGS.orders_table: orders_table(SETTINGS.orders_table),
    SETTINGS.failed_orders_table: failed_orders_table(SETTINGS.failed_orders_table),
}


@dataclass(frozen=True, slots=True)
class Invocation:
    """One invocation of the function: its kind, its AWS calls and its log."""

    kind: str
    calls: tuple[Call, ...]
    lines: Counter[str]
    """Bytes of the log at the level ``INFO``, at the level ``WARNING``, and of metrics."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The invocations of orders with each outcome."""

    orders: dict[int | None, list[Invocation]]
    """All invocations of one order, by the attempt that fulfilled it; None for the failed order."""
    batch: Invocation
    """A full batch of first attempts. Seven of ten succeed."""
    read: Invocation
    """A ``GET`` of one order."""
    reconcile: Invocation
    """A run of the reconciler that finds nothing to do."""
    parcels: dict[int, list[Invocation]]
    """All invocations of an order by the number of parcels that the warehouse reported; 0 if it shipped at once."""
    row: int
    """Bytes of storage of a fulfilled order."""
    busy: dict[str, float]
    """This machine's processor time by kind of invocation, without the emulator, in seconds. No report uses it."""


class PlannedWarehouse:
    """A warehouse that fulfills each order by its planned attempt."""

    def __init__(self) -> None:
        self.plan: dict[str, int | None] = {}

    def ask(self, order: Order, seconds: float) -> Answer:
        if self.plan[order.order_id] == ACCEPTED:
            return Answer(State.ACCEPTED)
        if order.attempts == self.plan[order.order_id]:
            return Answer(State.SHIPPED)
        return Answer(State.DECLINED, "the simulated warehouse declined")

    def look(self, order: Order, seconds: float) -> Answer:
        return Answer(State.NOT_FOUND)

    def cancel(self, order: Order, seconds: float) -> Answer:
        return TOO_LATE


class LogSizes(logging.Handler):
    """Adds up the bytes of the log lines by level. Each duration counts as three digits."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonLines())
        self.bytes: Counter[str] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        line = len(DURATION.sub("12.3", self.format(record)).encode()) + 1
        self.bytes["INFO"] += line
        if record.levelno >= logging.WARNING:
            self.bytes["WARNING"] += line


class LambdaContext(Context):
    """A context whose request id has the length of Lambda's."""

    @property
    def aws_request_id(self) -> str:
        return str(uuid.uuid4())


class TimedSystem(LiveSystem):
    """The system with a clock that a test sets."""

    time = STARTED

    @property
    def now(self) -> Callable[[], datetime]:
        return lambda: self.time


class Function:
    """The function on emulated tables. Records its invocations, and moves its clock by a second for each."""

    def __init__(self, meter: Meter, log: LogSizes) -> None:
        self.invocations: list[Invocation] = []
        self.busy: defaultdict[str, list[float]] = defaultdict(list)
        self.meter, self.log = meter, log
        self.warehouse = PlannedWarehouse()
        self.system: Any = TimedSystem(replace(SETTINGS, region=REGION, log_format="json"))
        self.system.fulfiller = self.warehouse
        self.system.metrics = EmbeddedMetricFormat("DOFS", "prod", self.system.now, self._count_metrics)

    def _count_metrics(self, line: str) -> None:
        self.log.bytes["metrics"] += len(line.encode())

    def __call__(self, kind: str, event: Any) -> Any:
        self.meter.calls.clear()
        self.log.bytes.clear()
        self.system.time += timedelta(seconds=1)
        emulated, began = self.meter.emulated, time.process_time()
        answer = dispatch(event, LambdaContext(), self.system)
        busy = time.process_time() - began - (self.meter.emulated - emulated)
        self.busy[kind].append(max(0.0, busy))
        self.invocations.append(Invocation(kind, tuple(self.meter.calls), Counter(self.log.bytes)))
        return answer

    def submit(self, end: int | None, **changes: Any) -> str:
        """Submit an order, run both steps of its workflow, and return the body of its message."""
        event = at("/order", events.load("api_post_order"))
        event["body"] = strict_json.canonical_text(valid_order(**changes))
        answer = self("api", event)
        assert answer["statusCode"] == 202, answer["body"]
        order = self.system.store.get(json.loads(answer["body"])["order_id"])
        self.warehouse.plan[order.order_id] = end
        given = {"order_id": order.order_id, "traceparent": order.traceparent}
        for task in ("validate", "store"):
            given = self(task, {"dofs": {"task": task, "execution": order.order_id, "input": given}})
        return json.dumps(given)

    def deliver(self, bodies: list[str], received: int = 1) -> int:
        """Deliver a batch for the ``received``th time, and return the number of its messages that stay on the queue."""
        event = sqs_event(*bodies)
        for record in event["Records"]:
            record["messageId"] = str(uuid.uuid4())
            record["attributes"]["ApproximateReceiveCount"] = str(received)
        return len(self("batch" if len(bodies) == 1 else FULL_BATCH, event)["batchItemFailures"])

    def process(self, end: int | None, attempts: int) -> list[Invocation]:
        """Process one order with a number of attempts, and return its invocations."""
        self.invocations.clear()
        body = self.submit(end)
        kept = [self.deliver([body], received) for received in range(1, attempts + 1)]
        assert kept == [1] * (attempts - 1) + [0 if end else 1], f"{end}: {kept}"
        return list(self.invocations)

    def process_parcels(self, parcels: int) -> list[Invocation]:
        """Process an order that the warehouse ships later, in a number of parcels; at once if it is 0."""
        self.invocations.clear()
        items = [{"product_id": "prod_456", "quantity": PIECES, "price": 29.99}]
        body = self.submit(ACCEPTED if parcels else 1, items=items, total_amount=89.97)
        assert self.deliver([body]) == 0
        order_id = json.loads(body)["order_id"]
        for number in range(1, parcels + 1):
            shipment = {
                "id": f"parcel-{number}",
                "carrier": "DHL",
                "tracking_number": "00340434161094000000",
                "tracking_url": "https://parcels.example/00340434161094000000",
                "shipped_at": "2026-01-31T12:00:00.000Z",
                "items": [{"line_id": "1", "quantity": PIECES // parcels}],
            }
            told = {"id": f"evt_{number}", "type": "shipped", "order_id": f"{order_id}-d1", "shipment": shipment}
            event = at("/warehouse/events", events.load("api_post_order"))
            event["body"] = json.dumps(told)
            assert self("api", event)["statusCode"] == 200
        assert self.system.store.get(order_id).status is Status.FULFILLED
        return list(self.invocations)


@cache
def sample(rounds: int = 1) -> Sample:
    """Process the orders. The processor time is the minimum of all rounds."""
    meter, log = Meter(REGION, TABLES), LogSizes()
    with isolate(REGION), mock_aws(), event_loop(), _log_to(log):
        function = Function(meter, log)
        _create(function)
        with meter.install():
            function.process(1, 1)  # warms up: one-time work must not count
            most = SETTINGS.max_attempts
            order_id = next(iter(function.warehouse.plan))
            function.busy.clear()
            for _ in range(rounds):
                orders = {end: function.process(end, end or most) for end in (*range(1, most + 1), None)}
                batch = _full_batch(function)
                function("read", at(f"/orders/{order_id}", events.load("api_get_order")))
                function("reconcile", RECONCILE_EVENT)
            read, reconcile = function.invocations[-2:]
            busy = {kind: min(each) for kind, each in function.busy.items()}
            function.system.is_from_warehouse = lambda *_: True
            parcels = {number: function.process_parcels(number) for number in (0, 1, PIECES)}
            row = meter.row(SETTINGS.orders_table, order_id)
            return Sample(
                orders=orders,
                batch=batch,
                read=read,
                reconcile=reconcile,
                row=stored_size(TABLES[SETTINGS.orders_table], row),
                parcels=parcels,
                busy=busy,
            )


def _full_batch(function: Function) -> Invocation:
    bodies = [function.submit(1 if number < 7 else 2) for number in range(FULL)]
    assert function.deliver(bodies) == 3
    return function.invocations[-1]


def _create(function: Function) -> None:
    clients = function.system._clients
    for table in TABLES.values():
        clients.dynamodb.create_table(**table)
    name = SETTINGS.state_machine_arn.rpartition(":")[2]
    definition, role = workflow_definition("function", "queue"), "arn:aws:iam::123456789012:role/workflow"
    machine = clients.stepfunctions.create_state_machine(name=name, definition=definition, roleArn=role)
    queue = clients.sqs.create_queue(QueueName="dead-letters")["QueueUrl"]
    function.system.settings = replace(
        function.system.settings, state_machine_arn=machine["stateMachineArn"], dead_letter_queue_url=queue
    )


@contextmanager
def _log_to(log: LogSizes) -> Iterator[None]:
    """Send the service's log at ``INFO`` to one handler only."""
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
