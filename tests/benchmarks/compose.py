"""Measures orders per second on LocalStack, through API Gateway and through the API server.

``python -m tests.benchmarks.compose`` needs Docker; it builds the images, and starts and removes its own stack on free
ports. Every attempt succeeds, so that no figure includes a visibility timeout.
"""

import argparse
import asyncio
from dataclasses import dataclass

from tests.benchmarks.figures import Figure
from tests.benchmarks.load import Load, per_loop, plain_loop, report_progress, run_load
from tests.compose.stack import Stack

CLIENTS = (1, 8)
INTERFACES = ("gateway", "server")
ORDERS = 60
WARM_UP = 30
DEADLINE = 300  # seconds for one number of clients


@dataclass(frozen=True)
class Figures:
    """The measured loads by interface, and LocalStack's CPU seconds for an order."""

    plain_loop: float
    loads: dict[str, list[Load]]
    localstack_cpu: float


def measure(orders: int = ORDERS, replicas: int = 3) -> Figures:
    """Measure a new stack.

    Args:
        orders: number of orders for each interface and number of clients.
        replicas: containers of the function.
    """
    images = {"FUNCTION_IMAGE": "dofs-benchmark", "PROVISIONER_IMAGE": "dofs-benchmark-provisioner"}
    stack = Stack("dofs-benchmark", DOFS_FULFILLMENT_SUCCESS_RATE="1", LAMBDA_REPLICAS=str(replicas), **images)
    report_progress("building the images, starting the stack")
    stack.build()
    stack.down()
    try:
        stack.up()
        return asyncio.run(_measure(stack, orders))
    finally:
        stack.down()


async def _measure(stack: Stack, orders: int) -> Figures:
    loads: dict[str, list[Load]] = {interface: [] for interface in INTERFACES}
    async with stack.api("gateway") as gateway, stack.api("server") as server:
        interfaces = {"gateway": gateway, "server": server}
        report_progress(f"{WARM_UP} orders to warm up")
        await run_load(gateway, server, WARM_UP, 4, DEADLINE)
        speed, before = plain_loop(), localstack_cpu(stack)
        for interface in INTERFACES:
            for clients in CLIENTS:
                report_progress(f"{orders} orders from {clients} clients through {interface}")
                loads[interface].append(await run_load(interfaces[interface], server, orders, clients, DEADLINE))
    cpu = (localstack_cpu(stack) - before) / (orders * len(INTERFACES) * len(CLIENTS))
    return Figures(speed, loads, cpu)


def rows() -> list[Figure]:
    """Measure row 10."""
    measured = measure()
    return [
        per_loop(
            "10",
            f"LocalStack through its {interface}, clients: {load.clients}",
            load,
            measured.plain_loop,
            "1.7 orders/s",
            10,
        )
        for interface, loads in measured.loads.items()
        for load in loads
    ]


def localstack_cpu(stack: Stack) -> float:
    """Read the CPU time that the processes of LocalStack's container have used, in seconds."""
    stats = stack.compose("exec", "localstack", "sh", "-c", "cat /proc/[0-9]*/stat").splitlines()
    ticks = [stat.rpartition(")")[2].split()[11:13] for stat in stats]  # user and system; proc(5)
    return sum(int(user) + int(system) for user, system in ticks) / 100


def show(figures: Figures) -> None:
    """Print the figures."""
    print(f"A loop of ten million additions takes {figures.plain_loop:.2f} s on this machine at present.")
    print(f"{'through':>7}  {'clients':>7}  {'orders':>6}  {'orders/s':>8}")
    for interface, loads in figures.loads.items():
        for load in loads:
            print(f"{interface:>7}  {load.clients:>7}  {load.orders:>6}  {load.per_second:>8.1f}")
    print(f"LocalStack's container uses {figures.localstack_cpu * 1000:.0f} ms of CPU time for an order.")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.compose", description=__doc__)
    parser.add_argument(
        "--orders", type=int, default=ORDERS, help="for each interface and number of clients (%(default)s)"
    )
    parser.add_argument("--replicas", type=int, default=3, help="containers of the function (%(default)s)")
    given = parser.parse_args()
    show(measure(given.orders, given.replicas))


if __name__ == "__main__":
    main()
