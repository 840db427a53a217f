"""Decides which transition follows from an answer of the warehouse, or from the lack of one.

The functions are pure. ``Orders`` applies the transition that they return.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from service.orders.lifecycle import UNSUCCESSFUL, Status
from service.orders.lines import left, unnamed
from service.orders.model import Failure, FailureKind, Order
from service.orders.ports import Unavailable
from service.orders.shipments import Shipment, TooManyShipments, merge
from service.orders.transitions import TransitionName
from service.orders.warehouse import Answer, OtherItems, State

CANCELLED = "cancelled, as was asked for"
FULFILLMENT = "fulfillment"
"""The actor of attempts, as the timeline names it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A transition, with the reason for the timeline and the values of the transition's guards and changes."""

    transition: TransitionName
    reason: str
    failure: Failure | None = None
    values: dict[str, Any] = field(default_factory=dict)


def after_attempt(
    order: Order, answer: Answer | Exception, most: int, due_at: datetime, *, free: bool = True
) -> Outcome:
    """Return the transition that ends an attempt.

    Args:
        order: the order as it was claimed, or as it was read since.
        answer: the warehouse's answer; an exception if the outcome is unknown.
        most: the maximum number of attempts.
        due_at: the time by which the warehouse should have ended an accepted delivery, if it names none itself.
        free: whether a request that was not taken costs no attempt.
    """
    attempt = f"attempt {order.attempts} of {most}"
    answer, parcels = _parcels(order, answer)
    match answer:
        case Answer() if _is_complete(order, parcels):
            return Outcome("fulfill", f"attempt {order.attempts} succeeded", None, _record(parcels))
        case Answer(State.SHIPPED | State.ACCEPTED):
            values = _record(parcels) | {"due_at": answer.due_at or due_at}
            return Outcome("hand_over", f"attempt {order.attempts}: the warehouse accepted it", None, values)
        case Answer(State.CANCELLED):
            reason = "the warehouse has cancelled it"
            if parcels:
                return _close("close_short", order, parcels, Failure(FailureKind.CANCELLED, reason), f"{attempt}: ")
            return Outcome("cancelled_there", f"{attempt}: {reason}")
        case Answer(State.CLOSED | State.DECLINED | State.REFUSED):
            failure = _no(answer, parcels)
            may_repeat = answer.state is State.DECLINED and order.attempts < most and not order.cancel_asked
            if may_repeat:
                values = next_delivery(order, parcels) | {"max_attempts": most}
                return Outcome("decline", f"{attempt}: {failure.detail}", failure, values)
            if parcels:
                return _close("close_short", order, parcels, _as_asked(order, failure), f"{attempt}: ")
            if order.cancel_asked:
                return Outcome("drop", f"{attempt}: {failure.detail}; {CANCELLED}", None, next_delivery(order, parcels))
            return Outcome("fail", f"{attempt}: {failure.detail}", failure, next_delivery(order, parcels))
        case Answer(State.NOT_TAKEN):
            if order.cancel_asked and order.asked == 1:
                if parcels:
                    failure = Failure(FailureKind.CANCELLED, f"not taken; {CANCELLED}")
                    return _close("close_short", order, parcels, failure, f"{attempt}: ")
                return Outcome("drop", f"{attempt}: not taken; {CANCELLED}", None, next_delivery(order, parcels))
            failure = Failure(FailureKind.ERROR, answer.reason or "the warehouse did not take it")
            if free:
                return Outcome("put_back", f"{attempt}: {failure.detail}; it does not count as an attempt")
            return Outcome("not_taken", f"{attempt}: {failure.detail}", failure)
        case Answer(state):
            failure = Failure(FailureKind.ERROR, f"the warehouse answered {state}")
        case OtherItems():
            failure = Failure(FailureKind.ERROR, "the warehouse has this delivery with other items")
        case Unavailable() | TooManyShipments() as error:
            failure = Failure(FailureKind.ERROR, f"no usable answer ({error})")
        case error:
            failure = Failure(FailureKind.ERROR, f"the attempt raised {type(error).__name__}")
    return Outcome("release", f"{attempt}: {failure.detail}; it is not known whether it was shipped", failure)


def times_put_back(order: Order) -> int:
    """How often, in its present epoch, the warehouse did not take an order, and that cost no attempt.

    A warehouse that takes nothing stops the attempts of all orders (``brake.py``). One that does not take this order,
    and takes others, is asked ``max_attempts`` times for nothing and ``max_attempts`` times more.
    """
    times = 0
    for entry in reversed(order.timeline):
        if entry.source in UNSUCCESSFUL:
            break
        ended = entry.source is Status.PROCESSING and entry.target is Status.PENDING and not entry.failure
        times += ended and entry.actor == FULFILLMENT
    return times


def after_look(order: Order, answer: Answer | Exception | None, most: int, due_at: datetime) -> Outcome | None:
    """Return the transition that a look causes; None if the look shows nothing new and is not counted.

    Args:
        order: the order as it was read before the look.
        answer: the delivery's state at the warehouse; an exception if the look failed; None if the order's delivery
            was never asked for, so that there was nothing to look at.
        most: the maximum number of attempts.
        due_at: as for ``after_attempt``.
    """
    open_ = order.is_open
    answer, parcels = _parcels(order, answer)
    match answer:
        case Answer() if _is_complete(order, parcels):
            return Outcome("look_shipped", "the warehouse has shipped it", None, _record(parcels))
        case Answer(State.SHIPPED | State.ACCEPTED):
            return _after_look_in_work(order, answer, parcels, due_at)
        case Answer(State.CANCELLED):
            reason = "the warehouse has cancelled it"
            if parcels:
                return _close("look_closed", order, parcels, Failure(FailureKind.CANCELLED, reason))
            return Outcome("look_cancelled", reason)
        case Answer(State.CLOSED | State.DECLINED | State.REFUSED):
            failure = _no(answer, parcels)
            if answer.state is State.DECLINED and open_ and order.attempts < most and not order.cancel_asked:
                return Outcome(
                    "look_declined", failure.detail, failure, next_delivery(order, parcels) | {"max_attempts": most}
                )
            if parcels:
                return _close("look_closed", order, parcels, _as_asked(order, failure))
            if open_ and order.cancel_asked:
                return Outcome("look_dropped", f"{failure.detail}; {CANCELLED}", None, next_delivery(order, parcels))
            return Outcome("look_ended", failure.detail, failure, next_delivery(order, parcels))
        case Answer(State.NOT_FOUND) if order.status is Status.AT_WAREHOUSE:
            failure = Failure(FailureKind.UNKNOWN, "the warehouse accepted it, and does not have it any more")
            return give_up(order, failure, most)
        case TooManyShipments() if not open_ or order.status is Status.AT_WAREHOUSE:
            return Outcome("look", f"the answer of the warehouse cannot be used: {answer}")
        case _ if not open_ or order.status is Status.AT_WAREHOUSE:
            return Outcome("look", "the warehouse was asked about it; nothing new")
        case _ if order.attempts < most:
            return None
        case Answer(State.NOT_TAKEN):  # a warehouse that takes nothing at present must fail nobody
            return None
        case None:
            failure = Failure(FailureKind.ERROR, f"the warehouse took none of {most} attempts")
        case Answer(State.NOT_FOUND):
            never = f"attempt {order.attempts} of {most} never ended"
            failure = Failure(FailureKind.ABANDONED, f"{never}, and the warehouse does not have it")
        case _:
            failure = Failure(FailureKind.UNKNOWN, f"it may have been shipped: {most} attempts, and no usable answer")
    return give_up(order, failure, most)


def give_up(order: Order, failure: Failure, most: int) -> Outcome:
    """Return the transition that gives up an order. Its delivery keeps its key: the warehouse may have it.

    Args:
        order: the order as it was read.
        failure: why.
        most: the maximum number of attempts.
    """
    name: TransitionName = "give_up_rest" if order.parcels else "give_up"
    return Outcome(name, failure.detail, failure, {"max_attempts": most})


def _after_look_in_work(
    order: Order, answer: Answer, parcels: tuple[Shipment, ...], due_at: datetime
) -> Outcome | None:
    is_there, is_new = order.status is Status.AT_WAREHOUSE, parcels != order.shipments
    if not order.is_open and is_new:
        return Outcome("look_partly", "the warehouse has shipped a part of it", None, _record(parcels))
    due = answer.due_at or (order.due_at if is_there else None) or due_at
    if not order.is_open or (is_there and not is_new and due == order.due_at):
        return Outcome("look", "the warehouse was asked about it; nothing new")
    reason = "the warehouse has shipped a part of it" if is_new else "the warehouse works on it"
    return Outcome("look_working", reason, None, _record(parcels) | {"due_at": due})


def _parcels(order: Order, answer: Any) -> tuple[Any, tuple[Shipment, ...]]:
    """The answer, and the parcels of the order with those of the answer; an answer with too many is no answer."""
    reported = answer.shipments if isinstance(answer, Answer) else ()
    if isinstance(answer, Answer) and answer.state is State.SHIPPED and not reported:
        reported = unnamed(order)
    try:
        return answer, merge(order.shipments, reported)
    except TooManyShipments as error:
        return error, order.shipments


def _is_complete(order: Order, parcels: tuple[Shipment, ...]) -> bool:
    return bool(parcels) and not left(order, parcels)


def _record(parcels: tuple[Shipment, ...]) -> dict[str, Any]:
    return {"shipments": parcels, "parcels": len(parcels)}


def _close(
    name: TransitionName, order: Order, parcels: tuple[Shipment, ...], failure: Failure, attempt: str = ""
) -> Outcome:
    """The end of a delivery after which a part of the order is shipped."""
    reason = f"{attempt}{failure.detail}; a part of it was shipped"
    return Outcome(name, reason, failure, _record(parcels) | next_delivery(order, parcels))


def _as_asked(order: Order, failure: Failure) -> Failure:
    """The end of a delivery that was to be cancelled is what was asked for, whatever ended it."""
    if not (order.is_open and order.cancel_asked):
        return failure
    return Failure(FailureKind.CANCELLED, f"{failure.detail}; {CANCELLED}")


def _no(answer: Answer, parcels: tuple[Shipment, ...]) -> Failure:
    kind = FailureKind.DECLINED if answer.state is State.DECLINED else FailureKind.REFUSED
    if answer.state is State.CLOSED and parcels:
        kind = FailureKind.CLOSED
    return Failure(kind, answer.reason or f"the warehouse {answer.state} it")


def next_delivery(order: Order, parcels: tuple[Shipment, ...]) -> dict[str, Any]:
    """The values of a change to the next delivery, which asks for the lines that ``parcels`` leave."""
    return {"delivery": order.delivery + 1, "lines": left(order, parcels) if parcels else ()}
