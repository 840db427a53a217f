"""Measures orders per second of the embedded cloud, and the growth of its memory.

``python -m tests.benchmarks.throughput`` starts its own server. Every attempt succeeds, so that no figure includes a
visibility timeout. The warm-up fills the limited lists of executions and log lines before anything is measured.
"""

import argparse
import asyncio
import pickle
import subprocess
import threading
import tracemalloc
from dataclasses import dataclass
from typing import Any

import httpx
from moto.dynamodb.models import dynamodb_backends

from tests.benchmarks.figures import Figure
from tests.benchmarks.load import Load, per_loop, plain_loop, report_progress, run_load
from tests.embedded.support import client, running_cloud
from tests.embedded.test_server import banner, server
from tests.support import valid_order
from tests.system import settled

CLIENTS = (1, 8, 32)
ORDERS = 300
WARM_UP = 2_000  # the last thousand executions are kept, and the last ten thousand lines of the log
FURTHER = 3_000
STEP = 1_000
DEADLINE = 300  # seconds for a thousand orders
COPIES = 1_000


@dataclass(frozen=True)
class Figures:
    """The measured values; memory is in kB."""

    plain_loop: float
    loads: list[Load]
    grown: list[int]
    row: float


def measure(orders: int = ORDERS, further: int = FURTHER, warm_up: int = WARM_UP) -> Figures:
    """Measure a new server.

    Args:
        orders: number of orders for each number of clients.
        further: number of later orders for the memory, which is measured after each thousand.
        warm_up: number of orders before the measurements.
    """
    with server(DOFS_FULFILLMENT_SUCCESS_RATE="1") as (process, port):
        banner(process)
        threading.Thread(target=_discard, args=(process.stdout,), daemon=True).start()

        def run(count: int, clients: int) -> Load:
            return asyncio.run(_run(port, count, clients))

        for done in range(0, warm_up, STEP):
            report_progress(f"{done:,} of {warm_up:,} orders to warm up")
            run(min(STEP, warm_up - done), 8)
        speed, loads, grown = plain_loop(), [], []
        for clients in CLIENTS:
            report_progress(f"{orders} orders from {clients} clients")
            loads.append(run(orders, clients))
        for done in range(0, further, STEP):
            report_progress(f"memory: {done:,} of {further:,} orders")
            before = resident(process.pid)
            run(STEP, 8)
            grown.append(resident(process.pid) - before)
    return Figures(speed, loads, grown, asyncio.run(row_size()))


async def _run(port: int, orders: int, clients: int) -> Load:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as api:
        return await run_load(api, api, orders, clients, DEADLINE)


async def row_size() -> float:
    """Measure the memory of a terminal order's row in the emulator, in kB."""
    with running_cloud(fulfillment_success_rate=1) as cloud:
        async with client(cloud) as api:
            order_id = (await api.post("/order", json=valid_order())).json()["order_id"]
            await settled(api, order_id)
        table = dynamodb_backends[cloud.names.account][cloud.names.region].get_table(cloud.names.orders_table)
        (row,) = table.all_items()
        pickled = pickle.dumps(row)
    tracemalloc.start()
    try:
        copies = [pickle.loads(pickled) for _ in range(COPIES)]  # noqa: S301 (pickled above)
        return tracemalloc.get_traced_memory()[0] / len(copies) / 1024
    finally:
        tracemalloc.stop()


def resident(pid: int) -> int:
    """Read the memory of a process, in kB."""
    return int(subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True).stdout)


def _discard(printed: Any) -> None:
    """Read the output of a server, which would block on a full pipe."""
    for _ in printed:
        pass


def rows() -> list[Figure]:
    """Measure row 9. The growth of memory is compared with the rows of the orders, which must stay in memory."""
    measured = measure()
    speeds = [
        per_loop("9", f"the embedded cloud, clients: {load.clients}", load, measured.plain_loop, "20 orders/s", 40)
        for load in measured.loads
    ]
    grown = min(measured.grown) / 1024
    name = "memory of a further thousand orders"
    kept = measured.row * 1000 / 1024
    return [*speeds, Figure("9", name, grown, "MB", kept, "their rows", reach=1.5)]


def show(figures: Figures) -> None:
    """Print the figures."""
    print(f"A loop of ten million additions takes {figures.plain_loop:.2f} s on this machine at present.")
    print(f"{'clients':>7}  {'orders':>6}  {'orders/s':>8}")
    for load in figures.loads:
        print(f"{load.clients:>7}  {load.orders:>6}  {load.per_second:>8.1f}")
    for number, grown in enumerate(figures.grown, 1):
        print(f"Memory grew by {grown / 1024:.1f} MB with the {number}. thousand of further orders.")
    print(f"A row takes {figures.row:.1f} kB.")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.throughput", description=__doc__)
    parser.add_argument("--orders", type=int, default=ORDERS, help="for each number of clients (%(default)s)")
    parser.add_argument("--further", type=int, default=FURTHER, help="for the memory (%(default)s)")
    parser.add_argument("--warm-up", type=int, default=WARM_UP, help="before anything is measured (%(default)s)")
    given = parser.parse_args()
    show(measure(given.orders, given.further, given.warm_up))


if __name__ == "__main__":
    main()
