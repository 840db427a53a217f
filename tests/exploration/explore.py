"""Explores every state of the model, breadth first, so that the first trace to a broken invariant is a shortest one."""

import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from service.orders.lifecycle import Status
from tests.exploration.invariants import check, check_rest, check_step
from tests.exploration.model import Model
from tests.exploration.state import Bounds, By, World

LONG = (
    Bounds(redrives=2, deliveries=4),
    Bounds(redrives=2, lies=True),
    Bounds(faults=3, lies=True),
    Bounds(attempts=3),
    Bounds(faults=3),
)
"""The bounds of ``make simulate``."""
NOBODY = (None, None)


@dataclass
class Exploration:
    """The result: the number of states and steps, where orders rest, and a trace to the first broken invariant."""

    states: int = 0
    steps: int = 0
    at_rest: Counter[Status] = field(default_factory=Counter)
    broken: str = ""
    trace: Sequence[str] = ()


def explore(model: Model, invariant: str = "", limit: int = 10_000_000) -> Exploration:
    """Explore the model until an invariant is broken, or every state was seen.

    Args:
        model: the model.
        invariant: the invariant to check, such as ``I7``; all of them if empty.
        limit: the number of states after which the exploration stops.

    Raises:
        RuntimeError: there are more states than ``limit``.
    """
    result, bounds, first = Exploration(), model.bounds, model.bounds.first()

    def first_of(broken: Iterable[str]) -> str:
        return next((each for each in broken if each.startswith(invariant)), "")

    before: dict[World, World | None] = {first: None}
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
                found = first_of([step.broken])
                if after.row is not world.row and not found:
                    found = first_of(check_step(world, after, step.label, bounds.attempts))
                if after not in before:
                    before[after] = world
                    following.append(after)
                    found = found or first_of(check(after, bounds))
                if found:
                    result.states, result.broken = len(before), found
                    result.trace = [*_trace(model, before, world), step.label]
                    return result
            if not ours:
                result.at_rest[world.row.status] += 1
                result.broken = first_of(check_rest(world))
                if result.broken:
                    result.states, result.trace = len(before), _trace(model, before, world)
                    return result
        if len(before) > limit:
            raise RuntimeError(f"more than {limit} states")
        frontier = following
    result.states = len(before)
    return result


def tidy(world: World) -> World:
    """Forget what can change nothing any more: workers without a lease that have asked, late repeats."""
    if world.workers == NOBODY and not world.late:
        return world
    holder = world.row.lease_owner
    workers = [
        worker
        for worker in world.workers
        if worker
        and (worker.owner == holder or (worker.answer is None and not world.ledger[worker.delivery - 1].state))
    ]
    late = tuple(each for each in world.late if not world.ledger[each[0] - 1].state)
    if len(workers) == 2 and workers[0].owner < workers[1].owner:
        workers.reverse()
    return world._replace(workers=(*workers, None, None)[:2], late=late)


def _trace(model: Model, before: dict[World, World | None], world: World) -> list[str]:
    labels = []
    while (origin := before[world]) is not None:
        labels.append(next(step.label for step in model.steps(origin) if tidy(step.world) == world))
        world = origin
    return labels[::-1]


def explore_timed(bounds: Bounds) -> tuple[Exploration, float]:
    """Explore, and return the seconds that it took, too."""
    began = time.monotonic()
    return explore(Model(bounds)), time.monotonic() - began


def main() -> int:
    """Explore with larger bounds, in a process for each core, and print the results."""
    broken = False
    with ProcessPoolExecutor() as pool:
        for bounds, (found, took) in zip(LONG, pool.map(explore_timed, LONG), strict=True):
            rest = ", ".join(f"{status} {count}" for status, count in sorted(found.at_rest.items()))
            counts = f"{found.states:,} states, {found.steps:,} steps, {took:.0f} s; at rest: {rest}"
            sys.stdout.write(f"{bounds}: {counts}\n")
            if found.broken:
                sys.stdout.write("\n    ".join([f"{found.broken}, after:", *found.trace]) + "\n")
            broken |= bool(found.broken)
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
