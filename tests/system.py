"""Functions for tests of a running system, through its API and its AWS endpoint."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Container
from datetime import timedelta
from typing import Any, Protocol, TypeVar

import httpx

from service.orders.identity import order_id_for
from service.orders.lifecycle import TERMINAL
from service.provisioning.names import Names
from service.settings import Settings
from service.warehouses.decision import ships
from tests.invariants import World, rows
from tests.polling import PATIENCE
from tests.support import valid_order

T = TypeVar("T")


class Running(Protocol):
    """A running system, as the functions of this module need it."""

    @property
    def names(self) -> Names: ...
    @property
    def settings(self) -> Settings: ...
    def client(self, service: Any) -> Any: ...


async def until(read: Callable[[], Awaitable[T]], holds: Callable[[T], bool], deadline: float = PATIENCE) -> T:
    """Poll until a condition holds for the result; return that result."""
    ends = time.monotonic() + deadline
    while not holds(found := await read()):
        assert time.monotonic() < ends, f"the condition does not hold after {deadline} s: {found}"
        await asyncio.sleep(0.05)
    return found


async def settled(api: httpx.AsyncClient, order_id: str, deadline: float = PATIENCE) -> dict[str, Any]:
    """Wait until an order is terminal; return it."""

    async def read() -> dict[str, Any]:
        return (await api.get(f"/orders/{order_id}")).json()

    return await until(read, lambda order: order.get("status") in TERMINAL, deadline)


async def submit_until_accepted(api: httpx.AsyncClient, key: str) -> str:
    """Submit an order with one key until it is accepted, as a client does after errors; return its id."""

    async def submit() -> httpx.Response:
        return await api.post("/order", json=valid_order(), headers={"Idempotency-Key": key})

    answer = await until(submit, lambda answer: answer.status_code == 202, 600)
    order_id: str = answer.json()["order_id"]
    return order_id


async def depth_becomes(system: Running, queue: str, messages: int, deadline: float = PATIENCE) -> None:
    """Wait until a queue holds a number of messages."""

    async def read() -> int:
        return await asyncio.to_thread(depth, system, queue)

    await until(read, lambda found: found == messages, deadline)


async def ended(system: Running, name: str, deadline: float = PATIENCE) -> dict[str, Any]:
    """Wait until an execution has ended; return it."""

    async def read() -> dict[str, Any]:
        return await asyncio.to_thread(execution, system, name)

    return await until(read, lambda found: found["status"] != "RUNNING", deadline)


def url(system: Running, queue: str) -> str:
    """A queue's URL."""
    found: str = system.client("sqs").get_queue_url(QueueName=queue)["QueueUrl"]
    return found


def depth(system: Running, queue: str) -> int:
    """The number of messages in a queue, including those in flight."""
    return queue_depth(system.client("sqs"), url(system, queue))


def queue_depth(sqs: Any, queue_url: str) -> int:
    """The number of messages in a queue, including those in flight.

    SQS does not read its two counts at one instant: a message that becomes visible in between is in neither. The counts
    are therefore read twice, and the larger of each is used.
    """
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    reads = [sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)["Attributes"] for _ in range(2)]
    return sum(max(int(attributes[name]) for attributes in reads) for name in names)


def execution(system: Running, name: str) -> dict[str, Any]:
    """An execution as Step Functions describes it."""
    arn = system.names.state_machine_arn.replace("stateMachine", "execution") + f":{name}"
    described: dict[str, Any] = system.client("stepfunctions").describe_execution(executionArn=arn)
    return described


def keeps_executions(system: Running) -> bool:
    """Whether Step Functions keeps the executions: STANDARD ones only."""
    return system.settings.workflow_type == "STANDARD"


def executions(system: Running) -> list[tuple[str, str]]:
    """Name and status of every execution."""
    pages = system.client("stepfunctions").get_paginator("list_executions")
    found = pages.paginate(stateMachineArn=system.names.state_machine_arn)
    return [(each["name"], each["status"]) for page in found for each in page["executions"]]


def dead_letters(system: Running) -> list[str]:
    """The bodies of the messages in the dead-letter queue, which stay there and become visible again."""
    sqs, queue = system.client("sqs"), url(system, system.names.dead_letter_queue)
    dead: list[dict[str, Any]] = []
    while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        dead += messages
    for message in dead:
        sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    return [message["Body"] for message in dead]


def world(system: Running, accepted: list[str], *, among_others: bool = False, **more: Any) -> World:
    """The state that a run has left in a system; with ``among_others``, only of its accepted orders."""
    named = [json.loads(body).get("order_id") for body in dead_letters(system) if body.startswith("{")]

    def ours(order_id: str) -> bool:
        return not among_others or order_id in accepted

    def of_table(name: str) -> dict[str, dict[str, Any]]:
        return {key: row for key, row in rows(system.client("dynamodb"), name).items() if ours(key)}

    return World(
        accepted=accepted,
        orders=of_table(system.settings.orders_table),
        failed_orders=of_table(system.settings.failed_orders_table),
        dead_letters=named,
        executions=[each for each in executions(system) if ours(each[0].partition("-")[0])]
        if keeps_executions(system)
        else None,
        max_attempts=system.settings.max_attempts,
        lease=system.settings.lease,
        **more,
    )


def overdue(settings: Settings) -> dict[str, timedelta]:
    """The shortest time in each status after which the reconciler may move an order.

    It moves an order earlier if the order's message is in the dead-letter queue.
    """
    policy = settings.policy
    pending = min(policy.recover_after, policy.resend_after)
    return {"RECEIVED": policy.restart_after, "PENDING": pending, "PROCESSING": policy.lease}


def oracle(settings: Settings, order_id: str, broken_off: Container[int] = ()) -> tuple[str, int]:
    """The final status and the number of attempts of an order, computed as the simulated warehouse decides.

    Args:
        settings: the settings of the simulated warehouse.
        order_id: the order.
        broken_off: the attempts that end without an outcome; the next attempt asks for the same delivery again.
    """
    delivery = 1
    for attempt in range(1, settings.max_attempts + 1):
        if attempt not in broken_off:
            if is_shipped(settings, order_id, delivery):
                return "FULFILLED", attempt
            delivery += 1
    if settings.max_attempts in broken_off and is_shipped(settings, order_id, delivery):
        return "FULFILLED", settings.max_attempts  # the last attempt shipped it, and a look finds that
    return "FAILED", settings.max_attempts


def is_shipped(settings: Settings, order_id: str, delivery: int) -> bool:
    """Whether the simulated warehouse ships a delivery of an order."""
    key = f"{order_id}-d{delivery}"
    return ships(settings.fulfillment_seed, settings.fulfillment_success_rate, key)


def key_for(
    settings: Settings,
    outcome: tuple[str, int],
    prefix: str,
    order_of: Callable[[str], str] = lambda key: order_id_for("anonymous", key, str),
) -> str:
    """An idempotency key whose order, submitted anonymously, gets an outcome from the warehouse.

    Args:
        settings: the settings of the simulated warehouse.
        outcome: the final status and the number of attempts.
        prefix: the beginning of the key.
        order_of: the id of the order by key, if it is not derived as for an anonymous caller.
    """
    for number in range(100_000):
        key = f"{prefix}-{number:06d}"
        if oracle(settings, order_of(key)) == outcome:
            return key
    raise AssertionError(f"at this success rate no order has the outcome {outcome}")
