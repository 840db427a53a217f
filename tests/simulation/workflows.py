"""Step Functions: executions of the workflow's own file, each act of which can fail, be lost, or be done twice."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.simulation.function import FunctionFailed
from tests.simulation.state_machine import Ended, Invoke, Send, TaskFailed, Wait, execution

if TYPE_CHECKING:
    from tests.simulation.world import World


@dataclass(slots=True)
class Execution:
    name: str
    given: Any
    status: str = "RUNNING"
    error: str = ""
    befallen: bool = False
    """Whether anything went wrong around what it did last, so that it may fail with good reason."""
    abort: bool = False
    """Whether somebody wants it stopped."""


class Workflows:
    """All executions by name; a name runs once."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.executions: dict[str, Execution] = {}

    def start(self, name: str, given: Any) -> bool:
        """Start an execution; the same name and input while it runs is the same start."""
        found = self.executions.get(name)
        if found is not None:
            return found.status == "RUNNING" and found.given == given
        started = self.executions[name] = Execution(name, given)
        self._world.loop.spawn(self._run, started)
        return True

    def _run(self, running: Execution) -> None:
        steps = execution(running.name, running.given)
        act = next(steps)
        while True:
            try:
                try:
                    answer = self._do(act, running)
                except TaskFailed as failed:
                    act = steps.throw(failed)
                else:
                    act = steps.send(answer)
            except StopIteration as stopped:
                ended: Ended = stopped.value
                running.status, running.error = ended.status, ended.error
                self._world.trace(f"execution/{self._label(running)}", running.status)
                return
            except _Aborted:
                running.status = "ABORTED"
                return

    def _do(self, act: Invoke | Send | Wait, running: Execution) -> Any:
        world, label = self._world, self._label(running)
        if isinstance(act, Wait):
            world.loop.sleep(1000 * act.longest * world.chance.draw(f"jitter/{label}")[1])
            return None
        fault, latency, _ = world.befalls("task", f"task/{label}")
        world.loop.sleep(10 + 50 * latency)
        running.befallen = fault in ("throttled", "answer lost", "aborted by hand")
        if fault:
            world.trace(f"task/{label}", fault)
        if fault == "aborted by hand" or running.abort:
            running.befallen = True
            raise _Aborted
        if isinstance(act, Send):
            return self._send(act, fault, running)
        if fault == "throttled" or world.is_down("function"):
            running.befallen = True
            raise TaskFailed("Lambda.TooManyRequestsException")
        if fault == "invoked twice":
            world.loop.spawn(self._invoke, act, running)
        answer = self._invoke(act, running)
        if fault == "answer lost":
            raise TaskFailed("Lambda.Unknown")
        return answer

    def _send(self, act: Send, fault: str | None, running: Execution) -> None:
        if fault == "throttled" or self._world.is_down("queue"):
            running.befallen = True
            raise TaskFailed("SQS.SqsException")
        self._world.queue.send(act.body)
        if fault == "answer lost":
            raise TaskFailed("SQS.SdkClientException")

    def _invoke(self, act: Invoke, running: Execution) -> Any:
        try:
            answer, befallen = self._world.function.invoke(act.payload)
        except FunctionFailed as failed:
            running.befallen |= failed.befallen
            raise TaskFailed(failed.error, failed.cause) from None
        running.befallen |= befallen
        return answer

    def _label(self, running: Execution) -> str:
        return self._world.label(running.name.partition("-")[0])


class _Aborted(Exception):
    """Somebody stopped the execution."""
