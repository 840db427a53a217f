"""Runs the workflow once on the emulator: returns the states that it enters, and the log that AWS would write.

With ``workflow_type = "EXPRESS"`` every event is logged, without execution data (``terraform/workflow.tf``). The format
of a log line: https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
"""

import json
import time
from dataclasses import dataclass
from functools import cache
from typing import Any

from service.embedded.cloud import EmbeddedCloud
from service.orders.submission import new_order
from tests.benchmarks.cost.prices import REGION
from tests.embedded.support import running_cloud
from tests.support import valid_order

DATA = ("input", "inputDetails", "output", "outputDetails", "parameters")
"""Fields of an event that the log omits if ``include_execution_data`` is false."""

UUID = "6e520263-96db-4b80-9bd6-2c1d6a9b5b6e"
"""A UUID, as AWS appends one to the ARN of an EXPRESS execution."""


@dataclass(frozen=True, slots=True)
class Execution:
    """The execution of one valid order."""

    states: tuple[str, ...]
    """The states that it entered. AWS bills each as a state transition."""
    lines: tuple[str, ...]
    """The log of an EXPRESS workflow at the level ``ALL``."""

    @property
    def log_bytes(self) -> int:
        """The bytes of the log."""
        return sum(len(line.encode()) + 1 for line in self.lines)


@cache
def execution() -> Execution:
    """Execute the workflow for one order."""
    with running_cloud(region=REGION, environment="prod") as cloud:
        events = _events(cloud)
    entered = (event["stateEnteredEventDetails"]["name"] for event in events if event["type"].endswith("StateEntered"))
    arn = cloud.names.state_machine_arn.replace(":stateMachine:", ":express:")
    return Execution(tuple(entered), tuple(_line(event, arn) for event in events))


def _events(cloud: EmbeddedCloud) -> list[dict[str, Any]]:
    system, stepfunctions = cloud.system, cloud.client("stepfunctions")
    order_id, trace = f"ord_{system.new_id()}", f"00-{system.new_id()}-{system.new_id()[:16]}-01"
    system.store.create(
        new_order(
            valid_order(),
            order_id=order_id,
            owner="anonymous",
            actor="api",
            at=system.now(),
            write_id=system.new_id(),
            traceparent=trace,
        )
    )
    system.workflow.start(order_id, order_id, trace)
    arn = cloud.names.state_machine_arn.replace(":stateMachine:", ":execution:") + f":{order_id}"
    deadline = time.monotonic() + 30
    while (status := stepfunctions.describe_execution(executionArn=arn)["status"]) == "RUNNING":
        assert time.monotonic() < deadline, "the execution is still running after 30 s"
        time.sleep(0.01)
    assert status == "SUCCEEDED", status
    found: list[dict[str, Any]] = stepfunctions.get_execution_history(executionArn=arn)["events"]
    return found


def _line(event: dict[str, Any], arn: str) -> str:
    details: dict[str, Any] = next((value for name, value in event.items() if name.endswith("EventDetails")), {})
    line = {
        "id": str(event["id"]),
        "type": event["type"],
        "details": {name: value for name, value in details.items() if name not in DATA},
        "previous_event_id": str(event["previousEventId"]),
        "event_timestamp": str(int(event["timestamp"].timestamp() * 1000)),
        "execution_arn": f"{arn}:{'0' * len('ord_') + '0' * 32}:{UUID}",
        "redrive_count": "0",
    }
    return json.dumps(line, separators=(",", ":"))
