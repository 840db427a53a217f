"""Patches moto where it differs from AWS.

The patches use private parts of moto, so its version is pinned. Each patch has a test.

* Conditional writes are not atomic between threads: DynamoDB and SQS get one lock.
* The event source mapping delivers within SendMessage and does not support partial failures: it is disabled.
* An execution without a name is named None, and executions are never deleted.
* EXPRESS behaves like STANDARD: here a name can run again, and executions cannot be described.
* moto's dashboard keeps every object: former states of rows, deleted messages, and a copy of the state machine for each
  execution. Each queue also keeps every receipt handle.
"""

import functools
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from moto.core.common_models import BaseModel
from moto.core.exceptions import AWSError
from moto.dynamodb.responses import DynamoHandler
from moto.sqs.models import Queue, SQSBackend
from moto.stepfunctions.models import StateMachine
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from moto.stepfunctions.parser.utils import TMP_THREADS

LONG_POLL_STEP = 0.02  # seconds
HANDLES_KEPT = 1000  # receipt handles of deleted messages that a queue keeps

SQS_METHODS = (
    "send_message",
    "send_message_batch",
    "delete_message",
    "delete_message_batch",
    "change_message_visibility",
    "change_message_visibility_batch",
    "get_queue_attributes",
    "purge_queue",
)


@contextmanager
def patch_moto(executions_kept: int) -> Iterator[None]:
    """Patch moto while the embedded cloud runs.

    Args:
        executions_kept: finished executions whose history stays in memory.
    """
    lock = threading.RLock()
    with ExitStack() as patches:

        def replace(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
            patches.enter_context(patch.object(owner, name, make(getattr(owner, name))))

        replace(DynamoHandler, "call_action", lambda original: _with_lock(original, lock))
        for method in SQS_METHODS:
            replace(SQSBackend, method, lambda original: _with_lock(original, lock))
        replace(SQSBackend, "receive_message", lambda original: _patient_receive(original, lock))
        replace(Queue, "__init__", _without_push_or_past)
        replace(BaseModel, "__new__", lambda _: staticmethod(_new_without_tracking))
        replace(StepFunctionsParserBackend, "start_execution", lambda original: _start(original, executions_kept))
        replace(StepFunctionsParserBackend, "list_executions", _unless_express)
        replace(StateMachine, "_handle_name_input_idempotency", _once_unless_express)
        yield


def _with_lock(original: Any, lock: threading.RLock) -> Any:
    @functools.wraps(original)
    def method(*args: Any, **named: Any) -> Any:
        with lock:
            return original(*args, **named)

    return method


def _patient_receive(original: Any, lock: threading.RLock) -> Any:
    """Implement long polling that holds the lock only while it reads."""

    def receive_message(self: Any, queue_name: str, count: int, wait: int, *args: Any, **named: Any) -> Any:
        ends = time.monotonic() + (wait or 0)
        while True:
            with lock:
                messages = original(self, queue_name, count, 0, *args, **named)
            if messages or time.monotonic() >= ends:
                return messages
            time.sleep(LONG_POLL_STEP)

    return receive_message


class _NoMappings(dict[str, Any]):
    def __setitem__(self, key: str, value: Any) -> None:
        """Ignore the mapping: the poller of ``event_source`` delivers the messages."""


class _LastHandles(dict[str, None]):
    """The last receipt handles of deleted messages, so that deleting twice is no error."""

    def update(self, handles: Iterable[str]) -> None:  # type: ignore[override]
        """Add handles, and drop the oldest."""
        for handle in handles:
            self[handle] = None
        while len(self) > HANDLES_KEPT:
            del self[next(iter(self))]


def _without_push_or_past(original: Any) -> Any:
    def init(self: Any, *args: Any, **named: Any) -> None:
        original(self, *args, **named)
        self.lambda_event_source_mappings = _NoMappings()
        self.deleted_messages = _LastHandles()

    return init


def _new_without_tracking(cls: type, *_: Any, **__: Any) -> Any:
    return object.__new__(cls)


def _start(original: Any, executions_kept: int) -> Any:
    lock = threading.RLock()

    def start_execution(self: Any, state_machine_arn: str, name: str | None = None, *args: Any, **named: Any) -> Any:
        with lock:
            machine = self.describe_state_machine(state_machine_arn)
            _forget_finished(machine.executions, executions_kept)
            execution = original(self, state_machine_arn, name or str(uuid.uuid4()), *args, **named)
            if machine.type == "EXPRESS":  # DescribeExecution, StopExecution and similar calls do not find this ARN
                execution.exec_arn = execution.execution_arn = _express_arn(execution)
            return execution

    return start_execution


def _express_arn(execution: Any) -> str:
    """Return the ARN of an EXPRESS execution, which differs between executions of the same name.

    https://docs.aws.amazon.com/step-functions/latest/dg/choosing-workflow-type.html
    """
    return f"{execution.exec_arn.replace(':execution:', ':express:')}:{uuid.uuid4()}"


def _once_unless_express(original: Any) -> Any:
    """Allow a name once, or any number of times with EXPRESS.

    https://docs.aws.amazon.com/step-functions/latest/dg/express-at-least-once-execution.html
    """

    def handle(self: Any, *args: Any) -> Any:
        return None if self.type == "EXPRESS" else original(self, *args)

    return handle


def _unless_express(original: Any) -> Any:
    def list_executions(self: Any, state_machine_arn: str, *args: Any, **named: Any) -> Any:
        if self.describe_state_machine(state_machine_arn).type == "EXPRESS":
            message = "This operation is not supported by this type of state machine"
            raise AWSError(message, "StateMachineTypeNotSupported", 400)
        return original(self, state_machine_arn, *args, **named)

    return list_executions


def _forget_finished(executions: list[Any], kept: int) -> None:
    """Delete the oldest finished executions when 10 % more than ``kept`` exist."""
    if len(executions) < kept * 1.1:
        return
    finished = [execution for execution in executions if execution.status != "RUNNING"]
    forgotten = {id(execution) for execution in finished[: len(executions) - kept]}
    executions[:] = [execution for execution in executions if id(execution) not in forgotten]
    TMP_THREADS[:] = [thread for thread in TMP_THREADS if thread.is_alive()]
