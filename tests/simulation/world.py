"""The simulated world of one run: the service's domain and steps, with in-memory AWS services around them."""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from hashlib import blake2b
from typing import Any
from unittest.mock import patch

from service.orders.deliveries import Deliveries
from service.orders.lifecycle import OPEN, TERMINAL, UNSUCCESSFUL, Status
from service.orders.model import Order
from service.orders.submission import new_order
from service.orders.warehouse import State
from service.steps import batch, reconcile, rounds
from tests.memory.brake import InMemoryBrake
from tests.simulation.actors import Customer, Operator
from tests.simulation.callbacks import Callbacks
from tests.simulation.depot import Depot
from tests.simulation.function import Function, FunctionFailed, Pool, sleep, wait
from tests.simulation.loop import Loop, Task
from tests.simulation.profiles import HOUR, MINUTE, Profile
from tests.simulation.queue import EventSourceMapping, Queue
from tests.simulation.rng import Rng
from tests.simulation.tables import Tables
from tests.simulation.warehouse import Ledger
from tests.simulation.workflows import Workflows
from tests.support import SETTINGS, START, valid_order

RECONCILE = {"dofs": {"task": "reconcile"}}
NEEDS_NO_MESSAGE = {Status.AT_WAREHOUSE, Status.PARTLY_FULFILLED}
"""The states that an order can leave after its message was received, and before the message is deleted."""
SERVICES = ("orders", "queue", "workflow", "function", "mapping", "warehouse")
TIME_TO_RECOVER = 30 * HOUR
"""An order that is open so long after the last fault is stuck."""


class World:
    """The state of one run. The same seed, profile and ``only`` give the same run on every machine."""

    def __init__(self, seed: int, profile: Profile, only: frozenset[str] | None = None) -> None:
        self.seed, self.profile = seed, profile
        self.loop = Pool.loop = Loop()
        self.rng = Rng(seed, only)
        self.rush = self.rng.between("rush", 0, 1) < 0.4
        limit = 2 if self.rng.between("reconcile limit", 0, 1) < 0.3 else 100
        parallel = 1 if self.rng.between("reconcile parallel", 0, 1) < 0.3 else 20
        settings = replace(SETTINGS, reconcile_limit=limit, restart_limit=limit, reconcile_parallel=parallel)
        self.policy = settings.policy
        self.ledger: Any = Depot(self) if profile.accepts else Ledger(str(seed), SETTINGS.fulfillment_success_rate)
        self.callbacks = Callbacks(self)
        self.tables = Tables()
        self.brake = InMemoryBrake()
        self.braked_at = -HOUR
        """The latest time at which the brake was seen to be on."""
        self.queue = Queue(self, SETTINGS.visibility_timeout * 1000, SETTINGS.max_attempts)
        self.mapping = EventSourceMapping(self)
        self.workflows = Workflows(self)
        self.function = Function(self)
        self.lines: list[str] = []
        self.accepted: list[tuple[str | None, str, bool]] = []
        """Key and order id of each 202 answer, and whether the document was the first with that key."""
        self.cancelled: list[tuple[str, str]] = []
        self.asked_to_cancel: set[str] = set()
        """The orders whose cancellation was asked for, without an answer of the warehouse yet."""
        self.poisoned: set[str] = set()
        """The invocations that a poison order killed."""
        self.failed_writers: set[str] = set()
        """The writers that got no answer to a write, or a refusal."""
        self.alarms: set[str] = set()
        """The orders of which somebody was told that a parcel contradicts them."""
        self.interventions = 0
        self.hanging: set[str] = set()
        """The orders whose workflow cannot be started: each start hangs."""
        self._names: dict[str, str] = {}
        self._unwanted: dict[str, bool] = {}
        self._ids = 0
        self._busy: set[Task] = set()
        self._down = {service: self._outages(service) for service in SERVICES}

    def run(self) -> None:
        """Run until the faults are over and nothing is left to do."""
        self.customers = [
            Customer(self, number) for number in range(self.profile.orders) if self.happens(f"order/{number}", 1)
        ]
        for actor in (*self.customers, Operator(self)):
            actor.begin()
        if self.profile.rate and self.rng.between("cursed", 0, 1) < 0.5:
            self._put_cursed_orders()
        self.loop.at(MINUTE, self._tick)
        time = self.profile.faults_until
        while True:
            self.loop.run(time)
            if self.is_quiet() or time > self.profile.faults_until + TIME_TO_RECOVER:
                return
            time += 5 * MINUTE

    def _put_cursed_orders(self) -> None:
        """Put rows that nobody can read, and an order whose start hangs, before all others. They must stop no other."""
        order = new_order(valid_order(), order_id="hangs", owner="nobody", actor="api", at=START, write_id="hangs")
        self.tables.store.orders[order.order_id] = order
        self.hanging.add(order.order_id)
        for status in sorted(OPEN):
            bad = replace(order, order_id=f"bad-{status}", status=status)
            self.tables.store.orders[bad.order_id] = bad
            self.tables.store.unreadable[bad.order_id] = "timeline"

    def _tick(self) -> None:
        """Run the schedule; a run can be lost or duplicated."""
        self.loop.at(self.loop.now + MINUTE, self._tick)
        if self.is_down("function") or self.happens("tick lost", self.fault_rate):
            return
        for _ in range(2 if self.happens("tick twice", self.fault_rate) else 1):
            self.loop.spawn(self._reconcile)

    def _reconcile(self) -> None:
        try:
            self.function.invoke(RECONCILE)
        except FunctionFailed as failed:
            self.trace("reconcile", failed.error)

    def is_quiet(self) -> bool:
        """Whether only the schedule is left."""
        cursed = self.hanging | self.tables.store.unreadable.keys()
        orders = self.tables.store.orders.items()
        return not self.waiting and all(self._is_at_rest(order) for order_id, order in orders if order_id not in cursed)

    def _is_at_rest(self, order: Order) -> bool:
        """Whether nothing is left to do for an order. A look can still find the delivery of one that has failed."""
        unresolved = order.status in UNSUCCESSFUL and order.asked
        if unresolved and self.ledger.look(order.delivery_key).state is not State.NOT_FOUND:
            return False
        return order.status in TERMINAL

    @property
    def waiting(self) -> int:
        """The number of messages, actors and executions that have not finished."""
        running = sum(each.status == "RUNNING" for each in self.workflows.executions)
        return len(self.queue.messages) + len(self._busy) + running

    @property
    def invalid(self) -> set[str]:
        """The invalid orders, which customers submitted with ``Prefer: handling=lenient``."""
        names = {customer.name for customer in self.customers if customer.kind == "lenient"}
        return {order_id for order_id, name in self._names.items() if name in names}

    def spawn(self, act: Callable[..., Any], *args: Any) -> None:
        """Start an actor; the run ends after the actor."""
        task = self.loop.spawn(lambda: (act(*args), self._busy.discard(task)))
        self._busy.add(task)

    def draw_fault(self, kind: str, name: str) -> tuple[str | None, float, float]:
        """The fault of one event, if any, and two numbers from 0 to 1 for its latency and its detail."""
        called, fraction, latency, detail = self.rng.draw(name)
        if self.loop.now < self.profile.faults_until:
            fault = next((fault for fault, most in self.profile.tables[kind] if fraction < most), None)
            if fault and self.rng.allowed(called):
                return fault, latency, detail
        return None, latency, detail

    def happens(self, name: str, rate: float) -> bool:
        """Whether a random event happens; none does after the time of faults."""
        return self.loop.now < self.profile.faults_until and self.rng.happens(name, rate)

    @property
    def fault_rate(self) -> float:
        return self.profile.rate / 2

    def is_unwanted(self, order_id: str) -> bool:
        """Whether the warehouse does not take this order, although it takes others; until the faults are over."""
        if order_id not in self._unwanted:
            self._unwanted[order_id] = self.happens(f"unwanted/{self.label(order_id)}", self.profile.rate / 5)
        return self._unwanted[order_id] and self.loop.now < self.profile.faults_until

    def skew(self, name: str) -> int:
        """The error of an invocation's clock, in milliseconds."""
        if not self.happens(f"skew/{name}", self.profile.skewed):
            return 0
        return int(self.rng.between(f"skewed by/{name}", -self.profile.skew, self.profile.skew))

    def is_down(self, service: str) -> bool:
        return any(begin <= self.loop.now < end for begin, end in self._down[service])

    def up_again(self, service: str) -> int:
        """The end of the current outage."""
        return max(end for begin, end in self._down[service] if begin <= self.loop.now < end)

    def outage(self, service: str, begin: int, end: int) -> None:
        """Add an outage of a service."""
        self._down[service].append((begin, end))

    def _outages(self, service: str) -> list[tuple[int, int]]:
        outages = [self.profile.closed] if service == "warehouse" and self.profile.closed else []
        for number in range(2):
            name = f"{service}/{number}"
            if self.happens(f"outage/{name}", self.profile.outages):
                begin = int(self.rng.between(f"outage at/{name}", 0, self.profile.faults_until))
                outages.append((begin, begin + int(self.rng.between(f"outage for/{name}", MINUTE, 20 * MINUTE))))
        return outages

    def accept(self, key: str | None, order_id: str, name: str, *, same_document: bool) -> None:
        """Record a 202 answer."""
        self.accepted.append((key, order_id, same_document))
        self.name(order_id, name)
        self.trace(f"accepted/{name}", "")

    def name(self, order_id: str, name: str) -> None:
        """Give an order a name that does not depend on earlier events."""
        self._names.setdefault(order_id, name)

    def label(self, order_id: str) -> str:
        return self._names.get(order_id, order_id)

    def status(self, order_id: str) -> str:
        order = self.tables.store.orders.get(order_id)
        return str(order.status) if order else "none"

    def status_since(self, order_id: str, since: int) -> str:
        """The status of an order, or a former one since then in which it needed no message."""
        rows = [commit.before for commit in self.tables.history if commit.at >= since]
        rows = [row for row in rows if row and row.order_id == order_id and row.status in NEEDS_NO_MESSAGE]
        return str(rows[-1].status) if rows else self.status(order_id)

    def waited(self, order_id: str, since: int) -> bool:
        """Whether an order has waited, PENDING, under the brake since then. Another message can have moved it on."""
        if not (self.brake.row.is_on or self.loop.now - self.braked_at < MINUTE):
            return False
        rows = [commit.before for commit in self.tables.history if commit.at >= since]
        rows.append(self.tables.store.orders.get(order_id))
        return any(row and row.order_id == order_id and row.status is Status.PENDING for row in rows)

    def new_id(self) -> str:
        self._ids += 1
        return f"{self._ids:032x}"

    def trace(self, what: str, how: Any) -> None:
        """Record an event in the trace."""
        self.lines.append(f"{self.loop.now} {what} {how}")

    def digest(self) -> str:
        """A digest of the trace."""
        return blake2b("\n".join(self.lines).encode(), digest_size=8).hexdigest()


def _note_alarm(deliveries: Deliveries, order: Order, *_: Any) -> None:
    """Replaces the alarm about a parcel, which is a metric and a line of the log."""
    system: Any = deliveries._system
    system.world.alarms.add(order.order_id)


@contextmanager
def tasks_as_threads() -> Iterator[None]:
    """Run the threads of ``fulfill`` and of the reconciler as tasks of the loop, and disable logging."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with ExitStack() as stack:
            for module in (batch, rounds):
                stack.enter_context(patch.object(module, "ThreadPoolExecutor", Pool))
                stack.enter_context(patch.object(module, "wait", wait))
            stack.enter_context(patch.object(reconcile, "sleep", sleep))
            stack.enter_context(patch.object(Deliveries, "report_unexpected", _note_alarm))
            yield
    finally:
        logging.disable(disabled)
