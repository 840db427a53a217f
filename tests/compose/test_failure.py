"""What fails, fails as on AWS: orders that nobody fulfills reach the alarm, timeouts and crashes reach the caller."""

import asyncio
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.compose.stack import Stack
from tests.support import sqs_event, valid_order
from tests.system import depth, ended, settled, until

pytestmark = [pytest.mark.anyio, pytest.mark.docker]


@pytest.fixture(scope="module")
def failing(images: None) -> Iterator[Stack]:
    """A stack in which no attempt succeeds."""
    stack = Stack("dofs-test-failing", DOFS_FULFILLMENT_SUCCESS_RATE="0")
    stack.down()
    try:
        stack.up()
        yield stack
    finally:
        stack.down()


def alarm(stack: Stack) -> dict[str, Any]:
    found = stack.client("cloudwatch").describe_alarms(AlarmNames=[stack.names.dead_letter_alarm])
    return found["MetricAlarms"][0]


async def test_three_failed_attempts_fill_the_dead_letter_queue_and_set_off_the_alarm(failing):
    assert alarm(failing)["StateValue"] != "ALARM"
    async with failing.api("gateway") as api:
        order_id = (await api.post("/order", json=valid_order())).json()["order_id"]
        order = await settled(api, order_id, 90)
    assert (order["status"], order["attempts"]) == ("FAILED", 3)
    states = [entry["to"] for entry in order["timeline"]]
    assert states == ["RECEIVED", "PENDING", *["PROCESSING", "PENDING"] * 2, "PROCESSING", "FAILED"]
    found = failing.client("dynamodb").scan(TableName=failing.settings.failed_orders_table)["Items"]
    assert [row["order_id"]["S"] for row in found] == [order_id]

    async def state() -> dict[str, Any]:
        return await asyncio.to_thread(alarm, failing)

    alarmed = await until(state, lambda found: found["StateValue"] == "ALARM", 180)
    assert alarmed["AlarmActions"]
    assert depth(failing, failing.names.dead_letter_queue) == 1
    assert depth(failing, failing.names.queue) == 0
    assert (await ended(failing, order_id))["status"] == "SUCCEEDED", "the workflow ends where the queue begins"


def slow_attempt(stack: Stack, order_id: str) -> Any:
    """Invoke the function with an order's message, as the event source mapping does."""
    return stack.invoke(sqs_event(f'{{"order_id": "{order_id}"}}'))


def pending_order(stack: Stack) -> str:
    """An order that is PENDING, and that no message is about."""
    accepted, failed = stack.invoke({"dofs": {"task": "validate", "execution": "e", "input": {"order": valid_order()}}})
    assert not failed, accepted
    stored, failed = stack.invoke({"dofs": {"task": "store", "order_id": accepted["order_id"]}})
    assert not failed, stored
    order_id: str = stored["order_id"]
    return order_id


async def test_a_function_that_overruns_its_timeout_or_dies_is_an_error_and_its_order_is_not_lost(failing):
    slow = {"DOFS_FUNCTION_TIMEOUT": "6", "DOFS_VISIBILITY_TIMEOUT": "60", "DOFS_FULFILLMENT_LATENCY": "20"}
    failing.up(**slow)
    order_id = pending_order(failing)
    assert slow_attempt(failing, order_id) == (
        {"errorType": "Sandbox.Timedout", "errorMessage": "Task timed out after 6.00 seconds"},
        "Unhandled",
    )
    answers: list[Any] = []
    invocation = threading.Thread(target=lambda: answers.append(slow_attempt(failing, pending_order(failing))))
    invocation.start()
    replicas = failing.containers("lambda")

    async def processing() -> int:
        async with failing.api("server") as api:
            return len((await api.get("/orders", params={"status": "PROCESSING"})).json()["orders"])

    await until(processing, lambda orders: orders == 2)
    subprocess.run(["docker", "kill", *replicas], check=True, capture_output=True)
    await asyncio.to_thread(invocation.join, 30)
    (answer, error), *_ = answers
    assert (answer["errorType"], error) == ("Runtime.ExitError", "Unhandled")
    failing.up()
    async with failing.api("gateway") as api:
        order = (await api.get(f"/orders/{order_id}")).json()
    assert (order["status"], order["attempts"]) == ("PROCESSING", 1), "the attempt was charged when it was claimed"
