"""Submits orders as a customer does, and checks their results."""

import asyncio
import json
from collections import Counter
from functools import partial
from typing import Any

import httpx

from service.orders.identity import derive_id
from tests.flow.deployments import Deployment
from tests.invariants import broken_off, check_always, check_interventions
from tests.support import valid_order
from tests.system import dead_letters, key_for, oracle, overdue, until, url, world


async def submit(api: Any, key: str, order: Any = None, **headers: str) -> str:
    """Submit an order with a key, and return its id. Server errors are retried, as a client would do.

    Args:
        api: a client of the API.
        key: the idempotency key.
        order: the order; by default, ``valid_order()``.
        headers: more headers.
    """

    async def post() -> Any:
        return await api.post("/order", json=order or valid_order(), headers={"Idempotency-Key": key, **headers})

    answer = await until(post, lambda answer: answer.status_code < 500)
    assert answer.status_code == 202, answer.text
    order_id: str = answer.json()["order_id"]
    assert answer.headers["Location"].endswith(f"/orders/{order_id}")
    return order_id


async def send_messages(deployment: Deployment, bodies: list[str]) -> None:
    """Send messages to the queue."""
    sqs, queue = deployment.client("sqs"), url(deployment, deployment.names.queue)
    for body in bodies:
        await asyncio.to_thread(sqs.send_message, QueueUrl=queue, MessageBody=body)


async def check(deployment: Deployment, accepted: list[str]) -> bool:
    """Check the invariants of these orders after a run without faults. Returns whether there was no delay.

    A warehouse over HTTP has a ledger: it has one parcel of each FULFILLED order, and no other parcel of these orders.

    On a busy machine a batch may wait longer than the visibility timeout, an attempt may lose its lease, and an order
    may become overdue, so that the reconciler moves it. The timeline shows each of these, and each must be due. Apart
    from attempts that lost their lease, the warehouse decides the final states.
    """
    left = await asyncio.to_thread(world, deployment, accepted, among_others=True)
    check_always(left)
    if deployment.warehouse:
        parcels = (await read_ledger(deployment.warehouse))["parcels"]
        shipped = Counter(parcel["order_id"] for parcel in parcels if parcel["order_id"] in accepted)
        assert shipped == Counter(order_id for order_id, row in left.orders.items() if row["status"] == "FULFILLED")
    lost = {order_id: broken_off(row) for order_id, row in left.orders.items()}
    ends = {order_id: (row["status"], int(row["attempts"])) for order_id, row in left.orders.items()}
    assert ends == {order_id: oracle(deployment.settings, order_id, lost[order_id]) for order_id in accepted}
    if check_interventions(left, overdue(deployment.settings)):
        return False
    assert left.executions is None or len(left.executions) == len(left.orders)
    return not any(lost.values())


async def read_ledger(warehouse: str) -> dict[str, Any]:
    """The whole ledger of a warehouse: its deliveries and parcels, newest first, and the counts of its callbacks.

    No line of an order was shipped twice.
    """
    ledger: dict[str, Any] = {"deliveries": [], "parcels": []}
    async with httpx.AsyncClient(base_url=warehouse, timeout=60) as client:
        page: str | None = "/ledger?limit=1000"
        while page:
            read = (await client.get(page)).json()
            assert read["doubled"] == []
            for entries in ("deliveries", "parcels"):
                ledger[entries] += read[entries]
            ledger["callbacks"], page = read["callbacks"], read["next"]
    return ledger


async def dead_messages(deployment: Deployment, text: str) -> list[str]:
    """Wait for messages in the dead-letter queue that contain a text, and return them."""

    async def read() -> list[str]:
        found = await asyncio.to_thread(dead_letters, deployment)
        return [body for body in found if text in body]

    return await until(read, lambda found: len(found) > 0, deployment.patience)


def execution_name(deployment: Deployment, run: str) -> str:
    """Find a name for a manual execution whose raw order the first attempt fulfills."""
    return key_for(deployment.settings, ("FULFILLED", 1), run, lambda name: derive_id("execution", name))


async def start_execution(deployment: Deployment, name: str, given: Any) -> str | None:
    """Start a manual execution. Returns its ARN, or None if its name is taken."""
    stepfunctions, machine = deployment.client("stepfunctions"), deployment.names.state_machine_arn
    start = partial(stepfunctions.start_execution, stateMachineArn=machine, name=name, input=json.dumps(given))
    try:
        arn: str = (await asyncio.to_thread(start))["executionArn"]
    except stepfunctions.exceptions.ExecutionAlreadyExists:
        return None
    return arn
