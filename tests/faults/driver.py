"""Runs Step Functions, the event source mapping and the schedule around the function, one step at a time.

Each handles a crashed process as AWS does.
"""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from service.embedded.event_source_rules import batch_event, deletable, delete_request, receive_request
from service.handler import dispatch
from service.orders.identity import derive_id
from service.orders.lifecycle import TERMINAL
from service.provisioning.schedule import RECONCILE_EVENT
from tests.faults.cloud import NAMES, SETTINGS, Cloud
from tests.faults.fault_injector import Fault, Invocation, Killed
from tests.faults.scheduler import Steps
from tests.invariants import FROM_FAILED, World
from tests.simulation.state_machine import Invoke, Result, Send, TaskFailed, Wait
from tests.simulation.state_machine import execution as walk

VIRTUAL_DEADLINE = 2 * 3600.0  # seconds
EVERY = 60.0  # seconds between two reconciliations
START_DELAY = 1.0  # seconds from StartExecution to the first state


class Died(Exception):
    """The process was killed before it answered."""


class Run:
    """One run in the cloud, with or without a fault."""

    def __init__(self, cloud: Cloud, target: tuple[int, Fault] | None = None) -> None:
        """Begin a run.

        Args:
            cloud: where it runs; it is emptied.
            target: the number of the call that fails, and its fault; None for a run without a fault.
        """
        self.cloud = cloud
        self.accepted: list[str] = []
        self.keys: dict[str, set[str]] = {}
        self.deletions: list[tuple[str, str]] = []
        """Of each deleted message: its order, and the order's status at that moment."""
        self.ended: list[Result] = []
        """How the executions ended."""
        self.cancelled: int | None = None
        """The HTTP status of the answer to the client's cancellation."""
        self.failures: list[tuple[str, str]] = []
        """Of each invocation or call that failed: its actor and its error."""
        self.violations: list[str] = []
        """Forbidden states that a reader could have seen for a moment."""
        self._last: dict[str, str] = {}
        cloud.clear()
        cloud.injector.begin(target, self._watch)
        cloud.scheduler.spawn(self._mapping(), after=0.5, endless=True)
        cloud.scheduler.spawn(self._schedule(), after=EVERY, endless=True)

    def until_quiet(self) -> None:
        """Run until no actor has anything left to do."""
        start = self.cloud.clock()
        seen = 0
        while not self._quiet():
            self.cloud.scheduler.step()
            for execution in self.cloud.executions[seen:]:
                self.cloud.scheduler.spawn(self._execution(execution), after=START_DELAY)
                seen += 1
            passed = (self.cloud.clock() - start).total_seconds()
            assert passed < VIRTUAL_DEADLINE, f"I1: not quiet after {passed:.0f} s: {self.cloud.statuses()}"

    def _quiet(self) -> bool:
        if self.cloud.scheduler.busy or self.cloud.queue._messages:
            return False
        statuses = self.cloud.statuses()
        return (
            bool(statuses)
            and all(status in TERMINAL for status in statuses.values())
            and not self._is_to_be_looked_at()
        )

    def _is_to_be_looked_at(self) -> bool:
        """Whether the warehouse has decided about a FAILED order, and no look has found that yet."""
        decided = self.cloud.system.fulfiller.ledger.deliveries
        rows = self.cloud.rows(SETTINGS.orders_table).values() if self.cloud.failed_orders() else ()
        return any(
            row["status"] == "FAILED" and row["asked"] > 0 and f"{row['order_id']}-d{row['delivery']}" in decided
            for row in rows
        )

    def _watch(self) -> None:
        """Check both tables after each call, as a reader may see them."""
        statuses, failed_orders = self.cloud.statuses(), self.cloud.failed_orders()
        failed = {order_id for order_id, status in statuses.items() if status == "FAILED"}
        if failed != failed_orders:
            self.violations.append(f"I2: FAILED {failed}, failed-orders {failed_orders}, for a moment")
        for order_id, status in self._last.items():
            moved = status, statuses[order_id]
            if status in TERMINAL and moved != (status, status) and moved not in FROM_FAILED:
                self.violations.append(f"I6: a reader saw {order_id} move {moved}")
        self._last = statuses

    def world(self) -> World:
        """The state after the run. An execution that was started in the console is listed by its order's id."""
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
            self.ended.append(stop.value)

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
        """Poll for one message at a time, so that the calls have the same order in every run."""
        while True:
            yield 1
            while self.cloud.has_visible_messages():
                try:
                    yield from self._deliver()
                except Exception:  # the messages are not deleted and become visible again
                    yield 1

    def _deliver(self) -> Steps:
        sqs, receive = self.cloud.system.clients.sqs, receive_request(SETTINGS.queue_url, batch_size=1)
        answer = yield from self.act("mapping", lambda _: sqs.receive_message(**receive))
        messages = answer.get("Messages", [])
        if not messages:
            return
        reported = yield from self.invoke("fulfill", batch_event(messages, NAMES.queue_arn(NAMES.queue)))
        done = deletable(messages, json.dumps(reported).encode(), errored=False)
        if done:
            self._note_deletions(done)
            delete = delete_request(SETTINGS.queue_url, done)
            yield from self.act("mapping", lambda _: sqs.delete_message_batch(**delete))

    def _note_deletions(self, messages: Sequence[Any]) -> None:
        statuses = self.cloud.statuses()
        for message in messages:
            order_id = json.loads(message["Body"])["order_id"]
            status = statuses.get(order_id, "no order")
            if status != "PENDING" or not self.cloud.is_braked():  # under the brake, the reconciler sends it again
                self.deletions.append((order_id, status))

    def _schedule(self) -> Steps:
        while True:
            with suppress(Exception):  # the next run is in a minute
                yield from self.invoke("reconcile", RECONCILE_EVENT)
            yield EVERY

    def invoke(self, by: str, event: Any) -> Any:
        """Invoke the function with an event."""
        event = json.loads(json.dumps(event))
        return self.act(by, lambda context: dispatch(event, context, self.cloud.system))

    def act(self, by: str, work: Callable[[Any], Any]) -> Any:
        """Run a function as a process of its own; an exception is raised when its time is over."""
        injector = self.cloud.injector
        injector.invocation = invocation = Invocation(by, SETTINGS.function_timeout)
        answer, error = None, None
        try:
            answer = work(invocation)
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
            self.failures.append((by, type(error).__name__))
            raise error
        return answer


def _order_of(execution: str) -> str:
    return execution if execution.startswith("ord_") else derive_id("execution", execution)
