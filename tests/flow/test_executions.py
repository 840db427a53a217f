"""The differences between STANDARD and EXPRESS: repeated execution names, and the history of executions.

https://docs.aws.amazon.com/step-functions/latest/dg/choosing-workflow-type.html
"""

import asyncio

import pytest

from service.orders.identity import derive_id
from tests.flow.deployments import EXPRESS, STANDARD
from tests.flow.orders import check, execution_name, start_execution, submit
from tests.support import valid_order
from tests.system import ended, executions, keeps_executions, key_for, settled

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("deployment", [*STANDARD[:2], *EXPRESS], indirect=True, scope="package"),
]


async def test_a_second_execution_of_a_name_changes_no_order(deployment, run):
    """STANDARD refuses to start a second execution of the name, EXPRESS starts it without effect."""
    name = execution_name(deployment, run)
    assert await start_execution(deployment, name, {"order": valid_order(metadata={"by": "hand"})})
    async with deployment.api() as api:
        order = await settled(api, derive_id("execution", name), deployment.patience)
        again = await start_execution(deployment, name, {"order": valid_order(metadata={"by": "another hand"})})
        assert (again is None) is keeps_executions(deployment)
        last = await submit(api, key_for(deployment.settings, ("FULFILLED", 1), run))
        await settled(api, last, deployment.patience)
        assert (await api.get(f"/orders/{order['order_id']}")).json() == order


async def test_orders_with_several_executions_are_fulfilled_once(deployment, run):
    """STANDARD accepts only the first start, EXPRESS runs all in parallel."""
    outcomes = [("FULFILLED", 1), ("FULFILLED", 2)]
    async with deployment.api() as api:
        keys = [key_for(deployment.settings, outcome, run) for outcome in outcomes]
        accepted = await asyncio.gather(*(submit(api, key) for key in keys))
        starts = [start_execution(deployment, order_id, {"order_id": order_id}) for order_id in accepted * 2]
        arns = await asyncio.gather(*starts)
        orders = [await settled(api, order_id, deployment.patience) for order_id in accepted]
    if not keeps_executions(deployment):
        assert len({*arns} - {None}) == 4
    if await check(deployment, accepted):
        assert [(order["status"], order["attempts"]) for order in orders] == outcomes
    for order in orders:
        assert [(entry["to"], entry["actor"]) for entry in order["timeline"]].count(("RECEIVED", "api")) == 1


async def test_step_functions_keeps_standard_executions_only(deployment, run):
    arn = await start_execution(deployment, run, {"order_id": f"ord_{run}"})
    stepfunctions = deployment.client("stepfunctions")
    if keeps_executions(deployment):
        assert (await ended(deployment, run))["status"] == "FAILED"
        assert (run, "FAILED") in await asyncio.to_thread(executions, deployment)
        return
    with pytest.raises(stepfunctions.exceptions.StateMachineTypeNotSupported):
        await asyncio.to_thread(executions, deployment)
    for read in (stepfunctions.describe_execution, stepfunctions.get_execution_history):
        with pytest.raises(stepfunctions.exceptions.InvalidArn):
            await asyncio.to_thread(read, executionArn=arn)
