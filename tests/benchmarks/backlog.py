"""Simulates how long a queue takes to drain after an outage.

``python -m tests.benchmarks.backlog`` prints drain times by concurrency, and the curve of one of them. The
simulation is not random: a fixed share of attempts fails, and failed messages return after the visibility timeout.
"""

import argparse
import heapq
from collections import deque
from dataclasses import dataclass, fields, replace
from itertools import count, product
from math import inf

from service.provisioning.function import BATCH_SIZE, MAX_CONCURRENCY
from tests.benchmarks.tables import table

BARS = " ▁▂▃▄▅▆▇█"
WIDTH = 60  # characters of a curve
IDLE = 1.0  # seconds after which a poller with an empty queue polls again


HELP = {
    "rate": "orders per second, also during the outage",
    "length": "length of the outage, in seconds",
    "concurrency": "batches that run at the same time",
    "batch": "maximum size of a batch",
    "fixed": "duration of a batch without messages, in seconds",
    "each": "seconds that each message adds to a batch",
    "failing": "share of attempts that fail",
    "visibility": "visibility timeout of the queue, in seconds",
    "receives": "receives of a message before it moves to the dead-letter queue",
}


@dataclass(frozen=True, slots=True)
class Outage:
    """An outage and the queue behind it; ``HELP`` describes each field."""

    rate: float = 50.0
    length: float = 600.0
    concurrency: int = MAX_CONCURRENCY
    batch: int = BATCH_SIZE
    fixed: float = 0.02
    each: float = 0.033
    failing: float = 0.3
    visibility: float = 180.0
    receives: int = 3

    @property
    def attempts(self) -> float:
        """Average attempts of an order."""
        return sum(self.failing**before for before in range(self.receives))

    @property
    def capacity(self) -> float:
        """Attempts per second with full batches."""
        return self.concurrency * self.batch / (self.fixed + self.batch * self.each)


@dataclass(frozen=True, slots=True)
class DrainResult:
    """The result of a simulation. Times are in seconds from the end of the outage."""

    after: float
    """When the backlog first fits into one batch; infinite if it never does."""
    settled: float
    """When the last order of the outage reached a terminal state."""
    waiting: tuple[tuple[float, int], ...]
    """The number of visible messages at each receive of a batch."""


@dataclass(slots=True)
class Messages:
    """Messages that arrived together and have the same receive count."""

    count: int
    of_the_outage: bool
    receive: int = 1


class Queue:
    """The visible and the hidden messages. The oldest visible message is received first."""

    def __init__(self, outage: Outage) -> None:
        self._outage = outage
        self._waiting = deque([Messages(round(outage.rate * outage.length), of_the_outage=True)])
        self._hidden: list[tuple[float, int, Messages]] = []
        self._numbers = count()
        self._arrived = 0
        self.depth = self._waiting[0].count
        """The number of visible messages."""

    @property
    def next_event(self) -> float:
        """When the next message arrives or returns."""
        arrival = (self._arrived + 1) / self._outage.rate if self._outage.rate else inf
        return min([arrival, *(at for at, *_ in self._hidden[:1])])

    def forward(self, now: float) -> None:
        """Add all messages that arrive or return until now."""
        while self._hidden and self._hidden[0][0] <= now:
            self._wait(heapq.heappop(self._hidden)[2])
        coming = int(self._outage.rate * now + 1e-9) - self._arrived
        if coming > 0:
            self._wait(Messages(coming, of_the_outage=False))
            self._arrived += coming

    def take(self) -> list[Messages]:
        """Receive a batch."""
        taken: list[Messages] = []
        room = self._outage.batch
        while room and self._waiting:
            first = self._waiting[0]
            number = min(room, first.count)
            taken.append(Messages(number, first.of_the_outage, first.receive))
            first.count -= number
            room -= number
            if not first.count:
                self._waiting.popleft()
        self.depth -= self._outage.batch - room
        return taken

    def hide(self, messages: Messages, until: float) -> None:
        """Hide messages whose attempts failed."""
        heapq.heappush(self._hidden, (until, next(self._numbers), messages))

    def _wait(self, messages: Messages) -> None:
        self._waiting.append(messages)
        self.depth += messages.count


def drain(outage: Outage) -> DrainResult:
    """Simulate arrivals and batches until the backlog is gone and every order of the outage is terminal.

    A received message is hidden. If its attempt fails, it becomes visible after the visibility timeout, or moves to the
    dead-letter queue after its last receive. A fixed share of attempts fails.
    """
    if outage.rate * outage.attempts >= outage.capacity:
        return DrainResult(inf, inf, ())
    queue, free = Queue(outage), [0.0] * outage.concurrency
    left, owed, after, settled = round(outage.rate * outage.length), 0.0, inf, 0.0
    waiting: list[tuple[float, int]] = []
    while left or after == inf:
        now = heapq.heappop(free)
        queue.forward(now)
        waiting.append((now, depth := queue.depth))
        if after == inf and depth <= outage.batch:
            after = now
        taken = queue.take()
        if not taken:
            heapq.heappush(free, max(queue.next_event, now + IDLE))
            continue
        done = now + outage.fixed + outage.each * sum(messages.count for messages in taken)
        heapq.heappush(free, done)
        for messages in taken:
            owed += messages.count * outage.failing
            failed = min(messages.count, int(owed + 1e-9))
            owed -= failed
            again = failed if messages.receive < outage.receives else 0
            if again:
                queue.hide(Messages(again, messages.of_the_outage, messages.receive + 1), now + outage.visibility)
            if messages.of_the_outage:
                left -= messages.count - again
                settled = max(settled, done)
    return DrainResult(after, settled, tuple(waiting))


def closed_form(outage: Outage) -> float:
    """Compute the seconds until the queue is empty without failures: backlog / (capacity - rate)."""
    return outage.rate * outage.length / (outage.capacity - outage.rate)


def curve(outage: Outage, drained: DrainResult) -> str:
    """Draw the number of visible messages, from the end of the outage until its last order is terminal."""
    step = drained.settled / WIDTH
    depths = [0] * WIDTH
    for at, depth in drained.waiting:
        place = min(WIDTH - 1, int(at / step))
        depths[place] = max(depths[place], depth)
    most = max(depths)
    bars = "".join(BARS[-(-depth * (len(BARS) - 1) // most)] for depth in depths)
    return f"{most:,} ▕{bars}▏ 0 s to {drained.settled:,.0f} s"


def report(outage: Outage) -> str:
    """Write the drain times by concurrency, and the curve of the outage itself."""
    rows = []
    for rate, length, concurrency in product((10.0, 50.0), (600.0, 3600.0), (2, 5, 20)):
        each = replace(outage, rate=rate, length=length, concurrency=concurrency)
        drained = drain(each)
        rows.append(
            (
                f"{rate:,.0f} orders/s, {length / 60:,.0f} minutes, {concurrency} batches",
                f"{rate * length:,.0f}",
                f"{each.capacity:,.0f}",
                _minutes(closed_form(replace(each, failing=0.0)) if each.capacity > rate else inf),
                _minutes(drained.after),
                _minutes(drained.settled),
            )
        )
    head = ("outage, batches at a time", "waiting", "attempts/s", "no failures", "drained", "all settled")
    scenario = f"{outage.rate:,.0f} orders/s, {outage.length / 60:,.0f} minutes, {outage.concurrency} batches at a time"
    drawn = drain(outage)
    picture = curve(outage, drawn) if drawn.after < inf else "it never drains"
    return f"{table(head, rows)}\n\nVisible messages after {scenario}:\n\n{picture}"


def _minutes(seconds: float) -> str:
    return "never" if seconds == inf else f"{seconds / 60:,.1f} min"


def main() -> None:
    """Simulate and print."""
    arguments = argparse.ArgumentParser(prog="python -m tests.benchmarks.backlog", description=__doc__)
    for each in fields(Outage):
        arguments.add_argument(f"--{each.name}", type=type(each.default), default=each.default, help=HELP[each.name])
    print(report(Outage(**vars(arguments.parse_args()))))


if __name__ == "__main__":
    main()
