"""Explores every state of the model, breadth first, so that the first trace to a broken invariant is a shortest one."""

import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from service.orders.lifecycle import TERMINAL, Status
from service.orders.warehouse import State
from tests.exploration.model import Bounds, By, Model, World


@dataclass
class Exploration:
    """The result: the number of states and steps, where orders rest, and a trace to the first broken invariant."""

    states: int = 0
    steps: int = 0
    at_rest: Counter[Status] = field(default_factory=Counter)
    broken: str = ""
    trace: Sequence[str] = ()


def explore(model: Model, limit: int = 10_000_000) -> Exploration:
    """Explore the model until an invariant is broken, or every state was seen.

    Args:
        model: the model.
        limit: the number of states after which the exploration stops.

    Raises:
        RuntimeError: there are more states than ``limit``.
    """
    result, first = Exploration(), model.bounds.first()
    before: dict[World, tuple[World, str] | None] = {first: None}
    frontier = [first]
    while frontier:
        following = []
        for world in frontier:
            ours = False
            for step in model.steps(world):
                result.steps += 1
                after = tidy(step.world)
                if after == world and not step.broken:
                    continue
                ours |= step.by is By.SYSTEM
                found = step.broken
                if after.row is not world.row and not found:
                    found = next(check_step(world, after, step.label), "")
                if after not in before:
                    before[after] = (world, step.label)
                    following.append(after)
                    found = found or next(check(after), "")
                if found:
                    result.states, result.broken = len(before), found
                    result.trace = [*_trace(before, world), step.label]
                    return result
            if not ours:
                result.at_rest[world.row.status] += 1
                result.broken = next(check_rest(world), "")
                if result.broken:
                    result.states, result.trace = len(before), _trace(before, world)
                    return result
        if len(before) > limit:
            raise RuntimeError(f"more than {limit} states")
        frontier = following
    result.states = len(before)
    return result


def tidy(world: World) -> World:
    """Forget what can change nothing any more: workers without a lease that have asked, late repeats."""
    holder = world.row.lease_owner
    workers = [
        worker
        for worker in world.workers
        if worker and (worker.owner == holder or (worker.answer is None and world.ledger[worker.delivery - 1] is None))
    ]
    late = tuple(delivery for delivery in world.late if world.ledger[delivery - 1] is None)
    ordered = (*sorted(workers, key=lambda worker: worker.owner, reverse=True), None, None)[:2]
    return world._replace(workers=ordered, late=late)


def parcels(world: World) -> int:
    """The number of parcels that the warehouse has shipped."""
    return world.ledger.count(State.SHIPPED)


def check(world: World) -> Iterator[str]:
    """The invariants that hold in every state."""
    row = world.row
    if parcels(world) > 1:
        yield f"I15: the warehouse shipped {parcels(world)} parcels for one order"
    if row.failed_row != (row.status is Status.FAILED):
        yield f"I2: {row.status}, and the failed-orders row is {row.failed_row}"
    if row.times_fulfilled > 1:
        yield "I3: fulfilled twice"
    if row.status is Status.FULFILLED and not parcels(world):
        yield "I16: FULFILLED, and there is no parcel"
    if row.status is Status.CANCELLED and parcels(world):
        yield "I19: CANCELLED, and there is a parcel"
    if row.asked < 0:
        yield "asked is below 0"


def check_step(before: World, after: World, label: str) -> Iterator[str]:
    """The invariants of a step."""
    was, now = before.row, after.row
    known = label.startswith(("operator", "the look", "PUT"))
    if was.status in TERMINAL and now.status is not was.status and not (was.status is Status.FAILED and known):
        yield f"I6: from {was.status} to {now.status}"
    if now.attempts > 2 + was.attempts:
        yield "I7: too many attempts"


def check_rest(world: World) -> Iterator[str]:
    """The invariants of a state in which neither the system nor the warehouse has a step left."""
    row = world.row
    if row.status not in TERMINAL:
        yield f"I1: at rest in {row.status}"
    if parcels(world) and row.status is not Status.FULFILLED:
        yield f"I18: at rest in {row.status}, and there is a parcel"


def _trace(before: dict[World, tuple[World, str] | None], world: World) -> list[str]:
    labels = []
    while (entry := before[world]) is not None:
        world, label = entry
        labels.append(label)
    return labels[::-1]


def main() -> int:
    """Explore with larger bounds, and print the result."""
    began = time.monotonic()
    found = explore(Model(Bounds(attempts=3, faults=3, redrives=2, deliveries=4)))
    took = time.monotonic() - began
    rest = ", ".join(f"{status} {count}" for status, count in sorted(found.at_rest.items()))
    sys.stdout.write(f"{found.states} states, {found.steps} steps, {took:.0f} s; at rest: {rest}\n")
    if found.broken:
        sys.stdout.write("\n    ".join([f"{found.broken}, after:", *found.trace]) + "\n")
    return bool(found.broken)


if __name__ == "__main__":
    sys.exit(main())
