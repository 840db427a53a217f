"""``python -m tests.simulation.catch_up``: how long the reconciler needs for the orders of an outage of Step Functions.

The real reconciler runs on a virtual clock and the in-memory store. Calls take the time and the CPU of a model, and
``StartExecution`` has AWS's quota. One order of the model stands for ``scale`` orders, and each call takes ``scale``
times as long, so that a run handles the same share of them.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from service.aws.records import from_order, to_order
from service.orders.lifecycle import Status
from service.orders.model import Order, Write
from service.orders.orders import Orders
from service.orders.ports import Unavailable
from service.orders.submission import new_order
from service.settings import Settings
from service.steps.reconcile import run
from service.wiring import LiveSystem
from tests.benchmarks.endpoint import endpoint, settings_on
from tests.memory.store import InMemoryOrderStore
from tests.simulation.virtual import VirtualClock
from tests.support import SETTINGS, START, MemorySystem, valid_order

OUTAGE, ARRIVALS = 3_600, 50
"""Seconds, and orders per second."""
MINUTE = 60
FULL_CORE = 1_769
"""MB of memory with which a function has one core.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
"""


@dataclass(frozen=True)
class Deployment:
    """What limits the pace.

    Args:
        memory: of the function, in MB.
        timeout: of the function, in seconds.
        refill: starts per second that AWS admits in the long run.
        bucket: starts that AWS admits at once.
    """

    memory: int = 256
    timeout: int = 30
    refill: int = 150
    bucket: int = 800


STANDARD = Deployment()
"""The defaults of terraform/variables.tf, in a region with the smaller quotas."""
LARGE_REGION = Deployment(refill=300, bucket=1_300)
EXPRESS = Deployment(refill=6_000, bucket=6_000)

CPU, READ_CPU = 0.0023, 0.0001
"""Seconds of a core that one push takes, and one row of a page: ``python -m tests.simulation.catch_up --measure``."""
LATENCY = {"start": 0.04, "write": 0.01, "page": 0.03}
"""Seconds until AWS answers: assumed, and generous."""


SAMPLE = new_order(valid_order(), order_id="ord_1", owner="anonymous", actor="api", at=START, write_id="w1")


class Quota:
    """A token bucket, which new orders also use."""

    def __init__(self, clock: VirtualClock, deployment: Deployment, scale: int) -> None:
        self._clock = clock
        self._most = self._tokens = deployment.bucket / scale
        self._rate = (deployment.refill - ARRIVALS) / scale
        self._at = clock.now
        self.throttled = 0

    def take(self) -> None:
        self._tokens = min(self._most, self._tokens + self._rate * (self._clock.now - self._at))
        self._at = self._clock.now
        if self._tokens < 1:
            self.throttled += 1
            raise Unavailable("stepfunctions StartExecution: ThrottlingException", throttled=True)
        self._tokens -= 1


class Processor:
    """The function's share of a core: threads wait for each other. After the end of an invocation they are frozen."""

    def __init__(self, clock: VirtualClock, memory: int) -> None:
        self._clock, self._share, self._free_at = clock, min(1.0, memory / FULL_CORE), 0.0
        self.frozen_at = 0.0

    def compute(self, seconds: float, latency: float) -> None:
        """Use the core for some time, and wait for an answer."""
        self._free_at = max(self._free_at, self._clock.now) + seconds / self._share
        self._clock.sleep(self._free_at - self._clock.now + latency)
        if self._clock.now > self.frozen_at:
            self._clock.hang()


class SlowStore(InMemoryOrderStore):
    """A store whose writes and pages take time. An order whose start was counted leaves it, as its workflow runs."""

    def __init__(self, processor: Processor, scale: int) -> None:
        super().__init__()
        self._processor, self._scale = processor, scale

    def apply(self, write: Write) -> Order:
        self._processor.compute(self._scale * CPU / 2, self._scale * LATENCY["write"])
        moved = super().apply(write)
        del self.orders[write.order_id]
        return moved

    def list_waiting(self, status: Status, before: datetime, page: int) -> Iterator[tuple[Order, ...]]:
        for orders in super().list_waiting(status, before, page):
            seconds = self._scale * len(orders) * READ_CPU
            self._processor.compute(seconds, self._scale * LATENCY["page"] * len(orders) / 100)
            yield orders


class Starts:
    """A workflow that AWS starts within its quota."""

    def __init__(self, quota: Quota, processor: Processor, scale: int) -> None:
        self._quota, self._processor, self._scale = quota, processor, scale
        self.names: set[str] = set()

    def start(self, order_id: str, name: str, traceparent: str | None = None) -> bool:
        self._processor.compute(self._scale * CPU / 2, self._scale * LATENCY["start"])
        self._quota.take()
        self.names.add(name)
        return True


@dataclass(frozen=True)
class CatchUp:
    """The result: minutes until every order was started, and the share of starts that were throttled."""

    minutes: float
    throttled: float


class Clock:
    """The system's time, by the virtual clock."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock

    def __call__(self) -> datetime:
        return START + timedelta(seconds=OUTAGE + self._clock.now)


def catch_up(deployment: Deployment, scale: int = 60, most_minutes: int = 300) -> CatchUp:
    """Start the orders of an outage that has just ended.

    Args:
        deployment: what limits the pace.
        scale: the number of orders for which one order of the model stands.
        most_minutes: gives up then.
    """
    clock = VirtualClock()
    processor = Processor(clock, deployment.memory)
    quota = Quota(clock, deployment, scale)
    store = SlowStore(processor, scale)
    settings = replace(
        SETTINGS,
        restart_limit=max(1, _default("restart_limit") // scale),
        reconcile_limit=max(1, _default("reconcile_limit") // scale),
        reconcile_parallel=_default("reconcile_parallel"),
    )
    starts: Any = Starts(quota, processor, scale)
    now: Any = Clock(clock)
    system = MemorySystem(settings=settings, store=store, workflow=starts, now=now)
    orders = OUTAGE * ARRIVALS // scale
    for number in range(orders):
        order = system.receive(f"ord_{number:06}")
        at = START + timedelta(seconds=OUTAGE * number / orders)
        store.orders[order.order_id] = replace(order, created_at=at, updated_at=at)
    ended = 0.0

    def reconcile() -> None:
        processor.frozen_at = clock.now + deployment.timeout
        run({}, system, clock.left_of(deployment.timeout))

    for minute in range(most_minutes):
        clock.run(lambda minute=minute: clock.sleep(max(0.0, minute * MINUTE - clock.now)))
        clock.run(reconcile)
        if len(starts.names) >= orders:
            ended = clock.now
            break
    return CatchUp(ended / MINUTE or float("inf"), quota.throttled / max(1, quota.throttled + len(starts.names)))


def measure(rounds: int = 30, times: int = 30) -> tuple[float, float]:
    """Measure the seconds of a core for one push, and for reading one row of a page: the least of some rounds."""
    with endpoint() as url:
        orders = Orders(LiveSystem(Settings.load(settings_on(url))))
        item = json.dumps(from_order(SAMPLE, 8))
        works = (lambda: orders.push(SAMPLE, 1), lambda: to_order(json.loads(item)))
        push, row = (min(_cpu(work, times) for _ in range(rounds)) for work in works)
    return push, row


def _cpu(work: Callable[[], object], times: int) -> float:
    began = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - began) / times


def _default(name: str) -> int:
    default: int = Settings.__dataclass_fields__[name].default
    return default


def main() -> None:
    """Print the minutes of some deployments."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.catch_up", description=__doc__)
    parser.add_argument("--scale", type=int, default=10, help="orders for which one stands (default %(default)s)")
    parser.add_argument("--measure", action="store_true", help="measure the CPU of a push and of a row instead")
    if (options := parser.parse_args()).measure:
        push, row = measure()
        sys.stdout.write(f"{1000 * push:.2f} ms of a core for one push, {1000 * row:.2f} ms for one row of a page\n")
        return
    scale = options.scale
    sys.stdout.write(f"{OUTAGE * ARRIVALS:,} orders of an outage of an hour, {ARRIVALS} new ones a second\n")
    for name, quota in (("STANDARD 150/s", STANDARD), ("STANDARD 300/s", LARGE_REGION), ("EXPRESS", EXPRESS)):
        for memory, timeout in ((256, 30), (1024, 30), (1769, 30), (256, 60), (1024, 60)):
            found = catch_up(replace(quota, memory=memory, timeout=timeout), scale)
            sys.stdout.write(f"{name:15} {memory:5} MB {timeout:3} s: {found.minutes:6.1f} minutes")
            sys.stdout.write(f", {found.throttled:.0%} of the starts throttled\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
