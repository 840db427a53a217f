"""Orders per second through the embedded cloud, from the first request to the last order's end, and memory per order.

``python -m tests.benchmarks.throughput [ORDERS]`` starts a server of its own and prints one line for each number of
clients. Every attempt succeeds, so that no figure waits for a visibility timeout.
"""

import asyncio
import subprocess
import sys
import time

import httpx

from tests.embedded.test_server import banner, server
from tests.support import valid_order

CLIENTS = (1, 8, 32)
WARM_UP = 100
DEADLINE = 120  # seconds


async def run(port: int, orders: int, clients: int) -> float:
    """Submit orders from a number of clients, wait for the last one's end; the seconds that took."""
    waiting = list(range(orders))
    submitted: list[str] = []
    customer = f"clients-{clients}-{time.time_ns()}"
    began = time.monotonic()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as api:

        async def client() -> None:
            while waiting:
                waiting.pop()
                answer = await api.post("/order", json=valid_order(customer_id=customer))
                answer.raise_for_status()
                submitted.append(answer.json()["order_id"])

        await asyncio.gather(*(client() for _ in range(clients)))
        open_orders = set(submitted)
        while open_orders:
            if time.monotonic() - began > DEADLINE:
                raise SystemExit(f"{len(open_orders)} orders are not FULFILLED after {DEADLINE} s")
            last = (await api.get(f"/orders/{submitted[-1]}")).json()
            if last["status"] != "FULFILLED":  # one small question at a time, so that asking costs the server little
                await asyncio.sleep(0.1)
                continue
            open_orders -= await fulfilled(api, customer)
    return time.monotonic() - began


async def fulfilled(api: httpx.AsyncClient, customer: str) -> set[str]:
    """The ids of a customer's orders that are FULFILLED."""
    found: set[str] = set()
    cursor = {}
    while True:
        page = (await api.get("/orders", params={"customer_id": customer, "limit": 100, **cursor})).json()
        found |= {order["order_id"] for order in page["orders"] if order["status"] == "FULFILLED"}
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


def resident(pid: int) -> int:
    """Memory of a process, in kB."""
    return int(subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True).stdout)


def plain_loop() -> float:
    """How fast this machine is at the moment: the seconds of a loop that does nothing else."""
    began, total = time.perf_counter(), 0
    for number in range(10_000_000):
        total += number
    return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    orders = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    with server(DOFS_FULFILLMENT_SUCCESS_RATE="1") as (process, port):
        banner(process)
        asyncio.run(run(port, WARM_UP, 8))
        print(f"A loop of ten million additions takes {plain_loop():.2f} s on this machine, now.")
        print(f"{'clients':>7}  {'orders':>6}  {'orders/s':>8}  {'kB/order':>8}")
        for clients in CLIENTS:
            before = resident(process.pid)
            seconds = asyncio.run(run(port, orders, clients))
            grown = (resident(process.pid) - before) / orders
            print(f"{clients:>7}  {orders:>6}  {orders / seconds:>8.1f}  {grown:>8.1f}", flush=True)


if __name__ == "__main__":
    main()
