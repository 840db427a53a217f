"""Submits orders from concurrent clients, timed from the first request until the last order is FULFILLED."""

import asyncio
import sys
import time
from dataclasses import dataclass

import httpx

from tests.benchmarks.figures import Figure
from tests.support import valid_order


class DeadlineExceeded(Exception):
    """Orders were not FULFILLED within the deadline."""


@dataclass(frozen=True)
class Load:
    """The duration of a number of orders from a number of clients, in seconds."""

    clients: int
    orders: int
    seconds: float

    @property
    def per_second(self) -> float:
        """Orders per second."""
        return self.orders / self.seconds


async def run_load(
    submit: httpx.AsyncClient, read: httpx.AsyncClient, orders: int, clients: int, deadline: float
) -> Load:
    """Submit orders from concurrent clients, and wait until all are FULFILLED.

    Args:
        submit: a client of the measured API.
        read: a client of an API to read the orders from, at a low cost.
        orders: total number of orders.
        clients: number of concurrent clients; each sends its next order after the response to the last.
        deadline: maximum duration in seconds.

    Raises:
        DeadlineExceeded: some were not FULFILLED by then.
    """
    left = orders
    submitted: list[str] = []
    customer = f"clients-{clients}-{time.time_ns()}"
    began = time.monotonic()

    async def client() -> None:
        nonlocal left
        while left:
            left -= 1
            answer = await submit.post("/order", json=valid_order(customer_id=customer))
            answer.raise_for_status()
            submitted.append(answer.json()["order_id"])

    await asyncio.gather(*(client() for _ in range(clients)))
    waiting = set(submitted)
    while waiting:
        if time.monotonic() - began > deadline:
            raise DeadlineExceeded(f"{len(waiting)} of {orders} orders are not FULFILLED after {deadline:.0f} s")
        last = (await read.get(f"/orders/{submitted[-1]}")).json()
        if last["status"] != "FULFILLED":  # polling one order costs the server little
            await asyncio.sleep(0.1)
            continue
        waiting -= await _read_fulfilled(read, customer)
    return Load(clients, orders, time.monotonic() - began)


async def _read_fulfilled(api: httpx.AsyncClient, customer: str) -> set[str]:
    """Read the ids of a customer's FULFILLED orders."""
    found: set[str] = set()
    cursor = {}
    while True:
        page = (await api.get("/orders", params={"customer_id": customer, "limit": 100, **cursor})).json()
        found |= {order["order_id"] for order in page["orders"] if order["status"] == "FULFILLED"}
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


def plain_loop() -> float:
    """Measure the current speed of the machine: the seconds of a plain loop."""
    began, total = time.perf_counter(), 0
    for number in range(10_000_000):
        total += number
    return time.perf_counter() - began


USUAL_LOOP = 0.28
"""Seconds of the plain loop on the machine that the targets refer to."""


def per_loop(row: str, name: str, load: Load, loop: float, naive: str, aim: float) -> Figure:
    """Express a load as orders in the time of one plain loop, which accounts for slow machines.

    Args:
        row: number in the table.
        name: the name of the measured thing.
        load: the measured load.
        loop: seconds that ``plain_loop`` took in the same run.
        naive: the value of a naive design.
        aim: target in orders per second on a machine where the loop takes ``USUAL_LOOP``.
    """
    against = "plain loops"
    return Figure(row, name, load.per_second, "/s", 1 / loop, against, naive, aim * USUAL_LOOP, at_least=True)


def report_progress(progress: str) -> None:
    """Print progress to stderr, apart from the results."""
    print(progress, file=sys.stderr, flush=True)
