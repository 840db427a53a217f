"""The invariants of an order's life, checked on the history of one run and on the warehouse's ledger.

``tests/invariants.py`` describes the invariants and checks those that the stored rows show. Here the whole history is
known: each write that took effect with its writer, each message, and each execution.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from service.orders.lifecycle import TERMINAL, UNSUCCESSFUL
from service.orders.shipments import Lines, Shipment
from tests.simulation.isolation import check_isolation, check_turns
from tests.simulation.parcels import check_parcels
from tests.simulation.queue import WAITS
from tests.transition_table import LEASED, MOVES, UNLEASED


@dataclass(frozen=True, slots=True)
class Row:
    """An order after one write."""

    content: str
    status: str
    version: int
    epoch: int
    attempts: int
    lease_until: datetime | None
    updated_at: datetime
    delivery: int = 1
    asked: int = 0
    cancel_asked: int = 0
    shipments: tuple[Shipment, ...] = ()
    parcels: int = 0
    broken: int = 0
    """The number of attempts that did not end."""


@dataclass(frozen=True, slots=True)
class Step:
    """One write that took effect. ``at`` is the true time in milliseconds."""

    at: int
    name: str
    actor: str
    writer: str
    before: Row | None
    after: Row
    failed_row: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The record of one run."""

    faultless: bool
    closed: bool
    """Whether the only fault is an outage of the warehouse, which must not change any order's end."""
    max_attempts: int
    histories: Mapping[str, Sequence[Step]]
    """The writes of each order, oldest first."""
    failed_orders: set[str]
    accepted: Sequence[tuple[str | None, str, bool]]
    """Of each 202 answer: the idempotency key, the order, and whether the document was the first with that key."""
    cancelled: Sequence[tuple[str, str]]
    """Of each successful cancellation: the order, and the status in the answer."""
    invalid: set[str]
    """The invalid orders that the API accepted without validation."""
    waiting: int
    """The messages in the queue, executions and actors that have not finished."""
    dead_letters: Sequence[tuple[str, int]]
    """Of each message in the dead-letter queue: its order, and when it was moved there."""
    dropped: Sequence[tuple[str, int]]
    """Of each message that was lost or purged: its order, and when."""
    deletions: Sequence[tuple[str, str]]
    """Of each deleted message: its order, and the order's status at that moment."""
    removed: Sequence[tuple[str, int, int, str]]
    """Of each removed dead-letter message: its order and epoch, and the order's epoch and status then."""
    executions: Sequence[tuple[str, str, str, bool]]
    """Of each execution: its order, its status, its error, and whether a fault disturbed it."""
    interventions: int
    oracle: Callable[[str], bool]
    """Whether the warehouse ships a delivery, by its key."""
    parcels: Mapping[str, int]
    """The number of parcels of each order, by the ledger of a warehouse that decides at once."""
    shipments: Mapping[str, Sequence[Shipment]] | None = None
    """The parcels of each order, by the ledger of a warehouse that ships in parcels; None for another warehouse."""
    ordered: Mapping[str, Lines]
    """The lines of each valid order."""
    alarms: set[str]
    """The orders of which somebody was told that a parcel contradicts them."""
    in_breach: Mapping[str, set[tuple[int, str]]]
    """The parcels that the warehouse has shipped under keys that it had ended, by their orders."""
    conflicts: Sequence[str]
    """The delivery keys that were asked for again with other lines."""
    forgeries: Sequence[str]
    """The delivery keys of forged events that were not answered as unknown."""
    asked_to_cancel: set[str]
    """The orders whose cancellation was asked for while the warehouse could have them."""
    poison: set[str]
    """The orders that kill every process that asks the warehouse for them."""
    poisoned: set[str]
    """The invocations that such an order killed."""
    failed_writers: set[str]
    """The writers that got no answer to a write, or a refusal: their attempts may not end, whatever others do."""


def violations(record: Record) -> list[tuple[str, str]]:
    """Every broken invariant, with the evidence."""
    found = [*_answers(record), *_messages(record), *_executions(record), *check_turns(record)]
    for order_id, history in record.histories.items():
        found += [(invariant, f"{order_id}: {what}") for invariant, what in _order(order_id, history, record)]
    if record.faultless:
        found += [*_without_faults(record), *_as_the_oracle_says(record)]
    if record.closed:
        found += _as_the_oracle_says(record)
    return found


def _answers(record: Record) -> Iterator[tuple[str, str]]:
    by_key = defaultdict(set)
    for key, order_id, same_document in record.accepted:
        if order_id not in record.histories:
            yield "I0", f"{order_id} was accepted and has no row"
        if not same_document:
            yield "I5", f"the key {key} was accepted with another order"
        if key is not None:
            by_key[key].add(order_id)
    for key, orders in by_key.items():
        if len(orders) > 1:
            yield "I5", f"the key {key} has the orders {sorted(orders)}"
    for order_id, status in record.cancelled:
        if status == "PARTLY_FULFILLED":  # the rest was cancelled; an operator may send it all the same
            continue
        if status != "CANCELLED" or record.histories[order_id][-1].after.status != "CANCELLED":
            yield "I6", f"{order_id} was reported as cancelled, and is {record.histories[order_id][-1].after.status}"


def _messages(record: Record) -> Iterator[tuple[str, str]]:
    ends = {order_id: history[-1].after.status for order_id, history in record.histories.items()}
    unsuccessful = {order_id for order_id, status in ends.items() if status in UNSUCCESSFUL}
    if unsuccessful != record.failed_orders:
        yield "I2", f"failed are {sorted(unsuccessful)}, failed orders are {sorted(record.failed_orders)}"
    for order_id in sorted(order_id for order_id, status in ends.items() if status == "FAILED"):
        redriven = max((step.at for step in record.histories[order_id] if _is_redriven(step)), default=0)
        if _was_at_warehouse(record.histories[order_id], redriven):  # its message is gone
            continue
        gone = [at for each, at in (*record.dead_letters, *record.dropped) if each == order_id and at >= redriven]
        if not gone:
            yield "I8", f"{order_id} is FAILED, and the dead-letter queue has got no message of it since {redriven}"
    for order_id, epoch, now, status in record.removed:
        if epoch >= now and status not in ("AT_WAREHOUSE", "FULFILLED", "CANCELLED"):
            yield "I8", f"a dead-letter message of {order_id}, {status}, of epoch {epoch} was removed in epoch {now}"
    for order_id, status in record.deletions:
        if status == "FAILED":
            yield "I8", f"a message of {order_id} was deleted, which is FAILED"
        elif status not in (*TERMINAL, "AT_WAREHOUSE", WAITS):
            yield "I12", f"a message of {order_id} was deleted, which is {status}"
    for key in record.conflicts:
        yield "I5", f"the warehouse was asked again for {key}, with other lines"
    for key in record.forgeries:
        yield "I11", f"a forged event about {key} was taken"
    if record.waiting:
        yield "I1", f"{record.waiting} messages, executions or actors never finished"


def _executions(record: Record) -> Iterator[tuple[str, str]]:
    for order_id, status, error, disturbed in record.executions:
        rejected = error == "OrderRejected" and order_id in record.invalid
        if status != "SUCCEEDED" and not rejected and not disturbed:
            yield "I13", f"an execution of {order_id} is {status} ({error}), and no fault disturbed it"


def _order(order_id: str, history: Sequence[Step], record: Record) -> Iterator[tuple[str, str]]:
    holder, claims, fulfilled = "", Counter[int](), 0
    for step in history:
        before, after = step.before, step.after
        was = before.status if before else None
        if (was, after.status) not in MOVES[step.name]:
            yield "I6" if was in TERMINAL else "I4", f"{step.name} moved it from {was} to {after.status}"
        if after.version != (before.version if before else 0) + 1:
            yield "I4", f"{step.name} made version {after.version} of {before and before.version}"
        if step.name == "give_up" and was == "AT_WAREHOUSE" and step.actor != "operator":
            yield "I4", f"{step.actor} gave it up, and the warehouse works on it"
        if step.failed_row != (after.status in UNSUCCESSFUL):
            yield "I2", f"after {step.name} it is {after.status}, and its failed-orders row is {step.failed_row}"
        if before and was == "PROCESSING" and step.name not in (*LEASED, *UNLEASED) and not _is_over(before, after):
            yield "I11", f"{step.name} took it at {after.updated_at}, under a lease until {before.lease_until}"
        if step.name in LEASED and step.writer != holder:
            yield "I11", f"{step.name} came from {step.writer}, and {holder} holds the lease"
        if step.name == "claim":
            holder = step.writer
            claims[after.epoch] += 1
        claims[after.epoch] -= step.name == "put_back"
        if step.name == "claim" and before and before.cancel_asked and not before.asked:
            yield "I22", "it was claimed anew, although its cancellation was asked for and nothing was out"
        if before and before.content != after.content:
            yield "I4", f"{step.name} changed what was ordered"
        fulfilled += after.status == "FULFILLED" != was
    for epoch, count in claims.items():
        if count > record.max_attempts:
            yield "I7", f"it had {count} attempts in epoch {epoch}"
    if fulfilled > 1:
        yield "I3", f"it was fulfilled {fulfilled} times"
    for one, other in pairwise(history):
        if other.before != one.after:
            yield "I4", f"{other.name} was made from a row that no write had stored"
    last = history[-1].after
    if last.status not in TERMINAL:
        yield "I1", f"it is {last.status} at the end"
    standing = f"delivery {last.delivery}, asked {last.asked}"
    if record.shipments is None:
        yield from parcel_violations(last.status, record.parcels.get(order_id, 0), standing)
    yield from check_parcels(order_id, history, record)
    if order_id not in record.poison:
        yield from check_isolation(history, record)


def parcel_violations(status: str, parcels: int, standing: str) -> Iterator[tuple[str, str]]:
    """Compare an order at rest with the warehouse's ledger.

    Args:
        status: the order's status.
        parcels: the number of its parcels, over all its deliveries.
        standing: what the row says about its delivery, for the evidence.
    """
    if parcels > 1:
        yield "I15", f"the warehouse shipped {parcels} parcels"
    if status == "FULFILLED" and not parcels:
        yield "I16", "it is FULFILLED, and the warehouse shipped nothing"
    if status == "CANCELLED" and parcels:
        yield "I19", "it is CANCELLED, and the warehouse shipped it"
    if status == "FAILED" and parcels:
        yield "I18", f"it is FAILED, {standing}, and the warehouse shipped it"


def _is_redriven(step: Step) -> bool:
    return step.name in ("redrive", "new_delivery")


def _was_at_warehouse(history: Sequence[Step], since: int) -> bool:
    return any(step.after.status == "AT_WAREHOUSE" for step in history if step.at >= since)


def _is_over(before: Row, after: Row) -> bool:
    """Whether a lease had expired by the clock of the writer, which knows no other clock."""
    return before.lease_until is not None and before.lease_until < after.updated_at


def _without_faults(record: Record) -> Iterator[tuple[str, str]]:
    if record.interventions:
        yield "I9", f"the reconciler intervened {record.interventions} times"
    messages = Counter(
        [order_id for order_id, _ in record.dead_letters] + [order_id for order_id, *_ in record.removed]
    )
    for order_id, history in record.histories.items():
        by_reconciler = [step.name for step in history if step.actor == "reconciler" and "look" not in step.name]
        if by_reconciler:
            yield "I9", f"{order_id}: the reconciler wrote {by_reconciler}"
        failures = sum(step.after.status == "FAILED" for step in history)
        if messages[order_id] != failures:
            yield "I8", f"{order_id} failed {failures} times and has {messages[order_id]} dead-letter messages"
    if len(record.executions) != len(record.histories):
        yield "I10", f"{len(record.executions)} executions for {len(record.histories)} orders"


def _as_the_oracle_says(record: Record) -> Iterator[tuple[str, str]]:
    cancelled = {order_id for order_id, _ in record.cancelled}
    for order_id, history in record.histories.items():
        last = history[-1].after
        found, expected = (last.status, last.attempts), _expected(order_id, last.epoch, record)
        if order_id in cancelled or (order_id in record.asked_to_cancel and last.status == "CANCELLED"):
            expected = ("CANCELLED", last.attempts)
        if found != expected:
            yield "I10", f"{order_id} is {found}, and the oracle says {expected}"


def _expected(order_id: str, epoch: int, record: Record) -> tuple[str, int]:
    if order_id in record.invalid:
        return "REJECTED", 0
    for attempt in range(1, record.max_attempts + 1):
        if record.oracle(f"{order_id}-d{epoch * record.max_attempts + attempt}"):
            return "FULFILLED", attempt
    return "FAILED", record.max_attempts
