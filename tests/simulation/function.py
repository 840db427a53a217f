"""Lambda: invocations of the handler with a deadline, and the threads of a batch."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from service.handler import dispatch
from tests.simulation.loop import Crash, Loop, Signal, Task
from tests.simulation.ports import Ports

if TYPE_CHECKING:
    from tests.simulation.world import World

TIMEOUT = 30_000  # milliseconds


class FunctionFailed(Exception):
    """The invocation failed; ``error`` is Lambda's name of the error."""

    def __init__(self, error: str, cause: str = "") -> None:
        super().__init__(error)
        self.error = error
        self.cause = cause
        self.disturbed = False


class Invocation:
    """One run of the handler in a process of its own."""

    def __init__(self, world: "World", name: str) -> None:
        self.world = world
        self.name = name
        self.disturbed = False
        self.skew = world.skew(name)
        self.deadline = world.loop.now + TIMEOUT
        self.tasks: list[Task] = []
        self.ended = Signal()

    def spawn(self, run: Callable[..., Any], *args: Any) -> Task:
        """Start a task that ends with this invocation."""
        task = self.world.loop.spawn(run, *args, owner=self)
        self.tasks.append(task)
        return task

    def crash(self) -> None:
        """Kill the process and its tasks."""
        self._end("Runtime.ExitError")

    def cut_off(self) -> None:
        """End the invocation at its deadline."""
        self.disturbed = True
        self._end("Sandbox.Timedout")

    def _end(self, error: str) -> None:
        for task in self.tasks:
            self.world.loop.kill(task)
        if not self.ended.ended:
            self.world.loop.end(self.ended, error)

    def get_remaining_time_in_millis(self) -> int:
        return max(0, self.deadline - self.world.loop.now)


class Function:
    """The function. The caller waits for its answer."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._count = 0

    def invoke(self, event: Any) -> tuple[Any, bool]:
        """Invoke the handler with an event; return its answer, and whether a fault disturbed the invocation.

        Raises:
            FunctionFailed: it raised, crashed, or reached its deadline.
        """
        return self.run(lambda ports, invocation: dispatch(event, invocation, ports))

    def run(self, work: Callable[[Ports, Invocation], Any]) -> tuple[Any, bool]:
        """Run some work as an invocation."""
        world, loop = self._world, self._world.loop
        self._count += 1
        invocation = Invocation(world, f"i{self._count}")

        def body() -> None:
            try:
                answer = work(Ports(world, invocation), invocation)
            except Crash:
                invocation.disturbed = True
                raise
            except Exception as error:
                loop.end(invocation.ended, FunctionFailed(type(error).__name__, str(error)))
            else:
                loop.end(invocation.ended, (answer,))

        invocation.spawn(body)
        loop.wait([invocation.ended], TIMEOUT)
        if not invocation.ended.ended:
            invocation.cut_off()
        outcome = invocation.ended.value
        if isinstance(outcome, tuple):
            return outcome[0], invocation.disturbed
        failed = outcome if isinstance(outcome, FunctionFailed) else FunctionFailed(outcome)
        failed.disturbed = invocation.disturbed
        raise failed


class Pool:
    """Replaces the thread pools of the steps: their threads are tasks of the same invocation."""

    loop: Loop

    def __init__(self, *_: Any, **__: Any) -> None:
        task = self.loop.current
        assert task is not None
        self._invocation: Invocation = task.owner

    def submit(self, run: Callable[..., Any], *args: Any) -> "Running":
        return Running(self._invocation.spawn(run, *args))

    def shutdown(self, **_: Any) -> None:
        return None


class Running:
    """Replaces a future of the thread pool."""

    def __init__(self, task: Task) -> None:
        self.task = task

    def exception(self) -> BaseException | None:
        return self.task.error

    def result(self) -> Any:
        return self.task.done.value


def wait(running: Iterable[Running], timeout: float, _: str) -> tuple[list[Running], None]:
    """Replaces ``concurrent.futures.wait``, which waits for the first that ends."""
    given = list(running)
    ended = Pool.loop.wait([each.task.done for each in given], timeout * 1000)
    return [each for each in given if each.task.done in ended], None


def sleep(seconds: float) -> None:
    """Replaces ``time.sleep``."""
    Pool.loop.sleep(seconds * 1000)
