"""Runs one invocation of a step on a virtual clock: its threads are tasks, and waiting takes no real time."""

from collections.abc import Callable
from typing import Any

from tests.simulation.function import Pool
from tests.simulation.loop import Loop, Task
from tests.simulation.world import tasks_as_threads

DAY = 86_400


class VirtualClock:
    """A clock in seconds, and the invocation whose threads wait for it."""

    def __init__(self) -> None:
        self._loop = Loop()

    @property
    def now(self) -> float:
        return self._loop.now / 1000

    def sleep(self, seconds: float) -> None:
        """Suspend the current thread."""
        self._loop.sleep(seconds * 1000)

    def hang(self, *_: Any, **__: Any) -> None:
        """Suspend the current thread for so long that no test sees its end."""
        self.sleep(10 * DAY)

    def left_of(self, seconds: float) -> Callable[[], float]:
        """The remaining time of an invocation that begins now."""
        ends = self.now + seconds
        return lambda: round(ends - self.now, 3)  # the clock has milliseconds

    def run(self, work: Callable[[], Any]) -> Any:
        """Run a function to its end; threads that it leaves behind go on in the next run."""
        ended: list[Any] = []

        def body() -> None:
            ended.append(work())

        Pool.loop = self._loop
        with tasks_as_threads():
            task = self._loop.spawn(body, owner=self)
            while not task.done.ended:
                self._loop.run_next()
        if task.error:
            raise task.error
        return ended[0]

    def spawn(self, run: Callable[..., Any], *args: Any) -> Task:
        """Start a thread of the invocation."""
        return self._loop.spawn(run, *args, owner=self)

    def crash(self) -> None:
        raise AssertionError("nothing crashes on this clock")
