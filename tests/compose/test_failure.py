"""What fails, fails as on AWS: orders that nobody fulfills reach the alarm, timeouts and crashes reach the caller."""

import asyncio
import json
import subprocess
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.compose.mailbox import Mailbox, subscribed
from tests.compose.stack import Stack
from tests.support import sqs_event, valid_order
from tests.system import depth, depth_becomes, ended, settled, until

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


@pytest.fixture
def mailbox(failing: Stack) -> Iterator[Mailbox]:
    with subscribed(failing) as found:
        yield found


async def test_three_failed_attempts_fill_the_dead_letter_queue_and_set_off_the_alarm(failing, mailbox):
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

    async def told() -> dict[str, str]:
        return await asyncio.to_thread(mailbox.states)

    await until(state, lambda found: found["StateValue"] == "ALARM", 180)
    await until(told, lambda found: found.get(failing.names.dead_letter_alarm) == "ALARM")
    assert depth(failing, failing.names.dead_letter_queue) == 1
    assert depth(failing, failing.names.queue) == 0
    assert (await ended(failing, order_id))["status"] == "SUCCEEDED", "the workflow ends where the queue begins"


async def test_an_operator_who_has_mended_the_cause_sees_every_failed_order_through(failing):
    async with failing.api("gateway") as api:
        order_id = (await api.post("/order", json=valid_order())).json()["order_id"]
        assert (await settled(api, order_id, 90))["status"] == "FAILED"
    failing.up(DOFS_FULFILLMENT_SUCCESS_RATE="1")
    try:
        async with failing.api("gateway") as api:
            failed = (await api.get("/failed-orders")).json()["failed_orders"]
            assert order_id in [each["order_id"] for each in failed]
            assert {each["reason"] for each in failed} == {"declined"}
            # A message dies at its next receive only; one that died after the redrive would be taken out later.
            await depth_becomes(failing, failing.names.dead_letter_queue, len(failed), 90)
            answer = await api.post("/failed-orders/redrive", json={"note": "the warehouse is open again"})
            assert {each["outcome"] for each in answer.json()["results"]} == {"redriven"}
            for each in failed:
                order = await settled(api, each["order_id"], 90)
                assert order["status"] == "FULFILLED"
                assert ("FAILED", "PENDING", "the warehouse is open again") in [
                    (entry["from"], entry["to"], entry["reason"]) for entry in order["timeline"]
                ]
            assert (await api.get("/failed-orders")).json()["failed_orders"] == []
            await depth_becomes(failing, failing.names.dead_letter_queue, 0, 150)
            stats = (await api.get("/stats")).json()
            assert stats["dead_letter_queue"] == {"visible": 0, "in_flight": 0}
            assert stats["orders"]["FAILED"] == {"count": 0, "exact": True}
    finally:
        failing.up(DOFS_FULFILLMENT_SUCCESS_RATE="0")


def pending_order(stack: Stack) -> str:
    """An order that is PENDING, and that no message is about."""
    event = {"dofs": {"task": "validate", "execution": uuid.uuid4().hex, "input": {"order": valid_order()}}}
    accepted, failed = stack.invoke(event)
    assert not failed, accepted
    stored, failed = stack.invoke({"dofs": {"task": "store", "order_id": accepted["order_id"]}})
    assert not failed, stored
    order_id: str = stored["order_id"]
    return order_id


FREEZE = """
import os, pathlib, signal
for process in pathlib.Path("/proc").glob("[0-9]*"):
    if process.name != str(os.getpid()) and b"awslambdaric" in (process / "cmdline").read_bytes():
        os.kill(int(process.name), signal.SIGSTOP)
"""


def freeze(container: str) -> None:
    """Stop the runtime in a container as if it hung; the emulator around it runs on."""
    subprocess.run(["docker", "exec", container, "python", "-c", FREEZE], check=True, timeout=30)


def kill(container: str) -> None:
    """Kill a container."""
    subprocess.run(["docker", "kill", container], check=True, capture_output=True, timeout=30)


@pytest.mark.parametrize(("strike", "error"), [(freeze, "Sandbox.Timedout"), (kill, "Runtime.ExitError")])
async def test_a_function_that_hangs_or_dies_is_an_error_and_its_order_is_not_lost(failing, strike, error):
    failing.up(DOFS_FUNCTION_TIMEOUT="15", DOFS_VISIBILITY_TIMEOUT="60", DOFS_FULFILLMENT_LATENCY="8")
    order_id = pending_order(failing)
    message = sqs_event(json.dumps({"order_id": order_id}))
    invocation = asyncio.create_task(asyncio.to_thread(failing.invoke, message))

    async with failing.api("server") as api:

        async def read() -> dict[str, Any]:
            return (await api.get(f"/orders/{order_id}")).json()

        await until(read, lambda order: order["status"] == "PROCESSING")
        for container in failing.containers("lambda"):
            strike(container)
        answer, said = await invocation
        order = await read()
    assert (answer["errorType"], said) == (error, "Unhandled")
    assert (order["status"], order["attempts"]) == ("PROCESSING", 1), "the attempt was charged when it was claimed"
    failing.up()
    assert failing.invoke(message) == ({"batchItemFailures": [{"itemIdentifier": "m1"}]}, None), "its lease lives"


async def test_a_step_that_hangs_is_a_failed_task_that_the_workflow_tries_again(failing):
    failing.up(DOFS_FUNCTION_TIMEOUT="6", DOFS_VISIBILITY_TIMEOUT="60", DOFS_FULFILLMENT_LATENCY="0")
    failing.invoke({"dofs": {"task": "reconcile"}})  # so that there is a runtime
    for container in failing.containers("lambda"):
        freeze(container)
    stepfunctions, given = failing.client("stepfunctions"), json.dumps({"order": valid_order()})
    started = stepfunctions.start_execution(stateMachineArn=failing.names.state_machine_arn, input=given)
    execution = await ended(failing, started["executionArn"].rpartition(":")[2], 120)
    history = stepfunctions.get_execution_history(executionArn=started["executionArn"])["events"]
    failures = [event["taskFailedEventDetails"]["error"] for event in history if event["type"] == "TaskFailed"]
    assert "Sandbox.Timedout" in failures
    assert execution["status"] == "SUCCEEDED"


async def test_without_a_container_the_workflow_is_throttled_and_the_api_answers_with_an_error(failing):
    failing.compose("stop", "--timeout", "2", "lambda")
    stepfunctions, given = failing.client("stepfunctions"), json.dumps({"order": valid_order()})
    started = stepfunctions.start_execution(stateMachineArn=failing.names.state_machine_arn, input=given)
    async with failing.api("gateway") as api:
        answer = await api.get("/health", timeout=60)
    assert answer.status_code >= 500

    async def failures() -> list[str]:
        history = stepfunctions.get_execution_history(executionArn=started["executionArn"])["events"]
        return [event["taskFailedEventDetails"]["error"] for event in history if event["type"] == "TaskFailed"]

    assert "Lambda.TooManyRequestsException" in await until(failures, bool, 120)
    failing.up()
    execution = await ended(failing, started["executionArn"].rpartition(":")[2], 120)
    assert execution["status"] == "SUCCEEDED"
