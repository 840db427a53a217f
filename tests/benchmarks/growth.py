"""Counts the reads of lists, stats and the reconciler with ten, ten thousand and a million orders, by store.

Prints one table with requests, index entries and rows for each operation, store and number of orders. In memory, a
request is one search in an index. moto scans its whole table for each query, so it gets at most ``--moto`` orders.
"""

import argparse
import gc
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from moto import mock_aws

from service.aws.clients import Clients
from service.provisioning.tables import failed_orders_table, orders_table
from tests.contract import counted_memory, counted_moto
from tests.contract.growth import GROWTH, OPERATIONS, Reads

SIZES = [10, 10_000, 1_000_000]
MEMORY, MOTO = "memory", "moto"


def in_memory(orders: int) -> dict[str, Reads]:
    """Count the reads of each operation in the memory store."""
    with progress(f"in memory, {orders:,} orders"):
        return {name: reads for name, (reads, _) in counted_memory.measure(orders).items()}


def on_moto(orders: int) -> dict[str, Reads]:
    """Count the reads of each operation in moto's tables."""
    settings = replace(GROWTH, orders_table="growth", failed_orders_table="growth-failed")
    with mock_aws():
        clients = Clients(settings)
        clients.dynamodb.create_table(**orders_table(settings.orders_table, by_owner=True))
        clients.dynamodb.create_table(**failed_orders_table(settings.failed_orders_table))
        with progress(f"filling moto with {orders:,} orders"):
            counted_moto.fill(settings, orders)
        found = {}
        measured = counted_moto.measure(clients, settings, orders)
        for operation in OPERATIONS:
            with progress(f"moto, {orders:,} orders: {operation}"):
                name, found[operation], _ = next(measured)
            assert name == operation
    return found


@contextmanager
def progress(step: str) -> Iterator[None]:
    """Print a step and its CPU time to stderr."""
    print(f"{step} … ", end="", file=sys.stderr, flush=True)
    began = time.process_time()
    yield
    print(f"{time.process_time() - began:.1f} s", file=sys.stderr)


def lines(found: dict[tuple[str, int], dict[str, Reads]], sizes: list[int]) -> Iterator[str]:
    """The lines of the table: one for each operation and store, with three columns for each number of orders."""
    yield f"{'':<34}" + "".join(f"{f'{orders:,} orders':>28}" for orders in sizes)
    yield f"{'':<34}" + f"{'requests  entries  rows':>28}" * len(sizes)
    for operation in OPERATIONS:
        for store in (MEMORY, MOTO):
            cells = (found.get((store, orders), {}).get(operation) for orders in sizes)
            label = operation if store == MEMORY else ""
            yield (f"{label:<28}{store:<6}" + "".join(map(cell, cells))).rstrip()


def cell(reads: Reads | None) -> str:
    return f"{reads.requests:>13,}{reads.entries:>9,}{reads.rows:>6,}" if reads else f"{'–':>13}{'–':>9}{'–':>6}"


def main() -> None:
    """Measure and print."""
    summary, _, more = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.growth", description=summary, epilog=more)
    parser.add_argument("orders", nargs="*", type=int, default=SIZES, help="numbers of orders: 10 10000 1000000")
    parser.add_argument(
        "--moto", type=int, default=10_000, metavar="N", help="maximum number of orders for moto: 10000"
    )
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    gc.disable()  # nothing becomes garbage before the end
    found = {(MEMORY, orders): in_memory(orders) for orders in arguments.orders}
    found |= {(MOTO, orders): on_moto(orders) for orders in arguments.orders if orders <= arguments.moto}
    print("\n".join(lines(found, arguments.orders)))


if __name__ == "__main__":
    main()
