"""Orders as a customer submits them to a running system, and what has become of them."""

import asyncio
import json
from functools import partial
from typing import Any

from service.orders.identity import derived_id
from tests.flow.conftest import Deployment
from tests.invariants import check_always, check_without_faults
from tests.support import valid_order
from tests.system import dead_letters, key_for, oracle, until, world


async def submitted(api: Any, key: str, **headers: str) -> str:
    """Submit a valid order under a key; its id."""
    answer = await api.post("/order", json=valid_order(), headers={"Idempotency-Key": key, **headers})
    assert answer.status_code == 202, answer.text
    order_id: str = answer.json()["order_id"]
    assert answer.headers["Location"].endswith(f"/orders/{order_id}")
    return order_id


async def check(deployment: Deployment, accepted: list[str]) -> None:
    """Every invariant of a run without faults, of these orders.

    Many orders on few containers are no such run: a batch that waits for too long spends a receive without an attempt,
    as a throttled one does on AWS, and the reconciler sends its orders again. They end as the oracle says all the same.
    """
    left = await asyncio.to_thread(world, deployment, accepted, among_others=True)
    check_always(left)
    if len(accepted) > 1 and deployment.few_containers:
        ends = {order_id: (row["status"], int(row["attempts"])) for order_id, row in left.orders.items()}
        assert ends == {order_id: oracle(deployment.settings, order_id) for order_id in accepted}
    else:
        check_without_faults(left, lambda order_id: oracle(deployment.settings, order_id))


async def dead(deployment: Deployment, text: str) -> list[str]:
    """The dead letters with a text in them, once there are any."""

    async def read() -> list[str]:
        found = await asyncio.to_thread(dead_letters, deployment)
        return [body for body in found if text in body]

    return await until(read, lambda found: len(found) > 0, deployment.patience)


def named(deployment: Deployment, run: str) -> str:
    """A name for an execution by hand whose raw order the first attempt fulfills."""
    return key_for(deployment.settings, ("FULFILLED", 1), run, lambda name: derived_id("execution", name))


async def started(deployment: Deployment, name: str, given: Any) -> str | None:
    """Start an execution by hand; its ARN, or None if its name is taken."""
    stepfunctions, machine = deployment.client("stepfunctions"), deployment.names.state_machine_arn
    start = partial(stepfunctions.start_execution, stateMachineArn=machine, name=name, input=json.dumps(given))
    try:
        arn: str = (await asyncio.to_thread(start))["executionArn"]
    except stepfunctions.exceptions.ExecutionAlreadyExists:
        return None
    return arn
