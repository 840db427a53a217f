"""Decides which transition follows from an answer of the warehouse, or from the lack of one.

The functions are pure. ``Orders`` applies the transition that they return.
"""

from dataclasses import dataclass, field
from typing import Any

from service.orders.lifecycle import Status, TransitionName
from service.orders.model import Failure, FailureKind, Order
from service.orders.ports import Unavailable
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


def after_attempt(order: Order, answer: Answer | Exception, most: int, *, free: bool = True) -> Outcome:
    """Return the transition that ends an attempt.

    Args:
        order: the order as it was claimed, or as it was read since.
        answer: the warehouse's answer; an exception if the outcome is unknown.
        most: the maximum number of attempts.
        free: whether a request that was not taken costs no attempt.
    """
    attempt = f"attempt {order.attempts} of {most}"
    match answer:
        case Answer(State.SHIPPED):
            return Outcome("fulfill", f"attempt {order.attempts} succeeded")
        case Answer(State.CANCELLED):
            return Outcome("cancelled_there", f"{attempt}: the warehouse has cancelled it")
        case Answer(State.DECLINED | State.REFUSED):
            failure = _no(answer)
            if order.cancel_asked:
                return Outcome("drop", f"{attempt}: {failure.detail}; {CANCELLED}", None, _next(order))
            spent = answer.state is State.REFUSED or order.attempts >= most
            values = _next(order) | ({} if spent else {"max_attempts": most})
            return Outcome("fail" if spent else "decline", f"{attempt}: {failure.detail}", failure, values)
        case Answer(State.NOT_TAKEN):
            if order.cancel_asked and order.asked == 1:
                return Outcome("drop", f"{attempt}: not taken; {CANCELLED}", None, _next(order))
            failure = Failure(FailureKind.ERROR, answer.reason or "the warehouse did not take it")
            if free:
                return Outcome("put_back", f"{attempt}: {failure.detail}; it does not count as an attempt")
            return Outcome("not_taken", f"{attempt}: {failure.detail}", failure)
        case Answer(state):
            failure = Failure(FailureKind.ERROR, f"the warehouse answered {state}")
        case OtherItems():
            failure = Failure(FailureKind.ERROR, "the warehouse has this delivery with other items")
        case Unavailable() as error:
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
        if entry.source is Status.FAILED:
            break
        ended = entry.source is Status.PROCESSING and entry.target is Status.PENDING and not entry.failure
        times += ended and entry.actor == FULFILLMENT
    return times


def after_look(order: Order, answer: Answer | Exception | None, most: int) -> Outcome | None:
    """Return the transition that a look causes; None if the look shows nothing new.

    Args:
        order: the order as it was read before the look.
        answer: the delivery's state at the warehouse; an exception if the look failed; None if the order's delivery
            was never asked for, so that there was nothing to look at.
        most: the maximum number of attempts.
    """
    open_, spent = order.is_open, order.attempts >= most
    match answer:
        case Answer(State.SHIPPED):
            return Outcome("look_shipped", "the warehouse has shipped it")
        case Answer(State.CANCELLED):
            return Outcome("look_cancelled", "the warehouse has cancelled it")
        case Answer(State.DECLINED | State.REFUSED):
            failure = _no(answer)
            if open_ and order.cancel_asked:
                return Outcome("look_dropped", f"{failure.detail}; {CANCELLED}", None, _next(order))
            return Outcome("look_ended", failure.detail, failure, _next(order))
        case _ if not open_:
            return Outcome("look", "the warehouse was asked about it; nothing new")
        case _ if not spent:
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
    return Outcome("give_up", failure.detail, failure, {"max_attempts": most})


def _no(answer: Answer) -> Failure:
    kind = FailureKind.DECLINED if answer.state is State.DECLINED else FailureKind.REFUSED
    return Failure(kind, answer.reason or f"the warehouse {answer.state} it")


def _next(order: Order) -> dict[str, Any]:
    return {"delivery": order.delivery + 1}
