"""Faults of networks and processes: LocalStack is unreachable for a while, or the runtime is killed during a batch.

Sockets, processes and clocks are real here. The tests check the assumptions of the simulated faults.
"""

import asyncio
import socket
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest

from tests.compose.faults import disconnect, signal_runtime
from tests.compose.stack import Stack, docker, running_stack
from tests.invariants import World, check_always, rows
from tests.support import valid_order
from tests.system import key_for, settled, until, world

pytestmark = [pytest.mark.anyio, pytest.mark.docker]

Rows = Mapping[str, Mapping[str, Any]]

OUTAGE = 20  # seconds; longer than the three tries of a write, 5 s each
CUSTOMERS = ["gateway", "gateway", "gateway", "server", "server"]  # the interface of the API that each customer uses
ORDERS_EACH = 4
PATIENCE = 600  # seconds; only a failing test waits so long
ANSWER_WITHIN = 40
"""Seconds. For one response the server makes two AWS calls, each with at most three tries of 5 s and short pauses."""

JSON, PROBLEM = "application/json", "application/problem+json"


def free_port() -> str:
    """Find a free port of this machine."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return str(found.getsockname()[1])


@pytest.fixture(scope="module")
def faulty(images: None) -> Iterator[Stack]:
    """A stack with long attempts, so that a fault hits one.

    The test chooses LocalStack's port, because Docker would choose another one after a reconnection. The reconciler
    waits twice as long as the queue, so that the queue delivers first.
    """
    timings = {
        "FULFILLMENT_LATENCY": "6",
        "FUNCTION_TIMEOUT": "15",
        "VISIBILITY_TIMEOUT": "90",
        "RECOVER_AFTER": "200",
    }
    environ = {f"DOFS_{name}": value for name, value in timings.items()}
    with running_stack("dofs-test-faults", LOCALSTACK_PORT=free_port(), **environ) as stack:
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
        """Submit each order of each customer twice, each time until it is accepted."""
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
        """Read the rows of the orders that were accepted so far."""
        dynamodb = self._stack.client("dynamodb")
        found = await asyncio.to_thread(rows, dynamodb, self._stack.settings.orders_table)
        return {order_id: row for order_id, row in found.items() if order_id in self._accepted}

    async def wait_for_processing(self, least: int) -> Rows:
        """Wait until at least ``least`` orders are PROCESSING, and return the rows."""

        def holds(found: Rows) -> bool:
            return [row["status"] for row in found.values()].count("PROCESSING") >= least

        return await until(self.rows, holds, PATIENCE)

    async def wait_for_ends(self) -> Rows:
        """Wait until each order is terminal, check the invariants, and return the rows."""
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


def next_actors(before: Rows, after: Rows) -> dict[str, str]:
    """Find the actor that next moved each order that was PROCESSING.

    It is ``fulfillment`` if the queue still had the order's message, and ``reconciler`` otherwise.
    """
    held = {order_id: len(row["timeline"]) for order_id, row in before.items() if row["status"] == "PROCESSING"}
    return {order_id: after[order_id]["timeline"][entries]["actor"] for order_id, entries in held.items()}


async def test_no_order_is_lost_while_localstack_is_disconnected_for_twenty_seconds(faulty):
    orders = Orders(faulty)
    submitting = asyncio.create_task(orders.submit())
    replicas = faulty.containers("lambda")
    async with (
        disconnect(faulty, "localstack") as disconnect_now,
        signal_runtime("SIGSTOP", *replicas) as pause,
        signal_runtime("SIGCONT", *replicas) as resume,
    ):
        await orders.wait_for_processing(least=1)
        await pause()  # no attempt ends while Docker disconnects the network, which takes seconds on a busy machine
        before = await orders.rows()
        await disconnect_now()
        await resume()
        orders.fault.set()
        await asyncio.sleep(OUTAGE)
    await submitting
    assert orders.answers["server"] == {(202, JSON), (503, PROBLEM)}
    assert all(status == 202 or status >= 500 for status, _ in orders.answers["gateway"]), orders.answers
    left = await orders.wait_for_ends()
    # An interrupted attempt does not end, or its last request reaches LocalStack after the outage: TCP sends it again.
    moved = next_actors(before, left)
    assert moved, "the outage interrupted no attempt"
    assert "fulfillment" in moved.values(), f"the messages of all interrupted attempts were deleted: {moved}"
    for access in ("gateway", "server"):
        key = key_for(faulty.settings, ("FULFILLED", 1), f"{uuid.uuid4().hex}-{access}")
        async with faulty.api(access) as api:
            assert (await api.get("/ready")).status_code == 200
            answer = await api.post("/order", json=valid_order(), headers={"Idempotency-Key": key})
            assert answer.status_code == 202
            order = await settled(api, answer.json()["order_id"], PATIENCE)
        assert order["status"] == "FULFILLED"


def start_times(stack: Stack) -> str:
    """Read the start time of each replica."""
    return docker("inspect", "--format", "{{.Id}} {{.State.StartedAt}}", *stack.containers("lambda"))


async def test_no_order_is_lost_when_a_runtime_is_killed_during_a_batch(faulty):
    replicas = start_times(faulty)
    orders = Orders(faulty)
    submitting = asyncio.create_task(orders.submit())
    async with signal_runtime("SIGKILL", *faulty.containers("lambda")) as kill:  # any container may process the batch
        before = await orders.wait_for_processing(least=3)
        await kill()
    after = await orders.rows()
    orders.fault.set()
    await submitting
    left = await orders.wait_for_ends()
    assert start_times(faulty) == replicas, "a container was restarted; only its runtime should exit"

    held = [order_id for order_id, row in before.items() if row["status"] == "PROCESSING"]
    interrupted = {order_id for order_id in held if after[order_id]["version"] == before[order_id]["version"]}
    assert len(interrupted) > 1, "the kill interrupted no batch"
    moved = next_actors(before, left)
    assert moved.keys() >= interrupted
    # An order whose attempt never ended is worked on alone. A message that waited too often for others dies, and the
    # reconciler moves its order.
    assert "fulfillment" in {moved[order_id] for order_id in interrupted}, f"no message came again: {moved}"
    for order_id in interrupted:
        claims = [entry for entry in left[order_id]["timeline"] if entry["to"] == "PROCESSING"]
        assert left[order_id]["attempts"] == len(claims) >= 2, "an interrupted attempt is counted"
