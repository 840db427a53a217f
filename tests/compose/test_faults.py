"""Faults where the code meets the world: LocalStack's network is gone for a while, the runtime dies under a batch.

Sockets, processes and clocks are the real ones here; what the simulation of faults assumes of them has to hold.
"""

import asyncio
import json
import socket
import subprocess
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import httpx
import pytest

from tests.compose.stack import Stack
from tests.invariants import World, check_always, rows
from tests.support import valid_order
from tests.system import key_for, settled, until, world

pytestmark = [pytest.mark.anyio, pytest.mark.docker]

Rows = Mapping[str, Mapping[str, Any]]

OUTAGE = 10  # seconds
CUSTOMERS = ["gateway", "gateway", "gateway", "server", "server"]  # the door that each of them uses
ORDERS_EACH = 4
ANSWER_WITHIN = 40
"""Seconds. For one answer the server asks AWS twice, each time with at most three tries of 5 s, and short pauses."""

JSON, PROBLEM = "application/json", "application/problem+json"


def free_port() -> str:
    """A port of this machine that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return str(found.getsockname()[1])


@pytest.fixture(scope="module")
def faulty(images: None) -> Iterator[Stack]:
    """A stack in which attempts take long enough to be hit, and what hangs is soon given up.

    LocalStack's port is chosen here: one that Docker chooses is another one after the network was gone.
    """
    stack = Stack(
        "dofs-test-faults",
        LOCALSTACK_PORT=free_port(),
        DOFS_FULFILLMENT_LATENCY="3",
        DOFS_FUNCTION_TIMEOUT="15",
        DOFS_VISIBILITY_TIMEOUT="10",
    )
    stack.down()
    try:
        stack.up()
        yield stack
    finally:
        stack.down()


def docker(*command: str) -> str:
    return subprocess.run(["docker", *command], capture_output=True, text=True, check=True, timeout=60).stdout


class Orders:
    """The orders of a few customers who insist; half of them are sent before a fault, half as it strikes."""

    def __init__(self, stack: Stack) -> None:
        self.fault = asyncio.Event()
        self.answers: dict[str, set[tuple[int, str | None]]] = {"gateway": set(), "server": set()}
        self._stack, self._run = stack, uuid.uuid4().hex
        self._accepted: list[str] = []
        self._keys: dict[str, set[str]] = defaultdict(set)

    async def submit(self) -> None:
        """Have every customer submit every order twice, each time until it is accepted."""
        await asyncio.gather(*(self._customer(number, door) for number, door in enumerate(CUSTOMERS)))

    async def _customer(self, number: int, door: str) -> None:
        async with self._stack.api(door) as api:
            for index in range(ORDERS_EACH):
                if index == ORDERS_EACH // 2:
                    await self.fault.wait()
                key = f"{self._run}-{number}-{index}"
                for _ in range(2):
                    await self._accept(api, door, key)

    async def _accept(self, api: httpx.AsyncClient, door: str, key: str) -> None:
        async def submit() -> httpx.Response | None:
            headers = {"Idempotency-Key": key}
            try:
                answer = await api.post("/order", json=valid_order(), headers=headers, timeout=ANSWER_WITHIN)
            except httpx.TransportError:
                if door == "server":  # it has a network
                    raise
                return None
            self.answers[door].add((answer.status_code, answer.headers.get("Content-Type")))
            return answer

        answer = await until(submit, lambda answer: answer is not None and answer.status_code == 202, 120)
        assert answer is not None
        order_id = answer.json()["order_id"]
        self._accepted.append(order_id)
        self._keys[key].add(order_id)

    async def rows(self) -> Rows:
        """The rows of those that were accepted so far."""
        dynamodb = self._stack.client("dynamodb")
        found = await asyncio.to_thread(rows, dynamodb, self._stack.settings.orders_table)
        return {order_id: row for order_id, row in found.items() if order_id in self._accepted}

    async def processing(self, least: int) -> Rows:
        """The rows, as soon as so many orders are PROCESSING."""

        def holds(found: Rows) -> bool:
            return [row["status"] for row in found.values()].count("PROCESSING") >= least

        return await until(self.rows, holds, 60)

    async def end_well(self) -> Rows:
        """Wait until every order has ended, and check the invariants; the rows."""
        assert len(set(self._accepted)) == len(CUSTOMERS) * ORDERS_EACH
        async with self._stack.api("server") as api:
            for order_id in self._accepted:
                await settled(api, order_id, 240)

        async def read() -> World:
            return await asyncio.to_thread(world, self._stack, self._accepted, among_others=True, keys=self._keys)

        def is_calm(left: World) -> bool:
            running = [name for name, status in left.executions if status == "RUNNING"]
            return not running and left.failed_orders.keys() <= set(left.dead_letters)

        left = await until(read, is_calm, 90)
        check_always(left)
        return left.orders


def after_a_break(found: Rows) -> dict[str, str]:
    """Who moved on each order that had an attempt break off.

    It is ``fulfillment``, if the queue still had the order's message; otherwise the reconciler has to do it.
    """
    moved = {}
    for order_id, row in found.items():
        for entry, following in pairwise(row["timeline"]):
            if entry["to"] == "PROCESSING" and (following["to"] == "PROCESSING" or following["actor"] == "reconciler"):
                moved[order_id] = following["actor"]
    return moved


@asynccontextmanager
async def unplugged(stack: Stack, service: str) -> AsyncIterator[None]:
    """Take a service's container off the network; at the end it has it back, under the names that it had."""
    (container,), network = stack.containers(service), f"{stack.project}_default"
    form = f'{{{{json (index .NetworkSettings.Networks "{network}").Aliases}}}}'
    aliases = json.loads(docker("inspect", "--format", form, container))
    names = [part for alias in aliases for part in ("--alias", alias)]
    await asyncio.to_thread(docker, "network", "disconnect", network, container)
    try:
        yield
    finally:
        await asyncio.to_thread(docker, "network", "connect", *names, network, container)


async def test_orders_outlive_ten_seconds_in_which_nobody_reaches_localstack_nor_it_the_function(faulty):
    orders = Orders(faulty)
    submitting = asyncio.create_task(orders.submit())
    await orders.processing(least=1)
    async with unplugged(faulty, "localstack"):
        orders.fault.set()
        await asyncio.sleep(OUTAGE)
    await submitting
    assert orders.answers["server"] == {(202, JSON), (503, PROBLEM)}
    assert all(status == 202 or status >= 500 for status, _ in orders.answers["gateway"]), orders.answers
    left = await orders.end_well()
    moved = after_a_break(left)
    assert moved, "the outage was to come in the middle of a batch"
    assert "fulfillment" in moved.values(), f"all messages of attempts that broke off were deleted: {moved}"
    for door in ("gateway", "server"):
        key = key_for(faulty.settings, ("FULFILLED", 1), f"{uuid.uuid4().hex}-{door}")
        async with faulty.api(door) as api:
            assert (await api.get("/ready")).status_code == 200
            answer = await api.post("/order", json=valid_order(), headers={"Idempotency-Key": key})
            assert answer.status_code == 202
            order = await settled(api, answer.json()["order_id"], 120)
        assert order["status"] == "FULFILLED"


KILL = """
import os, pathlib, signal
for process in pathlib.Path("/proc").glob("[0-9]*"):
    if process.name != str(os.getpid()) and b"awslambdaric" in (process / "cmdline").read_bytes():
        os.kill(int(process.name), signal.SIGKILL)
        print(process.name)
"""


async def kill_runtimes(stack: Stack) -> list[str]:
    """Kill the runtime in every replica, as any may have the batch; what each printed."""
    replicas = stack.containers("lambda")
    killing = (asyncio.to_thread(docker, "exec", each, "python", "-c", KILL) for each in replicas)
    return await asyncio.gather(*killing)


def started(stack: Stack) -> str:
    """When each replica was started."""
    return docker("inspect", "--format", "{{.Id}} {{.State.StartedAt}}", *stack.containers("lambda"))


async def test_orders_outlive_a_runtime_that_is_killed_in_the_middle_of_a_batch(faulty):
    replicas = started(faulty)
    orders = Orders(faulty)
    submitting = asyncio.create_task(orders.submit())
    before = await orders.processing(least=3)
    killed = await kill_runtimes(faulty)
    after = await orders.rows()
    orders.fault.set()
    await submitting
    left = await orders.end_well()
    assert any(killed)
    assert started(faulty) == replicas, "the processes were to die, and not the containers"

    held = [order_id for order_id, row in before.items() if row["status"] == "PROCESSING"]
    struck = {order_id for order_id in held if after[order_id]["version"] == before[order_id]["version"]}
    assert len(struck) > 1, "the kill was to come in the middle of a batch"
    moved = after_a_break(left)
    assert {order_id: moved.get(order_id) for order_id in struck} == dict.fromkeys(struck, "fulfillment")
    for order_id in struck:
        claims = [entry for entry in left[order_id]["timeline"] if entry["to"] == "PROCESSING"]
        assert left[order_id]["attempts"] == len(claims) >= 2, "the attempt that broke off is charged"
