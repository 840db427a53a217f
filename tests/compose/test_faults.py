"""Faults of networks and processes: LocalStack is unreachable for a while, the runtime dies in the middle of a batch.

Sockets, processes and clocks are real here, and have to behave as the simulation of faults assumes.
"""

import asyncio
import socket
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import httpx
import pytest

from tests.compose.faults import signal_runtime, unplug
from tests.compose.stack import Stack, docker, running
from tests.invariants import World, check_always, rows
from tests.support import valid_order
from tests.system import key_for, settled, until, world

pytestmark = [pytest.mark.anyio, pytest.mark.docker]

Rows = Mapping[str, Mapping[str, Any]]

OUTAGE = 20  # seconds; an attempt and its tries to write take less
CUSTOMERS = ["gateway", "gateway", "gateway", "server", "server"]  # the way that each of them reaches the API
ORDERS_EACH = 4
PATIENCE = 600  # seconds; only a failing test waits so long
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
    """A stack in which an attempt lasts long enough to be hit, and a call that hangs times out soon.

    LocalStack's port is chosen here: Docker would choose another one when the network is connected again. The
    reconciler waits much longer than the queue, so that the queue comes first on a busy machine, too.
    """
    timings = {
        "FULFILLMENT_LATENCY": "8",
        "FUNCTION_TIMEOUT": "15",
        "VISIBILITY_TIMEOUT": "20",
        "RECOVER_AFTER": "120",
    }
    environ = {f"DOFS_{name}": value for name, value in timings.items()}
    with running("dofs-test-faults", LOCALSTACK_PORT=free_port(), **environ) as stack:
        yield stack


class Orders:
    """Orders of customers who retry until they are accepted; half are sent before a fault, half during it."""

    def __init__(self, stack: Stack) -> None:
        self.fault = asyncio.Event()
        self.answers: dict[str, set[tuple[int, str | None]]] = {"gateway": set(), "server": set()}
        self._stack, self._run = stack, uuid.uuid4().hex
        self._accepted: list[str] = []
        self._keys: dict[str, set[str]] = defaultdict(set)

    async def submit(self) -> None:
        """Have every customer submit every order twice, each time until it is accepted."""
        await asyncio.gather(*(self._customer(number, access) for number, access in enumerate(CUSTOMERS)))

    async def _customer(self, number: int, access: str) -> None:
        async with self._stack.api(access) as api:
            for index in range(ORDERS_EACH):
                if index == ORDERS_EACH // 2:
                    await self.fault.wait()
                key = f"{self._run}-{number}-{index}"
                for _ in range(2):
                    await self._accept(api, access, key)

    async def _accept(self, api: httpx.AsyncClient, access: str, key: str) -> None:
        async def submit() -> httpx.Response | None:
            headers = {"Idempotency-Key": key}
            try:
                answer = await api.post("/order", json=valid_order(), headers=headers, timeout=ANSWER_WITHIN)
            except httpx.TransportError:
                if access == "server":  # its network is not disconnected
                    raise
                return None
            self.answers[access].add((answer.status_code, answer.headers.get("Content-Type")))
            return answer

        answer = await until(submit, lambda answer: answer is not None and answer.status_code == 202, PATIENCE)
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

        return await until(self.rows, holds, PATIENCE)

    async def end(self) -> Rows:
        """Wait until every order has ended, and check the invariants; the rows."""
        assert len(set(self._accepted)) == len(CUSTOMERS) * ORDERS_EACH
        async with self._stack.api("server") as api:
            for order_id in self._accepted:
                await settled(api, order_id, PATIENCE)

        async def read() -> World:
            return await asyncio.to_thread(world, self._stack, self._accepted, among_others=True, keys=self._keys)

        def is_calm(left: World) -> bool:
            running = [name for name, status in left.executions if status == "RUNNING"]
            return not running and left.failed_orders.keys() <= set(left.dead_letters)

        left = await until(read, is_calm, PATIENCE)
        check_always(left)
        return left.orders


def moved_after_a_break(found: Rows) -> dict[str, str]:
    """The actor that moved each order after one of its attempts broke off.

    It is ``fulfillment`` if the queue still had the order's message, and the reconciler otherwise.
    """
    moved = {}
    for order_id, row in found.items():
        for entry, following in pairwise(row["timeline"]):
            if entry["to"] == "PROCESSING" and (following["to"] == "PROCESSING" or following["actor"] == "reconciler"):
                moved[order_id] = following["actor"]
    return moved


async def test_orders_survive_twenty_seconds_without_localstacks_network(faulty):
    orders = Orders(faulty)
    submitting = asyncio.create_task(orders.submit())
    replicas = faulty.containers("lambda")
    async with (
        unplug(faulty, "localstack") as unplug_now,
        signal_runtime("SIGSTOP", *replicas) as pause,
        signal_runtime("SIGCONT", *replicas) as resume,
    ):
        await orders.processing(least=1)
        await pause()  # no attempt ends while Docker disconnects the network, which takes seconds on a busy machine
        await unplug_now()
        await resume()
        orders.fault.set()
        await asyncio.sleep(OUTAGE)
    await submitting
    assert orders.answers["server"] == {(202, JSON), (503, PROBLEM)}
    assert all(status == 202 or status >= 500 for status, _ in orders.answers["gateway"]), orders.answers
    left = await orders.end()
    moved = moved_after_a_break(left)
    assert moved, "the outage was to come in the middle of a batch"
    assert "fulfillment" in moved.values(), f"all messages of attempts that broke off were deleted: {moved}"
    for access in ("gateway", "server"):
        key = key_for(faulty.settings, ("FULFILLED", 1), f"{uuid.uuid4().hex}-{access}")
        async with faulty.api(access) as api:
            assert (await api.get("/ready")).status_code == 200
            answer = await api.post("/order", json=valid_order(), headers={"Idempotency-Key": key})
            assert answer.status_code == 202
            order = await settled(api, answer.json()["order_id"], PATIENCE)
        assert order["status"] == "FULFILLED"


def started_at(stack: Stack) -> str:
    """The time at which each replica was started."""
    return docker("inspect", "--format", "{{.Id}} {{.State.StartedAt}}", *stack.containers("lambda"))


async def test_orders_survive_a_runtime_that_is_killed_in_the_middle_of_a_batch(faulty):
    replicas = started_at(faulty)
    orders = Orders(faulty)
    submitting = asyncio.create_task(orders.submit())
    async with signal_runtime("SIGKILL", *faulty.containers("lambda")) as kill:  # any of them may have the batch
        before = await orders.processing(least=3)
        await kill()
    after = await orders.rows()
    orders.fault.set()
    await submitting
    left = await orders.end()
    assert started_at(faulty) == replicas, "the processes were to die, and not the containers"

    held = [order_id for order_id, row in before.items() if row["status"] == "PROCESSING"]
    struck = {order_id for order_id in held if after[order_id]["version"] == before[order_id]["version"]}
    assert len(struck) > 1, "the kill was to come in the middle of a batch"
    moved = moved_after_a_break(left)
    assert {order_id: moved.get(order_id) for order_id in struck} == dict.fromkeys(struck, "fulfillment")
    for order_id in struck:
        claims = [entry for entry in left[order_id]["timeline"] if entry["to"] == "PROCESSING"]
        assert left[order_id]["attempts"] == len(claims) >= 2, "the attempt that broke off is charged"
