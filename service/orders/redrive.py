"""Redrives failed orders for operators: selects them, limits the rate, and returns a result for each."""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial

from service.orders.dead_letters import remove_superseded
from service.orders.errors import DeliveryOpen, NotFailed, OrderUnknown
from service.orders.model import FailureKind, Order
from service.orders.orders import Orders
from service.orders.paging import ALWAYS, Position, Span
from service.orders.ports import OrderStore, System, error_name

log = logging.getLogger(__name__)

NOTE_LENGTH = 200
_CONTROLS = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
NOTE_PATTERN = rf"^[^{_CONTROLS}]*[^\s{_CONTROLS}][^{_CONTROLS}]*$"
"""A note: one line of text that is not blank, without control characters."""

REDRIVE_SECONDS = 20
"""How long one request begins to redrive orders. API Gateway waits 29 seconds for an answer."""


def validate_note(note: str) -> str:
    """Return the note of a redrive without surrounding white space.

    Raises:
        ValueError: it is longer than ``NOTE_LENGTH`` characters, blank, or more than one line.
    """
    if len(note) > NOTE_LENGTH or not re.fullmatch(NOTE_PATTERN, note):  # a long text would slow the pattern down
        raise ValueError(f"must be one line of 1 to {NOTE_LENGTH} characters")
    if any("\ud800" <= character <= "\udfff" for character in note):  # no UTF-8 text has these, and no row can
        raise ValueError("must not contain an unpaired surrogate")
    return note.strip()


@dataclass(frozen=True, slots=True)
class Selection:
    """The failed orders to redrive: the named ones, or else those that match, newest first.

    Without a kind, the rests of orders that were cancelled are left out.
    """

    order_ids: tuple[str, ...] = ()
    kind: FailureKind | None = None
    span: Span = ALWAYS
    limit: int = 100
    after: Position | None = None


def select(selection: Selection, store: OrderStore) -> tuple[list[tuple[str, int | None]], Position | None]:
    """Find the orders of a selection.

    Returns:
        Each order's id with the epoch of its failure, None for a named order; and where the next page begins.
    """
    if selection.order_ids:
        return [(order_id, None) for order_id in dict.fromkeys(selection.order_ids)], None
    page = store.failed_orders(selection.kind, selection.span, selection.limit, selection.after)
    # A customer who has cancelled the rest of an order does not want it, unless the operator says so.
    unwanted = FailureKind.CANCELLED if selection.kind is None else None
    return [(failed.order_id, failed.epoch) for failed in page.orders if failed.kind is not unwanted], page.next


@dataclass(frozen=True, slots=True)
class Pace:
    """The speed of redriving orders, and its time limit.

    Args:
        per_second: maximum number of orders to redrive in one second.
        seconds: time after which no further order is started.
        clock: the process's monotonic clock, in seconds.
        wait: waits for a number of seconds.
    """

    per_second: float
    seconds: float
    clock: Callable[[], float]
    wait: Callable[[float], None]


class Outcome(StrEnum):
    """The result of redriving one of several orders."""

    REDRIVEN = "redriven"
    WOULD_REDRIVE = "would_redrive"  # a dry run
    ALREADY_REDRIVEN = "already_redriven"
    NOT_FAILED = "not_failed"
    DELIVERY_OPEN = "delivery_open"  # no new delivery: the warehouse can still ship the old one
    UNKNOWN = "unknown"
    ERROR = "error"  # as far as is known, it is still FAILED


@dataclass(frozen=True, slots=True)
class Result:
    """The result for one order. ``detail`` explains it; ``cause`` is the error behind it, for operators only.

    ``reference`` is the shop's own order number, if the order was read and has one.
    """

    order_id: str
    outcome: Outcome
    detail: str | None = None
    cause: Exception | None = field(default=None, compare=False)
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class BulkResult:
    """The results of redriving many orders.

    ``messages_removed`` counts the messages that were removed from the dead-letter queue. ``next`` is where the next
    page of the selection begins; None after the last.
    """

    results: tuple[Result, ...]
    messages_removed: int
    next: Position | None


def redrive_one(
    order_id: str, actor: str, note: str, system: System, epoch: int | None = None, *, new_delivery: bool = False
) -> Order:
    """Redrive one order, and remove its superseded messages from the dead-letter queue.

    Arguments and errors are those of ``Orders.redrive`` or ``Orders.new_delivery``, except for a failure that was
    already redriven: the order is returned in its present state, so that a repeated request gets an answer.
    """
    orders = Orders(system)
    redrive = orders.new_delivery if new_delivery else orders.redrive
    try:
        order = redrive(order_id, actor, note, epoch)
    except NotFailed as refused:
        if not refused.redriven:
            raise
        return refused.order
    remove_superseded(system)
    return order


def redrive_many(
    selection: Selection,
    actor: str,
    note: str,
    pace: Pace,
    system: System,
    *,
    dry_run: bool = False,
    new_delivery: bool = False,
) -> BulkResult:
    """Redrive the orders of a selection, one after the other; an error with one stops no other.

    Args:
        selection: which orders.
        actor: the operator; every order's timeline shows it.
        note: why; every order's timeline shows it.
        pace: the speed and the time limit; orders that are not started in time get the outcome ``error``.
        system: the ports.
        dry_run: report the outcomes without any change.
        new_delivery: send each order under a new delivery number, as ``Orders.new_delivery`` does.
    """
    began = pace.clock()
    found, following = select(selection, system.store)
    orders = Orders(system)
    redrive = orders.new_delivery if new_delivery else orders.redrive
    results: list[Result] = []
    for order_id, epoch in found:
        if pace.clock() > began + pace.seconds:
            results.append(Result(order_id, Outcome.ERROR, "no time was left for it; try again"))
            continue
        act = partial(orders.require_failed, order_id) if dry_run else partial(redrive, order_id, actor, note)
        results.append(_result(order_id, epoch, act, Outcome.WOULD_REDRIVE if dry_run else Outcome.REDRIVEN))
        if results[-1].outcome is Outcome.REDRIVEN:
            pace.wait(1 / pace.per_second)
    removed = 0 if dry_run else remove_superseded(system)
    return BulkResult(tuple(results), removed, following)


def _result(order_id: str, epoch: int | None, act: Callable[..., Order], done: Outcome) -> Result:
    try:
        order = act(epoch=epoch)
    except OrderUnknown:
        return Result(order_id, Outcome.UNKNOWN, "there is no such order")
    except NotFailed as refused:
        outcome = Outcome.ALREADY_REDRIVEN if refused.redriven else Outcome.NOT_FAILED
        return Result(order_id, outcome, f"it is {refused.order.status}", reference=refused.order.reference)
    except DeliveryOpen as refused:
        return Result(order_id, Outcome.DELIVERY_OPEN, refused.detail, reference=refused.order.reference)
    except Exception as error:  # the others must not wait for this one
        log.exception("order %s: not redriven, %s", order_id, error_name(error), extra={"order_id": order_id})
        return Result(order_id, Outcome.ERROR, "a part of the system does not answer; try again", error)
    return Result(order_id, done, reference=order.reference)
