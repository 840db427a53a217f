"""What happens when, on a clock that only the scheduler moves: one thing at a time, in the order of its time."""

import heapq
from collections.abc import Callable, Generator
from datetime import datetime, timedelta
from typing import Any

from tests.support import START, ManualClock

Steps = Generator[float, None, Any]
"""Something that takes time: what it yields are the seconds until it goes on."""


class Scheduler:
    """Lets actors take their steps in turn. ``busy`` is how many of those that come to an end have not."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.clear()

    def clear(self) -> None:
        """Forget everybody, and begin at the beginning."""
        self.clock.at = START
        self.busy = 0
        self._count = 0
        self._due: list[tuple[datetime, int, Steps, bool]] = []

    def spawn(self, steps: Steps, after: float = 0, endless: bool = False) -> None:
        """Add an actor, which takes its first step after so many seconds."""
        self.busy += not endless
        self._push(after, steps, endless)

    def later(self, seconds: float, act: Callable[[], Any]) -> None:
        """Add something to do once."""

        def steps() -> Steps:
            act()
            yield 0

        self.spawn(steps(), seconds)

    def step(self) -> None:
        """Move the clock to whoever is next, and let them take one step."""
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
