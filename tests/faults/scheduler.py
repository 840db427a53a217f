"""A scheduler with a clock of its own: actors take one step at a time, in the order of their due times."""

import heapq
from collections.abc import Callable, Generator
from datetime import datetime, timedelta
from typing import Any

from tests.support import START, ManualClock

Steps = Generator[float, None, Any]
"""An actor: a generator that yields the seconds until its next step."""


class Scheduler:
    """Runs actors and moves the clock. ``busy`` counts the actors that end and have not ended yet."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.clear()

    def clear(self) -> None:
        """Remove all actors and reset the clock."""
        self.clock.at = START
        self.busy = 0
        self._count = 0
        self._due: list[tuple[datetime, int, Steps, bool]] = []

    def spawn(self, steps: Steps, after: float = 0, endless: bool = False) -> None:
        """Add an actor, whose first step is due after so many seconds."""
        self.busy += not endless
        self._push(after, steps, endless)

    def call_later(self, seconds: float, act: Callable[[], Any]) -> None:
        """Call a function once, after so many seconds."""

        def steps() -> Steps:
            act()
            yield 0

        self.spawn(steps(), seconds)

    def step(self) -> None:
        """Advance the clock to the next due actor, and let it take one step."""
        at, _, steps, endless = heapq.heappop(self._due)
        self.clock.at = max(self.clock.at, at)
        try:
            pause = next(steps)
        except StopIteration:
            self.busy -= 1
        else:
            self._push(pause, steps, endless)

    def _push(self, after: float, steps: Steps, endless: bool) -> None:
        self._count += 1
        at = self.clock.at + timedelta(seconds=after)
        heapq.heappush(self._due, (at, self._count, steps, endless))
