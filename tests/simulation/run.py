"""One run: a simulated world, its record, and the broken invariants."""

from dataclasses import dataclass
from typing import Any

from service.orders.isolation import count_broken_attempts
from service.orders.lines import ordered
from service.orders.model import Order
from service.warehouses.decision import ships
from tests.simulation.checker import Record, Row, Step, violations
from tests.simulation.depot import Depot
from tests.simulation.profiles import PROFILES
from tests.simulation.warehouse import is_poison
from tests.simulation.world import World, tasks_as_threads


@dataclass(frozen=True)
class Run:
    """The result of one seed."""

    seed: int
    profile: str
    events: tuple[str, ...]
    """The random events of the run, in the order of time."""
    broken: tuple[tuple[str, str], ...]
    digest: str
    lines: tuple[str, ...]

    @property
    def invariants(self) -> list[str]:
        """The broken invariants, without duplicates."""
        return sorted({invariant for invariant, _ in self.broken}, key=lambda name: int(name[1:]))


def simulate(seed: int, profile: str, only: frozenset[str] | None = None) -> Run:
    """Run one seed.

    Args:
        seed: any whole number.
        profile: one of ``PROFILES``.
        only: the events that may happen; None for all of the seed.
    """
    with tasks_as_threads():
        world = World(seed, PROFILES[profile], only)
        world.run()
    broken = tuple(violations(record_of(world)))
    return Run(seed, profile, tuple(world.rng.happened), broken, world.digest(), tuple(world.lines))


def record_of(world: World) -> Record:
    """The record of a world, in plain values."""
    depot = world.ledger if isinstance(world.ledger, Depot) else None
    histories: dict[str, list[Step]] = {}
    for commit in world.tables.history:
        before = _row(commit.before) if commit.before else None
        actor = commit.after.timeline[-1].actor
        step = Step(commit.at, commit.name, actor, commit.writer, before, _row(commit.after), commit.failed_row)
        histories.setdefault(commit.after.order_id, []).append(step)
    executions = [
        (_order_of(each.name, each.given), each.status, each.error, each.disturbed)
        for each in world.workflows.executions
    ]
    return Record(
        faultless=not world.profile.rate and not world.profile.closed,
        closed=bool(world.profile.closed) and not world.profile.rate,
        max_attempts=world.policy.max_attempts,
        histories=histories,
        failed_orders=set(world.tables.store.failures),
        accepted=world.accepted,
        cancelled=world.cancelled,
        invalid=world.invalid,
        waiting=world.waiting,
        dead_letters=[(message.order_id, message.died_at) for message in world.queue.dead],
        dropped=world.queue.dropped,
        deletions=world.queue.deletions,
        removed=world.queue.removed,
        executions=executions,
        interventions=world.interventions,
        oracle=lambda key: ships(str(world.seed), world.ledger.success_rate, key),
        parcels={} if depot else world.ledger.parcels(),
        shipments=depot.parcels() if depot else None,
        ordered={
            order_id: ordered(order.document)
            for order_id, order in world.tables.store.orders.items()
            if order_id not in world.invalid
        },
        alarms=world.alarms,
        in_breach=depot.in_breach if depot else {},
        conflicts=depot.conflicts if depot else (),
        forgeries=world.callbacks.accepted_forgeries,
        asked_to_cancel=world.asked_to_cancel,
        poison={order_id for order_id, order in world.tables.store.orders.items() if is_poison(order)},
        poisoned=world.poisoned,
        failed_writers=world.failed_writers,
    )


def _order_of(name: str, given: Any) -> str:
    return given.get("order_id") or name


def _row(order: Order) -> Row:
    content = f"{order.owner} {order.customer_id} {order.submission}"
    return Row(
        content,
        str(order.status),
        order.version,
        order.epoch,
        order.attempts,
        order.lease_until,
        order.updated_at,
        order.delivery,
        order.asked,
        order.cancel_asked,
        order.shipments,
        order.parcels,
        count_broken_attempts(order),
    )
