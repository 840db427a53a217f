"""Orders from a number of clients at once, timed from the first request to the last order's end."""

import asyncio
import sys
import time
from dataclasses import dataclass

import httpx

from tests.benchmarks.figures import Figure
from tests.support import valid_order


class NotInTime(Exception):
    """Orders were not FULFILLED within the deadline."""


@dataclass(frozen=True)
class Load:
    """How long a number of orders took, in seconds, from a number of clients."""

    clients: int
    orders: int
    seconds: float

    @property
    def per_second(self) -> float:
        """Orders in a second."""
        return self.orders / self.seconds


async def carry(submit: httpx.AsyncClient, read: httpx.AsyncClient, orders: int, clients: int, deadline: float) -> Load:
    """Submit orders from a number of clients, and wait until all are FULFILLED.

    Args:
        submit: a client of the API that is measured.
        read: a client of the API that is asked how far the orders are, which should cost little.
        orders: how many in all.
        clients: how many at the same time; each sends its next order after the answer to the last.
        deadline: seconds for all of it.

    Raises:
        NotInTime: some were not FULFILLED by then.
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
            raise NotInTime(f"{len(waiting)} of {orders} orders are not FULFILLED after {deadline:.0f} s")
        last = (await read.get(f"/orders/{submitted[-1]}")).json()
        if last["status"] != "FULFILLED":  # one small question at a time, so that asking costs the server little
            await asyncio.sleep(0.1)
            continue
        waiting -= await _fulfilled(read, customer)
    return Load(clients, orders, time.monotonic() - began)


async def _fulfilled(api: httpx.AsyncClient, customer: str) -> set[str]:
    """The ids of a customer's orders that are FULFILLED."""
    found: set[str] = set()
    cursor = {}
    while True:
        page = (await api.get("/orders", params={"customer_id": customer, "limit": 100, **cursor})).json()
        found |= {order["order_id"] for order in page["orders"] if order["status"] == "FULFILLED"}
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


def plain_loop() -> float:
    """How fast this machine is at the moment: the seconds of a loop that does nothing else."""
    began, total = time.perf_counter(), 0
    for number in range(10_000_000):
        total += number
    return time.perf_counter() - began


USUAL_LOOP = 0.28
"""Seconds of that loop on the machine for which orders per second are aimed at."""


def per_loop(row: str, what: str, load: Load, loop: float, naive: str, aim: float) -> Figure:
    """Orders in the time of one plain loop, so that a slow machine is held against what it can do.

    Args:
        row: of the table.
        what: what was measured.
        load: what it came to.
        loop: seconds that ``plain_loop`` took in the same run.
        naive: what the straightforward design comes to.
        aim: orders per second that are aimed at where that loop takes ``USUAL_LOOP``.
    """
    against = "plain loops"
    return Figure(row, what, load.per_second, "/s", 1 / loop, against, naive, aim * USUAL_LOOP, at_least=True)


def tell(progress: str) -> None:
    """Say how far a benchmark is, apart from what it prints."""
    print(progress, file=sys.stderr, flush=True)
