"""Mutations: rules broken on purpose. The checker must catch each of them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

from service.orders import dead_letters, deliveries, isolation, submission
from service.orders.brake import Brake
from service.orders.deliveries import Deliveries
from service.orders.gate import Gate, Passage
from service.orders.identity import order_id_for
from service.orders.lifecycle import OPEN, Change, Increment, Reset, Source, Status, Transition
from service.orders.model import Order, Write
from service.orders.orders import Orders
from service.orders.outcomes import after_attempt
from service.orders.policy import Policy
from service.orders.ports import OrderStore, TransitionRefused
from service.orders.row_reader import RowReader
from service.orders.transitions import TRANSITIONS
from service.orders.warehouse import Answer, State
from service.steps import fulfill, reconcile, store
from service.steps.attempt import OrderFulfillment
from tests.memory import store as memory
from tests.memory.store import InMemoryOrderStore
from tests.simulation import world
from tests.simulation.parcel_mutations import PARCEL_MUTATIONS
from tests.simulation.ports import Lost, Ports
from tests.simulation.run import Run, simulate
from tests.transition_table import LEASED


@dataclass(frozen=True)
class Mutation:
    """One broken rule, with the profile and the invariant that must catch it."""

    name: str
    profile: str
    invariant: str
    patches: Callable[[], list[Any]]

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Break the rule within the context."""
        with ExitStack() as stack:
            for each in self.patches():
                stack.enter_context(each)
            yield


def transitions(change: Callable[[Transition], Transition], *names: str) -> list[Any]:
    """Change some rows of the transition table."""
    return [patch.dict(TRANSITIONS, {name: change(TRANSITIONS[name]) for name in names})]  # type: ignore[index,misc]


def no_conditions() -> list[Any]:
    def create(store: InMemoryOrderStore, order: Order) -> Order:
        store.orders[order.order_id] = order
        return order

    return [
        patch.object(memory, "permits", lambda row, order, values: True),
        patch.object(InMemoryOrderStore, "create", create),
    ]


def errors_swallowed() -> list[Any]:
    real = fulfill.acknowledge
    return [patch.object(fulfill, "acknowledge", lambda *args: real(*args) or True)]


def acknowledged_when(*statuses: Status) -> Callable[[], list[Any]]:
    def patches() -> list[Any]:
        real = OrderFulfillment._leave

        def leave(step: OrderFulfillment, order: Order | None) -> bool:
            return (order is not None and order.status in statuses) or real(step, order)

        return [patch.object(OrderFulfillment, "_leave", leave)]

    return patches


def failed_in_two_writes() -> list[Any]:
    real = Ports.apply

    def apply(ports: Ports, write: Write) -> Order:
        if write.transition.failed_orders != "put":
            return real(ports, write)
        rows: OrderStore = ports.world.tables.store
        moved = ports.call("orders", write.name, write.order_id, lambda: first(ports, write))
        row = memory.failed_row(moved, write, write.failure) if write.failure else None
        ports.call("orders", "put", write.order_id, lambda: rows.failures.update({write.order_id: row}))  # type: ignore[attr-defined]
        return moved

    def first(ports: Ports, write: Write) -> Order:
        with patch.dict(TRANSITIONS, {write.name: replace(write.transition, failed_orders=None)}):
            return ports.world.tables.apply(write, ports._writer, ports._now)

    return [patch.object(Ports, "apply", apply)]


def attempt_charged_late() -> list[Any]:
    charge = Increment("attempts")
    early, late = TRANSITIONS["claim"], ("fulfill", "release", "fail")
    changed = {"claim": replace(early, changes=tuple(each for each in early.changes if each != charge))}
    changed |= {name: replace(TRANSITIONS[name], changes=(charge,)) for name in late}
    return [patch.dict(TRANSITIONS, changed)]


def batch_raised() -> list[Any]:
    real = fulfill.run

    def run(*args: Any) -> Any:
        answer = real(*args)
        if answer["batchItemFailures"]:
            raise RuntimeError("a record failed")
        return answer

    return [patch.object(fulfill, "run", run)]


def store_not_replayable() -> list[Any]:
    def run(task: Any, system: Any) -> Any:
        order_id = store.order_id_of(task)
        write = Write(name="store", order_id=order_id, id=system.new_id(), at=system.now(), actor="workflow")
        system.store.apply(write)
        return {"order_id": order_id}

    return [patch.object(store, "run", run)]


def no_idempotency_key() -> list[Any]:
    return [patch.object(submission, "order_id_for", lambda owner, key, new_id: f"ord_{new_id()}")]


def started_before_the_row() -> list[Any]:
    real = Orders.submit

    def submit(orders: Orders, given: Any) -> Any:
        if given.idempotency_key:
            order_id = order_id_for(given.owner, given.idempotency_key, orders._system.new_id)
            orders._system.workflow.start(order_id, order_id)
        return real(orders, given)

    return [patch.object(Orders, "submit", submit)]


def accepted_without_a_row() -> list[Any]:
    def create(ports: Ports, order: Order) -> Order:
        try:
            return real(ports, order)
        except Lost:
            return order

    real = Ports.create
    return [patch.object(Ports, "create", create)]


def leases_taken() -> list[Any]:
    real = Policy.is_due

    def is_due(policy: Policy, order: Order, *args: Any, **more: Any) -> bool:
        return order.status is Status.PROCESSING or real(policy, order, *args, **more)

    free = (Source(Status.PENDING), Source(Status.PROCESSING))
    changed = {
        "recover": replace(TRANSITIONS["recover"], sources=free[1:]),
        "give_up": replace(TRANSITIONS["give_up"], sources=free),
    }
    return [patch.dict(TRANSITIONS, changed), patch.object(Policy, "is_due", is_due)]


def nobody_gives_up() -> list[Any]:
    return [patch.object(Deliveries, "look", lambda deliveries, order, *args: order)]


def cancellation_forgotten() -> list[Any]:
    def decide(order: Order, *args: Any, **more: Any) -> Any:
        return after_attempt(replace(order, cancel_asked=0), *args, **more)

    unguarded = transitions(lambda row: replace(row, guards=row.guards[:2]), "decline", "fail")
    return [patch.object(deliveries, "after_attempt", decide), *unguarded]


def key_of_the_epoch() -> list[Any]:
    return [patch.object(Order, "delivery_key", property(lambda order: f"{order.order_id}-d{order.epoch + 1}"))]


def no_answer_is_shipped() -> list[Any]:
    def decide(order: Order, answer: Any, *args: Any, **more: Any) -> Any:
        return after_attempt(order, Answer(State.SHIPPED) if isinstance(answer, Exception) else answer, *args, **more)

    return [patch.object(deliveries, "after_attempt", decide)]


def given_up_unseen() -> list[Any]:
    return [patch.object(Deliveries, "_read", lambda *_: None)]


def charged(settle: Callable[..., Order]) -> Callable[..., Order]:
    return lambda self, order, answer, message_id, *, braked: settle(self, order, answer, message_id, braked=False)


def no_brake() -> list[Any]:
    return [patch.object(Gate, "enter", lambda *_: Passage.OPEN), patch.object(Gate, "note", lambda *_: False)]


def claimed_before_their_turn() -> list[Any]:
    work, later = OrderFulfillment.work, OrderFulfillment.work_after_others

    def claim_at_once(step: OrderFulfillment, *, first: bool) -> bool | Order:
        found = work(step, first=first)
        if not isinstance(found, Order) or found.attempts >= step._most:
            return found
        try:
            return step._deliveries.claim(found.order_id)
        except TransitionRefused:
            return False

    def attempt(step: OrderFulfillment, order: Order) -> bool:
        return later(step, order) if step._deliveries.is_free(order) else step._attempt(order)

    return [
        patch.object(OrderFulfillment, "work", claim_at_once),
        patch.object(OrderFulfillment, "work_after_others", attempt),
    ]


def shares_gone() -> list[Any]:
    def take_turns(rounds: Any, left: Callable[[], float]) -> None:
        for each in rounds:
            each.take_turn(left)

    return [patch.object(reconcile, "take_turns", take_turns)]


def bad_row_ends_the_run() -> list[Any]:
    return [patch.object(RowReader, "read", lambda _, rows, read: [read(row) for row in rows])]


def without_guards(row: Transition) -> Transition:
    return replace(row, guards=())


def add_changes(name: str, *changes: Change, without: str = "") -> Callable[[], list[Any]]:
    """Add changes to a row of the transition table; take the changes of an attribute out of it."""

    def change(row: Transition) -> Transition:
        return replace(row, changes=(*(each for each in row.changes if each.attribute != without), *changes))

    return lambda: transitions(change, name)


MUTATIONS = (
    Mutation("no brake", "closed", "I10", no_brake),
    Mutation(
        "an order that is set aside loses its message although it is not PENDING",
        "outage",
        "I12",
        lambda: [patch.object(OrderFulfillment, "_set_aside", lambda *_: True)],
    ),
    Mutation("nobody sends a probe", "closed", "I1", lambda: [patch.object(Brake, "is_probe_due", lambda *_: False)]),
    Mutation(
        "a refusal under the brake costs an attempt",
        "closed",
        "I10",
        lambda: [patch.object(Deliveries, "settle", charged(Deliveries.settle))],
    ),
    Mutation("the epoch is the key", "hot", "I15", key_of_the_epoch),
    Mutation("a claim does not count as asked", "hot", "I19", add_changes("claim", without="asked")),
    Mutation("an unknown outcome forgets the request", "hot", "I19", add_changes("release", Reset("asked", 0))),
    Mutation(
        "a redrive renews the key", "hot", "I15", add_changes("redrive", Increment("delivery"), Reset("asked", 0))
    ),
    Mutation(
        "cancel without its guard", "hot", "I19", lambda: transitions(lambda row: replace(row, guards=()), "cancel")
    ),
    Mutation(
        "an order is given up without a look",
        "hot",
        "I18",
        lambda: [patch.object(Deliveries, "_read", lambda *_: None)],
    ),
    Mutation(
        "nobody looks at a failed order",
        "hot",
        "I18",
        lambda: [patch.object(reconcile, "_unresolved", lambda _: iter(()))],
    ),
    Mutation("a cancellation that was asked for is forgotten", "hot", "I22", cancellation_forgotten),
    Mutation("no answer counts as shipped", "hot", "I16", no_answer_is_shipped),
    Mutation(
        "suspects not alone",
        "default",
        "I20",
        lambda: [patch.object(isolation, "count_broken_attempts", lambda _: 0)],
    ),
    Mutation(
        "the most broken first",
        "default",
        "I20",
        lambda: [patch.object(fulfill, "group", lambda waiting: isolation.group(waiting)[::-1])],
    ),
    Mutation("suspects claimed before their turn", "default", "I20", claimed_before_their_turn),
    Mutation("no conditions", "zero", "I6", no_conditions),
    Mutation("errors swallowed", "zero", "I12", errors_swallowed),
    Mutation("acknowledged on a lease conflict", "hot", "I12", acknowledged_when(*OPEN)),
    Mutation("acknowledged although it failed", "hot", "I8", acknowledged_when(Status.FAILED)),
    Mutation("FAILED in two writes", "default", "I2", failed_in_two_writes),
    Mutation("attempt charged late", "hot", "I7", attempt_charged_late),
    Mutation("one record fails the whole batch", "zero", "I8", batch_raised),
    Mutation("Store's failed condition is an error", "default", "I13", store_not_replayable),
    Mutation(
        "no owner fence",
        "hot",
        "I11",
        lambda: transitions(lambda row: replace(row, guards=()), *LEASED),
    ),
    Mutation(
        "a living lease is no obstacle",
        "hot",
        "I11",
        lambda: transitions(
            lambda row: replace(row, sources=tuple(Source(each.status) for each in row.sources)), "claim"
        ),
    ),
    Mutation("attempts without end", "hot", "I7", lambda: transitions(lambda row: replace(row, guards=()), "claim")),
    Mutation(
        "redrive keeps the failed-orders row",
        "zero",
        "I2",
        lambda: transitions(lambda row: replace(row, failed_orders=None), "redrive"),
    ),
    Mutation(
        "a bare message revives a failed order",
        "hot",
        "I6",
        lambda: [
            *transitions(lambda row: replace(row, sources=(*row.sources, Source(Status.FAILED))), "claim"),
            patch.object(Deliveries, "is_free", lambda _, order: order.is_open or order.status is Status.FAILED),
        ],
    ),
    Mutation(
        "a redrive takes every dead letter out",
        "zero",
        "I8",
        lambda: [patch.object(dead_letters, "is_superseded", lambda *_: True)],
    ),
    Mutation("accepted without a row", "outage", "I0", accepted_without_a_row),
    Mutation("no idempotency key", "zero", "I5", no_idempotency_key),
    Mutation("started before the row", "zero", "I13", started_before_the_row),
    Mutation("the reconciler takes orders from living leases", "hot", "I11", leases_taken),
    Mutation("one bad row ends the run", "hot", "I1", bad_row_ends_the_run),
    Mutation("a state that hangs uses all of the time", "hot", "I1", shares_gone),
    Mutation("nobody gives up", "hot", "I1", nobody_gives_up),
    Mutation("no reconciler", "default", "I1", lambda: [patch.object(world.World, "_reconcile", lambda self: None)]),
    *(Mutation(name, "warehouse", invariant, patches) for name, invariant, patches in PARCEL_MUTATIONS),
)

SEEDS = 600
"""The seeds that are tried for each mutation."""


def find_violation(mutation: Mutation, first: int = 0) -> Run | None:
    """A run of the mutation's profile that breaks its invariant; None if it is not caught.

    Args:
        mutation: the broken rule.
        first: the seed that is tried before the others.
    """
    with mutation.applied():
        runs = (simulate(seed, mutation.profile) for seed in (first, *range(SEEDS)))
        return next((run for run in runs if mutation.invariant in run.invariants), None)
