"""What the two types of workflow differ in: whether a name runs again, and whether anybody can look at an execution.

https://docs.aws.amazon.com/step-functions/latest/dg/choosing-workflow-type.html
"""

import asyncio

import pytest

from service.orders.identity import derived_id
from tests.flow.conftest import EXPRESS, STANDARD
from tests.flow.orders import named, started, submitted
from tests.invariants import check_always
from tests.support import valid_order
from tests.system import ended, executions, keeps_executions, key_for, settled, world

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("deployment", [*STANDARD[:2], *EXPRESS], indirect=True, scope="module"),
]


async def test_the_name_of_a_raw_order_is_not_that_of_another(deployment, run):
    """STANDARD refuses to start it, EXPRESS starts it in vain."""
    name = named(deployment, run)
    assert await started(deployment, name, {"order": valid_order(metadata={"by": "hand"})})
    async with deployment.api() as api:
        order = await settled(api, derived_id("execution", name), deployment.patience)
        again = await started(deployment, name, {"order": valid_order(metadata={"by": "the other hand"})})
        assert (again is None) is keeps_executions(deployment)
        last = await submitted(api, key_for(deployment.settings, ("FULFILLED", 1), run))
        await settled(api, last, deployment.patience)
        assert (await api.get(f"/orders/{order['order_id']}")).json() == order


async def test_orders_whose_executions_are_started_again_and_again_end_once(deployment, run):
    """All starts but the first are refused with STANDARD, and run beside it with EXPRESS."""
    outcomes = [("FULFILLED", 1), ("FULFILLED", 2)]
    async with deployment.api() as api:
        keys = [key_for(deployment.settings, outcome, run) for outcome in outcomes]
        accepted = await asyncio.gather(*(submitted(api, key) for key in keys))
        starts = [started(deployment, order_id, {"order_id": order_id}) for order_id in accepted * 2]
        arns = await asyncio.gather(*starts)
        orders = [await settled(api, order_id, deployment.patience) for order_id in accepted]
    if not keeps_executions(deployment):
        assert len({*arns} - {None}) == 4
    assert [(order["status"], order["attempts"]) for order in orders] == outcomes
    assert [[entry["to"] for entry in order["timeline"]].count("RECEIVED") for order in orders] == [1, 1]
    check_always(await asyncio.to_thread(world, deployment, accepted, among_others=True))


async def test_of_an_express_execution_step_functions_keeps_nothing(deployment, run):
    arn = await started(deployment, run, {"order_id": f"ord_{run}"})
    stepfunctions = deployment.client("stepfunctions")
    if keeps_executions(deployment):
        assert (await ended(deployment, run))["status"] == "FAILED"
        assert (run, "FAILED") in await asyncio.to_thread(executions, deployment)
        return
    with pytest.raises(stepfunctions.exceptions.StateMachineTypeNotSupported):
        await asyncio.to_thread(executions, deployment)
    for question in (stepfunctions.describe_execution, stepfunctions.get_execution_history):
        with pytest.raises(stepfunctions.exceptions.InvalidArn):
            await asyncio.to_thread(question, executionArn=arn)
