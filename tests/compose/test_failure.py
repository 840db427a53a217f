"""Failures behave as on AWS: failed orders trigger the alarm, and callers see the function's timeouts and crashes."""

import asyncio
import json
import uuid
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from tests.compose.faults import kill, signal_runtime, stop_schedule
from tests.compose.mailbox import Mailbox, subscribe
from tests.compose.stack import Stack, docker, running_stack
from tests.invariants import check_always, check_interventions
from tests.support import sqs_event, valid_order
from tests.system import depth_becomes, ended, overdue, settled, until, world

pytestmark = [pytest.mark.anyio, pytest.mark.docker]


PATIENCE = 600  # seconds; only a failing test waits so long


@pytest.fixture(scope="module")
def failing(images: None) -> Iterator[Stack]:
    """A stack in which no attempt succeeds."""
    with running_stack("dofs-test-failing", DOFS_FULFILLMENT_SUCCESS_RATE="0") as stack:
        yield stack


def containers_and_networks_of(project: str) -> str:
    """List the ids of all containers and networks of a project."""
    label = f"label=com.docker.compose.project={project}"
    containers = docker("ps", "--all", "--quiet", "--filter", label)
    return containers + docker("network", "ls", "--quiet", "--filter", label)


def volumes_of(project: str) -> str:
    """List the volumes of a project's containers. ``down`` does not remove anonymous volumes."""
    containers = docker("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={project}").split()
    form = '{{range .Mounts}}{{if eq .Type "volume"}}{{.Name}}{{end}}{{end}}'
    return docker("inspect", "--format", form, *containers).strip()


def test_down_removes_all_containers_and_networks_and_up_works_again(failing):
    assert containers_and_networks_of(failing.project)
    assert not volumes_of(failing.project)
    failing.down()
    assert not containers_and_networks_of(failing.project)
    failing.up()


def alarm(stack: Stack) -> dict[str, Any]:
    found = stack.client("cloudwatch").describe_alarms(AlarmNames=[stack.names.dead_letter_alarm])
    return found["MetricAlarms"][0]


@pytest.fixture
def mailbox(failing: Stack) -> Iterator[Mailbox]:
    with subscribe(failing) as found:
        yield found


async def test_three_failed_attempts_leave_a_dead_letter_message_and_trigger_the_alarm(failing, mailbox):
    assert alarm(failing)["StateValue"] != "ALARM"
    async with failing.api("gateway") as api:
        order_id = (await api.post("/order", json=valid_order())).json()["order_id"]
        order = await settled(api, order_id, PATIENCE)
    assert (order["status"], order["attempts"]) == ("FAILED", 3)

    async def state() -> dict[str, Any]:
        return await asyncio.to_thread(alarm, failing)

    async def notified() -> dict[str, str]:
        return await asyncio.to_thread(mailbox.last_states)

    await until(state, lambda found: found["StateValue"] == "ALARM", PATIENCE)
    await until(notified, lambda found: found.get(failing.names.dead_letter_alarm) == "ALARM", PATIENCE)
    await depth_becomes(failing, failing.names.queue, 0, PATIENCE)
    left = world(failing, [order_id])
    check_always(left)
    assert left.failed_orders.keys() == {order_id}
    assert left.executions == [(order_id, "SUCCEEDED")], "the workflow ends when the message is in the queue"
    # On a busy machine the order may become overdue, and the reconciler then sends a second message.
    if not check_interventions(left, overdue(failing.settings)):
        states = [entry["to"] for entry in order["timeline"]]
        assert states == ["RECEIVED", "PENDING", *["PROCESSING", "PENDING"] * 2, "PROCESSING", "FAILED"]
        assert left.dead_letters == [order_id]


async def test_all_failed_orders_can_be_redriven_after_the_cause_is_fixed(failing):
    async with failing.api("gateway") as api:
        order_id = (await api.post("/order", json=valid_order())).json()["order_id"]
        assert (await settled(api, order_id, PATIENCE))["status"] == "FAILED"
    failing.up(DOFS_FULFILLMENT_SUCCESS_RATE="1")
    try:
        async with failing.api("gateway") as api:
            failed = (await api.get("/failed-orders")).json()["failed_orders"]
            assert order_id in [each["order_id"] for each in failed]
            assert {each["reason"] for each in failed} == {"declined"}
            # SQS moves a message only at its next receive. The redrive cannot remove a message that moves later.
            await depth_becomes(failing, failing.names.queue, 0, PATIENCE)
            answer = await api.post("/failed-orders/redrive", json={"note": "the warehouse is open again"})
            assert {each["outcome"] for each in answer.json()["results"]} == {"redriven"}
            for each in failed:
                order = await settled(api, each["order_id"], PATIENCE)
                assert order["status"] == "FULFILLED"
                assert ("FAILED", "PENDING", "the warehouse is open again") in [
                    (entry["from"], entry["to"], entry["reason"]) for entry in order["timeline"]
                ]
            assert (await api.get("/failed-orders")).json()["failed_orders"] == []
            await depth_becomes(failing, failing.names.dead_letter_queue, 0, PATIENCE)
            stats = (await api.get("/stats")).json()
            assert stats["dead_letter_queue"] == {"visible": 0, "in_flight": 0}
            assert stats["orders"]["FAILED"] == {"count": 0, "exact": True}
    finally:
        failing.up(DOFS_FULFILLMENT_SUCCESS_RATE="0")


def pending_order(stack: Stack) -> str:
    """Create a PENDING order without a message in the queue."""
    event = {"dofs": {"task": "validate", "execution": uuid.uuid4().hex, "input": {"order": valid_order()}}}
    accepted, failed = stack.invoke(event)
    assert not failed, accepted
    stored, failed = stack.invoke({"dofs": {"task": "store", "order_id": accepted["order_id"]}})
    assert not failed, stored
    order_id: str = stored["order_id"]
    return order_id


@pytest.mark.parametrize(
    ("strike", "error"),
    [(partial(signal_runtime, "SIGSTOP"), "Sandbox.Timedout"), (kill, "Runtime.ExitError")],
    ids=["hangs", "exits"],
)
async def test_a_function_that_hangs_or_exits_returns_an_error_and_keeps_its_lease(failing, strike, error):
    """With a single container, the fault hits the container that processes the order."""
    failing.up(
        LAMBDA_REPLICAS="1",
        DOFS_FUNCTION_TIMEOUT="15",
        DOFS_VISIBILITY_TIMEOUT="600",
        DOFS_FULFILLMENT_LATENCY="12",
    )
    order_id = pending_order(failing)
    message = sqs_event(json.dumps({"order_id": order_id}))
    (container,) = failing.containers("lambda")
    async with failing.api("server") as api, strike(container) as strike_now:
        invocation = asyncio.create_task(asyncio.to_thread(failing.invoke, message))

        async def read() -> dict[str, Any]:
            return (await api.get(f"/orders/{order_id}")).json()

        await until(read, lambda order: order["status"] == "PROCESSING", PATIENCE)
        await strike_now()
        answer, function_error = await invocation
        order = await read()
    assert (answer["errorType"], function_error) == (error, "Unhandled")
    assert (order["status"], order["attempts"]) == ("PROCESSING", 1), "an attempt is counted when it is claimed"
    failing.up()
    assert failing.invoke(message) == ({"batchItemFailures": [{"itemIdentifier": "m1"}]}, None), (
        "the lease has not expired"
    )


async def test_the_workflow_retries_a_step_that_times_out(failing):
    """No other event may be invoked meanwhile: after any timeout, the emulator starts a new runtime."""
    failing.up(
        LAMBDA_REPLICAS="1", DOFS_FUNCTION_TIMEOUT="15", DOFS_VISIBILITY_TIMEOUT="600", DOFS_FULFILLMENT_LATENCY="0"
    )
    stepfunctions, given = failing.client("stepfunctions"), json.dumps({"order": valid_order()})
    with stop_schedule(failing):
        (container,) = failing.containers("lambda")
        async with signal_runtime("SIGSTOP", container) as freeze:
            failing.invoke({"dofs": {"task": "reconcile"}})  # starts a runtime
            await freeze()
        started = stepfunctions.start_execution(stateMachineArn=failing.names.state_machine_arn, input=given)
        execution = await ended(failing, started["executionArn"].rpartition(":")[2], PATIENCE)
    history = stepfunctions.get_execution_history(executionArn=started["executionArn"])["events"]
    failures = [event["taskFailedEventDetails"]["error"] for event in history if event["type"] == "TaskFailed"]
    assert "Sandbox.Timedout" in failures
    assert execution["status"] == "SUCCEEDED"


async def test_without_a_container_the_workflow_is_throttled_and_the_api_returns_an_error(failing):
    failing.compose("stop", "--timeout", "2", "lambda")
    stepfunctions, given = failing.client("stepfunctions"), json.dumps({"order": valid_order()})
    started = stepfunctions.start_execution(stateMachineArn=failing.names.state_machine_arn, input=given)
    async with failing.api("gateway") as api:
        answer = await api.get("/health", timeout=PATIENCE)
    assert answer.status_code >= 500

    async def failures() -> list[str]:
        history = stepfunctions.get_execution_history(executionArn=started["executionArn"])["events"]
        return [event["taskFailedEventDetails"]["error"] for event in history if event["type"] == "TaskFailed"]

    assert "Lambda.TooManyRequestsException" in await until(failures, bool, PATIENCE)
    failing.up()
    execution = await ended(failing, started["executionArn"].rpartition(":")[2], PATIENCE)
    assert execution["status"] == "SUCCEEDED"
