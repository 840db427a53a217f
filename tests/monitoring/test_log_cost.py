"""The bytes of log for an order, which the log level WARNING more than halves."""

import logging
import re
import uuid
from pathlib import Path

import pytest

from service.aws.metrics import EmbeddedMetricFormat
from service.embedded.functions import event_loop
from service.handler import dispatch
from service.logs import JsonLines
from service.orders import strict_json
from service.warehouses.simulated import SimulatedWarehouse
from tests import events
from tests.api.proxy import GatewaySystem, at
from tests.support import Context, sqs_event, valid_order

ORDERS = 100
PAGE = (Path(__file__).parents[2] / "docs" / "monitoring.md").read_text()

PLATFORM = (
    '{"time":"2026-11-24T04:00:08.581Z","type":"platform.start","record":'
    '{"requestId":"7d546804-0a99-4405-8c37-e73844ec5fe4","version":"12"}}\n'
    '{"time":"2026-11-24T04:00:08.592Z","type":"platform.report","record":'
    '{"requestId":"7d546804-0a99-4405-8c37-e73844ec5fe4","metrics":{"durationMs":10.531,"billedDurationMs":11,'
    '"memorySizeMB":256,"maxMemoryUsedMB":107},"status":"success"}}\n'
)
"""The lines that Lambda itself writes for an invocation at its level INFO, but not at WARN.

https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
"""


class ByteCounter(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonLines())
        self.bytes = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.bytes += len(self.format(record).encode()) + 1


class Invocation(Context):
    @property
    def aws_request_id(self) -> str:
        return str(uuid.uuid4())


class Function:
    """Invokes the handler with ids as long as those of AWS, and counts the invocations."""

    def __init__(self) -> None:
        self.metrics_bytes = self.invocations = 0
        self.system = GatewaySystem(fulfiller=SimulatedWarehouse(0.7, "dofs"))
        self.system.metrics = EmbeddedMetricFormat("DOFS", "prod", self.system.now, self._count_bytes)

    def _count_bytes(self, line: str) -> None:
        self.metrics_bytes += len(line.encode())

    def __call__(self, event):
        self.invocations += 1
        return dispatch(event, Invocation(), self.system)

    def process_order(self) -> None:
        """Process one order from the API to its terminal state, with a batch for each message."""
        event = at("/order", events.load("api_post_order"))
        event["body"] = strict_json.canonical_text(valid_order())
        self(event)
        ((order_id, name),) = self.system.workflow.started[-1:]
        given = {"order_id": order_id, "traceparent": self.system.store.get(order_id).traceparent}
        for task in ("validate", "store"):
            self({"dofs": {"task": task, "execution": name, "input": given}})
        message = sqs_event(f'{{"order_id": "{order_id}", "traceparent": "{given["traceparent"]}"}}')
        message["Records"][0]["messageId"] = str(uuid.uuid4())
        while self(message)["batchItemFailures"] and self.system.store.get(order_id).status != "FAILED":
            pass


def measure(level: str) -> tuple[float, float, float]:
    """Bytes per order: of log lines of the service, of metrics, and of Lambda's own lines."""
    logger, handler, function = logging.getLogger("service"), ByteCounter(), Function()
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(level)
    try:
        with event_loop():
            for _ in range(ORDERS):
                function.process_order()
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
    platform = len(PLATFORM) * function.invocations if level == "INFO" else 0
    return handler.bytes / ORDERS, function.metrics_bytes / ORDERS, platform / ORDERS


@pytest.fixture(scope="module")
def bytes_per_order():
    return {level: measure(level) for level in ("INFO", "WARNING")}


def test_log_level_warning_more_than_halves_the_log(bytes_per_order):
    assert sum(bytes_per_order["WARNING"]) < sum(bytes_per_order["INFO"]) / 2


def test_metrics_do_not_depend_on_the_log_level(bytes_per_order):
    assert bytes_per_order["WARNING"][1] == pytest.approx(bytes_per_order["INFO"][1], rel=0.1)
    assert bytes_per_order["WARNING"][1] > 0


@pytest.mark.parametrize("level", ["INFO", "WARNING"])
def test_the_page_shows_the_measured_bytes(level, bytes_per_order):
    (row,) = re.findall(
        rf"^\| `{level}`[^|]*\| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \| \$([\d.]+) \|$", PAGE, re.M
    )
    *parts, whole = (int(number.replace(",", "")) for number in row[:4])
    assert parts == pytest.approx(bytes_per_order[level], rel=0.1, abs=20)
    assert whole == sum(parts)
    assert float(row[4]) == pytest.approx(whole * 1e6 / 1e9 * 0.50, abs=0.01), "dollars for a million orders"
