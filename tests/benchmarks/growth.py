"""What lists, figures and the reconciler read of ten orders, of ten thousand and of a million, in memory and on moto.

Prints one table: for each operation, store and number of orders the requests, the index entries and the rows that were
read. In memory a request is one look into an index. Filling the stores takes seconds; moto's queries take longer, since
each walks its whole table, so it is given at most ``--moto`` orders.
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
    """What each operation reads of a store in memory."""
    with progress(f"in memory, {orders:,} orders"):
        return {name: reads for name, (reads, _) in counted_memory.measured(orders).items()}


def on_moto(orders: int) -> dict[str, Reads]:
    """What each operation reads of tables of moto."""
    settings = replace(GROWTH, orders_table="growth", failed_orders_table="growth-failed")
    with mock_aws():
        clients = Clients(settings)
        clients.dynamodb.create_table(**orders_table(settings.orders_table))
        clients.dynamodb.create_table(**failed_orders_table(settings.failed_orders_table))
        with progress(f"filling moto with {orders:,} orders"):
            counted_moto.fill(settings, orders)
        found = {}
        measured = counted_moto.measured(clients, settings, orders)
        for operation in OPERATIONS:
            with progress(f"moto, {orders:,} orders: {operation}"):
                name, found[operation], _ = next(measured)
            assert name == operation
    return found


@contextmanager
def progress(what: str) -> Iterator[None]:
    """Tell what is done, and what it took of this machine, where it is seen and not kept."""
    print(f"{what} … ", end="", file=sys.stderr, flush=True)
    began = time.process_time()
    yield
    print(f"{time.process_time() - began:.1f} s", file=sys.stderr)


def lines(found: dict[tuple[str, int], dict[str, Reads]], sizes: list[int]) -> Iterator[str]:
    """The table: a line for each operation and store, three columns for each number of orders."""
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
    parser.add_argument("--moto", type=int, default=10_000, metavar="N", help="the most that moto is given: 10000")
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    gc.disable()  # nothing that is made here is garbage before it is printed
    found = {(MEMORY, orders): in_memory(orders) for orders in arguments.orders}
    found |= {(MOTO, orders): on_moto(orders) for orders in arguments.orders if orders <= arguments.moto}
    print("\n".join(lines(found, arguments.orders)))


if __name__ == "__main__":
    main()
