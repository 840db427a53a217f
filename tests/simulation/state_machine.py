"""A small interpreter of the workflow's state machine. The caller performs the actions that it yields.

It supports what the workflow's file uses: Task with Retry and Catch, Succeed, Fail, and paths such as
``$.error.Cause``. Anything else in the file raises ``NotImplementedError``.

https://states-language.net/spec.html
"""

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[2] / "workflows" / "order_processing.asl.json"


@dataclass(frozen=True, slots=True)
class Invoke:
    """Invoke the function; send its answer or throw ``TaskFailed``."""

    payload: dict[str, Any]
    timeout: int


@dataclass(frozen=True, slots=True)
class Send:
    """Send a message to the queue."""

    body: str
    timeout: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait up to so many seconds before a retry; the caller chooses the jitter."""

    longest: float


class TaskFailed(Exception):
    """A task failed; ``error`` is the name that Retry and Catch match."""

    def __init__(self, error: str, cause: str = "") -> None:
        super().__init__(error)
        self.error = error
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Result:
    """The result of an execution: its output if it succeeded, the name of its error otherwise."""

    status: str
    output: Any = None
    error: str = ""


Steps = Generator[Invoke | Send | Wait, Any, Result]


@cache
def definition() -> dict[str, Any]:
    """The workflow's file."""
    read: dict[str, Any] = json.loads(FILE.read_text())
    return read


TIME_LIMIT: int = definition()["TimeoutSeconds"]
"""Seconds after which Step Functions ends an execution."""


def execution(name: str, given: Any) -> Steps:
    """Run one execution with the input ``given``: yield its actions, receive their answers, return its result."""
    states = definition()["States"]
    current, data = definition()["StartAt"], given
    while True:
        state = states[current]
        match state["Type"]:
            case "Succeed":
                return Result("SUCCEEDED", data)
            case "Fail":
                return Result("FAILED", error=state["Error"])
            case "Task":
                current, data = yield from _task(state, data, name)
            case other:
                raise NotImplementedError(f"state type {other}")


def _task(state: Mapping[str, Any], data: Any, name: str) -> Generator[Any, Any, tuple[str, Any]]:
    retried = [0] * len(state.get("Retry", ()))
    while True:
        try:
            result = yield _act(state, data, name)
            return state["Next"], _output(state, data, result)
        except TaskFailed as failed:
            retrier = next((n for n, each in enumerate(state["Retry"]) if _matches(each, failed.error)), None)
            if retrier is not None and retried[retrier] < state["Retry"][retrier]["MaxAttempts"]:
                yield Wait(_delay(state["Retry"][retrier], retried[retrier]))
                retried[retrier] += 1
                continue
            catcher = next((each for each in state["Catch"] if _matches(each, failed.error)), None)
            if catcher is None:
                raise NotImplementedError(f"no Catch matches {failed.error}") from failed
            assert catcher["ResultPath"] == "$.error"
            return catcher["Next"], {**data, "error": {"Error": failed.error, "Cause": failed.cause}}


def _act(state: Mapping[str, Any], data: Any, name: str) -> Invoke | Send:
    parameters = _fill(state["Parameters"], data, name)
    match state["Resource"]:
        case "arn:aws:states:::lambda:invoke":
            return Invoke(parameters["Payload"], state["TimeoutSeconds"])
        case "arn:aws:states:::sqs:sendMessage":
            return Send(json.dumps(parameters["MessageBody"]), state["TimeoutSeconds"])
        case other:
            raise NotImplementedError(f"resource {other}")


def _output(state: Mapping[str, Any], data: Any, result: Any) -> Any:
    if "ResultPath" in state and state["ResultPath"] is None:
        return data
    return _resolve(state["OutputPath"], {"Payload": result}, "")


def _fill(template: Any, data: Any, name: str) -> Any:
    if not isinstance(template, dict):
        return template
    return {
        key.removesuffix(".$"): _resolve(value, data, name) if key.endswith(".$") else _fill(value, data, name)
        for key, value in template.items()
    }


def _resolve(path: str, data: Any, name: str) -> Any:
    if path == "$$.Execution.Name":
        return name
    for part in path.split(".")[1:]:
        data = data[part]
    return data


def _matches(rule: Mapping[str, Any], error: str) -> bool:
    names = rule["ErrorEquals"]
    return error in names or "States.ALL" in names or ("States.TaskFailed" in names and error != "States.Timeout")


def _delay(retrier: Mapping[str, Any], times: int) -> float:
    delay: float = retrier["IntervalSeconds"] * retrier["BackoffRate"] ** times
    return min(delay, retrier["MaxDelaySeconds"])
