"""Step Functions: executions of the workflow's file. Each action can fail, lose its answer, or run twice."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.simulation.function import FunctionFailed
from tests.simulation.profiles import MINUTE
from tests.simulation.state_machine import TIME_LIMIT, Invoke, Result, Send, TaskFailed, Wait, execution

if TYPE_CHECKING:
    from tests.simulation.world import World


@dataclass(slots=True)
class Execution:
    name: str
    given: Any
    ends: float
    """The end of its time limit, in milliseconds."""
    status: str = "RUNNING"
    error: str = ""
    disturbed: bool = False
    """Whether a fault disturbed its last action, so that a failure of the execution is expected."""
    abort: bool = False
    """Whether it is to be aborted."""


class Workflows:
    """All executions. A name runs once. With EXPRESS every start runs, possibly twice."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.executions: list[Execution] = []
        self._by_name: dict[str, Execution] = {}

    def start(self, name: str, given: Any) -> bool:
        """Start an execution. A repeated start while it runs has no effect and returns True, unless it is EXPRESS."""
        world = self._world
        found = self._by_name.get(name)
        if found is not None and not world.profile.express:
            return found.status == "RUNNING" and found.given == given
        self._begin(name, given)
        if world.profile.express and world.happens(f"run twice/{self._label(name)}", 5 * world.fault_rate):
            world.trace(f"execution/{self._label(name)}", "run twice")
            late = world.loop.now + world.rng.between(f"run again/{self._label(name)}", 0, 1) ** 4 * MINUTE
            world.loop.at(late, lambda: self._begin(name, given))
        return True

    def _begin(self, name: str, given: Any) -> None:
        started = Execution(name, given, self._world.loop.now + 1000 * TIME_LIMIT)
        self.executions.append(started)
        self._by_name[name] = started
        self._world.loop.spawn(self._run, started)

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
                ended: Result = stopped.value
                running.status, running.error = ended.status, ended.error
                self._world.trace(f"execution/{self._label(running.name)}", running.status)
                return
            except _Stopped as stopped:
                running.status, running.disturbed = stopped.status, True
                self._world.trace(f"execution/{self._label(running.name)}", running.status)
                return

    def _do(self, act: Invoke | Send | Wait, running: Execution) -> Any:
        world, label = self._world, self._label(running.name)
        if isinstance(act, Wait):
            world.loop.sleep(1000 * act.longest * world.rng.draw(f"jitter/{label}")[1])
            return None
        if world.loop.now >= running.ends:
            raise _Stopped("TIMED_OUT")
        fault, latency, _ = world.draw_fault("task", f"task/{label}")
        world.loop.sleep(10 + 50 * latency)
        running.disturbed = fault in ("throttled", "answer lost", "aborted by hand")
        if fault:
            world.trace(f"task/{label}", fault)
        if fault == "aborted by hand" or running.abort:
            raise _Stopped("ABORTED")
        if isinstance(act, Send):
            return self._send(act, fault, running)
        if fault == "throttled" or world.is_down("function"):
            running.disturbed = True
            raise TaskFailed("Lambda.TooManyRequestsException")
        if fault == "invoked twice":
            world.loop.spawn(self._invoke, act, running)
        answer = self._invoke(act, running)
        if fault == "answer lost":
            raise TaskFailed("Lambda.Unknown")
        return answer

    def _send(self, act: Send, fault: str | None, running: Execution) -> None:
        if fault == "throttled" or self._world.is_down("queue"):
            running.disturbed = True
            raise TaskFailed("SQS.SqsException")
        self._world.queue.send(act.body)
        if fault == "answer lost":
            raise TaskFailed("SQS.SdkClientException")

    def _invoke(self, act: Invoke, running: Execution) -> Any:
        try:
            answer, disturbed = self._world.function.invoke(act.payload)
        except FunctionFailed as failed:
            running.disturbed |= failed.disturbed
            raise TaskFailed(failed.error, failed.cause) from None
        running.disturbed |= disturbed
        return answer

    def _label(self, name: str) -> str:
        return self._world.label(name.partition("-")[0])


class _Stopped(Exception):
    """The execution was aborted or timed out."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status
