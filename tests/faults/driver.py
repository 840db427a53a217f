"""What AWS does around the function, one thing at a time: Step Functions, the event source mapping and the schedule.

Each does what it does on AWS when a process dies under its hands.
"""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from service.embedded.event_source import failed_ids
from service.handler import dispatch
from service.orders.identity import derived_id
from service.orders.lifecycle import TERMINAL
from service.provisioning.schedule import RECONCILE_EVENT
from tests.faults.cloud import SETTINGS, Cloud
from tests.faults.fault_injector import Fault, Invocation, Killed
from tests.faults.scheduler import Steps
from tests.invariants import World
from tests.simulation.state_machine import Ended, Invoke, Send, TaskFailed, Wait
from tests.simulation.state_machine import execution as walk
from tests.support import sqs_event
from tests.transition_table import MOVES

VIRTUAL_DEADLINE = 2 * 3600.0
EVERY = 60.0  # seconds between two reconciliations
START_DELAY = 1.0  # seconds from StartExecution to the first state


class Died(Exception):
    """The process was killed before it answered."""


class Run:
    """One run in the cloud, with or without a fault."""

    def __init__(self, cloud: Cloud, strike: tuple[int, Fault] | None = None) -> None:
        self.cloud = cloud
        self.accepted: list[str] = []
        self.keys: dict[str, set[str]] = {}
        self.deletions: list[tuple[str, str]] = []
        self.ends: list[Ended] = []
        """How the executions ended."""
        self.cancelled: int | None = None
        """With which status the client's cancellation was answered."""
        self.noticed: list[tuple[str, str]] = []
        """Whose work came to nothing, and for what reason."""
        self.wrong: list[str] = []
        """What a reader could have seen at some moment, and must not."""
        self._last: dict[str, str] = {}
        cloud.clear()
        cloud.injector.begin(strike, self._watch)
        cloud.scheduler.spawn(self._mapping(), after=0.5, endless=True)
        cloud.scheduler.spawn(self._schedule(), after=EVERY, endless=True)

    def until_quiet(self) -> None:
        """Go on until nobody has anything left to do."""
        begun = self.cloud.clock()
        seen = 0
        while not self._quiet():
            self.cloud.scheduler.step()
            for execution in self.cloud.executions[seen:]:
                self.cloud.scheduler.spawn(self._execution(execution), after=START_DELAY)
                seen += 1
            passed = (self.cloud.clock() - begun).total_seconds()
            assert passed < VIRTUAL_DEADLINE, f"I1: not quiet after {passed:.0f} s: {self.cloud.statuses()}"

    def _quiet(self) -> bool:
        if self.cloud.scheduler.busy or self.cloud.queue._messages:
            return False
        statuses = self.cloud.statuses().values()
        return bool(statuses) and all(status in TERMINAL for status in statuses)

    def _watch(self) -> None:
        """Look at the two tables as any reader may, after each call."""
        statuses, failed_orders = self.cloud.statuses(), self.cloud.failed_orders()
        failed = {order_id for order_id, status in statuses.items() if status == "FAILED"}
        if failed != failed_orders:
            self.wrong.append(f"I2: FAILED {failed}, failed-orders {failed_orders}, for a moment")
        for order_id, status in self._last.items():
            moved = status, statuses[order_id]
            if status in TERMINAL and moved != (status, status) and moved not in MOVES["redrive"]:
                self.wrong.append(f"I6: a reader saw {order_id} move {moved}")
        self._last = statuses

    def world(self) -> World:
        """What the run left. An execution that was started by hand goes by the id of the order that it made."""
        return World(
            accepted=self.accepted,
            orders=self.cloud.rows(SETTINGS.orders_table),
            failed_orders=self.cloud.rows(SETTINGS.failed_orders_table),
            dead_letters=[json.loads(message.body)["order_id"] for message in self.cloud.dead_letter_queue._messages],
            executions=[(_order_of(execution.name), execution.status) for execution in self.cloud.executions],
            keys=self.keys,
            deletions=self.deletions,
            max_attempts=SETTINGS.max_attempts,
            lease=SETTINGS.lease,
        )

    def _execution(self, execution: Any) -> Steps:
        steps = walk(execution.name, json.loads(execution.execution_input))
        try:
            act = next(steps)
            while True:
                try:
                    answer = yield from self._state(act)
                except TaskFailed as failed:
                    act = steps.throw(failed)
                else:
                    act = steps.send(answer)
        except StopIteration as stop:
            execution.status = stop.value.status
            self.ends.append(stop.value)

    def _state(self, act: Invoke | Send | Wait) -> Any:
        try:
            match act:
                case Wait(longest):
                    yield longest
                case Invoke(payload):
                    return (yield from self.invoke(payload["dofs"]["task"], payload))
                case Send(body):
                    sqs = self.cloud.system.clients.sqs
                    send = {"QueueUrl": SETTINGS.queue_url, "MessageBody": body}
                    yield from self.act("workflow", lambda _: sqs.send_message(**send))
        except Died as died:
            raise TaskFailed("Lambda.Unknown", str(died)) from died
        except Exception as error:
            raise TaskFailed(type(error).__name__, str(error)) from error

    def _mapping(self) -> Steps:
        """Polls by single messages, so that which call is which is the same in every run."""
        while True:
            yield 1
            while self.cloud.delivers():
                try:
                    yield from self._deliver()
                except Exception:  # nothing is deleted, and the messages become visible again
                    yield 1

    def _deliver(self) -> Steps:
        sqs, queue = self.cloud.system.clients.sqs, SETTINGS.queue_url
        receive = {"QueueUrl": queue, "MaxNumberOfMessages": 1, "MessageSystemAttributeNames": ["All"]}
        answer = yield from self.act("mapping", lambda _: sqs.receive_message(**receive))
        messages = answer.get("Messages", [])
        if not messages:
            return
        event = sqs_event(*(message["Body"] for message in messages))
        for record, message in zip(event["Records"], messages, strict=True):
            record |= {"messageId": message["MessageId"], "attributes": message["Attributes"]}
        reported = yield from self.invoke("fulfill", event)
        failed = failed_ids(json.dumps(reported).encode(), False, {message["MessageId"] for message in messages})
        done = [message for message in messages if message["MessageId"] not in failed]
        if done:
            self._note_deletions(done)
            entries = [{"Id": str(n), "ReceiptHandle": each["ReceiptHandle"]} for n, each in enumerate(done)]
            delete = {"QueueUrl": queue, "Entries": entries}
            yield from self.act("mapping", lambda _: sqs.delete_message_batch(**delete))

    def _note_deletions(self, messages: Sequence[Any]) -> None:
        statuses = self.cloud.statuses()
        for message in messages:
            order_id = json.loads(message["Body"])["order_id"]
            self.deletions.append((order_id, statuses.get(order_id, "no order")))

    def _schedule(self) -> Steps:
        while True:
            with suppress(Exception):  # it fires again in a minute
                yield from self.invoke("reconcile", RECONCILE_EVENT)
            yield EVERY

    def invoke(self, by: str, event: Any) -> Any:
        """Invoke the function with an event."""
        event = json.loads(json.dumps(event))
        return self.act(by, lambda context: dispatch(event, context, self.cloud.system))

    def act(self, by: str, do: Callable[[Any], Any]) -> Any:
        """Do something as a process of its own; what it raises comes out when its time is over."""
        injector = self.cloud.injector
        injector.invocation = invocation = Invocation(by, SETTINGS.function_timeout)
        answer, error = None, None
        try:
            answer = do(invocation)
        except Killed:
            pass
        except Exception as raised:
            error = raised
        finally:
            injector.invocation = None
        yield invocation.took
        if invocation.killed:
            error = Died(by)
        if error is not None:
            self.noticed.append((by, type(error).__name__))
            raise error
        return answer


def _order_of(execution: str) -> str:
    return execution if execution.startswith("ord_") else derived_id("execution", execution)
