"""The invariants of the exploration: of a state, of a step, and of a state in which nothing is left to do."""

from collections.abc import Iterator
from functools import cache

from service.orders.lifecycle import TERMINAL, UNSUCCESSFUL, Status
from service.orders.shipments import shipped
from tests.exploration.ledger import Ledger, shipments_of, times_shipped
from tests.exploration.row import Row
from tests.exploration.state import Bounds, World

KNOWN = ("operator", "the look", "PUT", "callback")
"""The steps that may leave a terminal state."""


def check(world: World, bounds: Bounds) -> Iterator[str]:
    """The invariants that hold in every state. Parcels that contradict the order must have raised an alarm."""
    row = world.row
    yield from check_row(row, bounds.lies)
    yield from check_ledger(row, world.ledger, bounds.lies)


@cache
def check_row(row: Row, lies: bool) -> tuple[str, ...]:
    """The invariants of a row."""
    sent = shipped(row.shipments)
    all_sent = bool(sent[1] and sent[2])
    checks = {
        f"I2: {row.status}, and the failed-orders row is {row.failed_row}": row.failed_row
        != (row.status in UNSUCCESSFUL),
        "I3: fulfilled twice": row.times_fulfilled > 1,
        f"I14: the row says that {sent[1]} and {sent[2]} of 1 and 1 were shipped": max(sent[1], sent[2]) > 1
        and not (lies and row.alarm),
        "I14: the row counts its parcels wrong": row.parcels != len(row.shipments),
        f"I16: {row.status}, and {sent[1]} and {sent[2]} of 1 and 1 were shipped": (row.status is Status.FULFILLED)
        != all_sent
        and not (row.status is Status.CANCELLED and row.alarm),
        "I16: FAILED, and a part was shipped": row.status is Status.FAILED and bool(row.parcels),
        "asked is below 0": row.asked < 0,
        "an alarm, although the warehouse keeps its contract": row.alarm and not lies,
    }
    return tuple(text for text, broken in checks.items() if broken)


def check_ledger(row: Row, ledger: Ledger, lies: bool) -> Iterator[str]:
    """The invariants of a row and the warehouse's ledger."""
    one, two = times_shipped(ledger)
    if max(one, two) > 1 and not lies:
        yield f"I15: the warehouse shipped line 1 {one} times, and line 2 {two} times"
    if row.shipments and not shipments_of(ledger).issuperset(row.shipments):
        yield "I16: the row has a parcel that the warehouse did not ship"
    if row.status is Status.CANCELLED and (one or two) and not row.alarm and not lies:
        yield "I19: CANCELLED, and there is a parcel"


def check_step(before: World, after: World, label: str, most: int) -> Iterator[str]:
    """The invariants of a step. ``most`` is the maximum number of attempts."""
    was, now = before.row, after.row
    known = was.status in UNSUCCESSFUL and label.startswith(KNOWN)
    if was.status in TERMINAL and now.status is not was.status and not known:
        yield f"I6: from {was.status} to {now.status}"
    if now.attempts > most:
        yield "I7: too many attempts"
    if was.shipments != now.shipments and not {*was.shipments} <= {*now.shipments}:
        yield "I14: a parcel was forgotten"


def check_rest(world: World) -> Iterator[str]:
    """The invariants of a state in which neither the system nor the warehouse has a step left."""
    row = world.row
    if row.status not in TERMINAL:
        yield f"I1: at rest in {row.status}"
    missing = shipments_of(world.ledger).difference(row.shipments)
    if missing:
        unknown = sorted(each.key for each in missing)
        yield f"I18: at rest in {row.status}, and the row has not the parcels {unknown}"
    if row.status is Status.CANCELLED and shipments_of(world.ledger) and not row.alarm:
        yield "I19: at rest, CANCELLED, and there is a parcel without an alarm"
