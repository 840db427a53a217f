"""A virtual clock and tasks that wait for it. One task runs at a time, and waiting takes no real time.

Each task is a greenlet. The service's own code can therefore be suspended in the middle of a call, and resumed later
or never.
"""

import heapq
from collections.abc import Callable, Sequence
from typing import Any

from greenlet import GreenletExit, getcurrent, greenlet


class Crash(BaseException):
    """The task's process crashes. It is no ``Exception``, so that no handler of the service catches it."""


class Signal:
    """An event that ends once, with a value."""

    __slots__ = ("ended", "value", "waiting")

    def __init__(self) -> None:
        self.ended = False
        self.value: Any = None
        self.waiting: list[tuple[Task, int]] = []


class Task:
    """One thread of control. ``owner`` is the invocation that it belongs to, if any."""

    __slots__ = ("dead", "done", "error", "greenlet", "number", "owner", "turn")

    def __init__(self, run: Callable[[], Any], hub: greenlet, owner: Any, number: int) -> None:
        self.number = number
        self.greenlet = greenlet(run, hub)
        self.owner = owner
        self.done = Signal()
        self.error: BaseException | None = None
        self.turn = 0
        self.dead = False


class Loop:
    """Runs tasks in the order of their due times; tasks with the same due time run in the order of their creation."""

    def __init__(self) -> None:
        self.now = 0  # milliseconds
        self.current: Task | None = None
        self._events: list[tuple[int, int, Callable[[], None] | None, Task | None, int]] = []
        self._sequence = 0
        self._ends = 0
        self._hub = getcurrent()

    def run(self, ends: int) -> None:
        """Run until a time, or until no event is left."""
        self._ends = ends
        while self._events and self._events[0][0] <= ends:
            self.run_next()
        self.now = max(self.now, ends)

    def run_next(self) -> None:
        """Run the task that is due next, until it waits."""
        self.now, _, callback, task, turn = heapq.heappop(self._events)
        if callback is not None:
            callback()
        elif task is not None and not task.dead and task.turn == turn:
            self.current = task
            task.greenlet.switch()
            self.current = None

    def at(self, time: float, callback: Callable[[], None]) -> None:
        """Call a function at a time; the function must not wait."""
        self._push(int(time), callback, None, 0)

    def spawn(self, run: Callable[..., Any], *args: Any, owner: Any = None) -> Task:
        """Start a task; it runs when the current one waits."""

        def body() -> None:
            try:
                task.done.value = run(*args)
            except Crash:
                owner.crash()
                return
            except GreenletExit:
                return
            except Exception as error:
                task.error = error
            self.end(task.done)

        task = Task(body, self._hub, owner, self._sequence)
        self._push(self.now, None, task, 0)
        return task

    def sleep(self, milliseconds: float) -> None:
        """Suspend the current task for some time."""
        time = self.now + int(milliseconds)
        if time <= self._ends and (not self._events or self._events[0][0] > time):
            self.now = time  # no other task is due before
            return
        task = self._next_turn()
        self._push(time, None, task, task.turn)
        self._hub.switch()

    def wait(self, signals: Sequence[Signal], timeout: float) -> list[Signal]:
        """Wait until a signal ends or the time is over; return the signals that have ended, in the given order."""
        ended = [signal for signal in signals if signal.ended]
        if ended or timeout <= 0:
            return ended
        task = self._next_turn()
        for signal in signals:
            signal.waiting.append((task, task.turn))
        self._push(self.now + int(timeout), None, task, task.turn)
        self._hub.switch()
        return [signal for signal in signals if signal.ended]

    def end(self, signal: Signal, value: Any = None) -> None:
        """End a signal, and resume the tasks that wait for it."""
        signal.ended = True
        signal.value = value if value is not None else signal.value
        for task, turn in signal.waiting:
            self._push(self.now, None, task, turn)
        signal.waiting.clear()

    def kill(self, task: Task) -> None:
        """End a task where it waits."""
        if not task.dead and not task.done.ended:
            task.dead = True
            if task.greenlet and task is not self.current:
                self.at(self.now, task.greenlet.throw)

    def _next_turn(self) -> Task:
        task = self.current
        if task is None:
            raise RuntimeError("only a task can wait")
        task.turn += 1
        return task

    def _push(self, time: int, callback: Callable[[], None] | None, task: Task | None, turn: int) -> None:
        self._sequence += 1
        heapq.heappush(self._events, (time, self._sequence, callback, task, turn))
