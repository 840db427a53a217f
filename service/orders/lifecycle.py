"""The lifecycle of an order as a table: its states, its transitions, and their guards.

Each transition is defined once, here. The DynamoDB store compiles a row of ``TRANSITIONS`` into a condition expression
and an update expression. The in-memory store of the tests evaluates the same row in Python. ``docs/lifecycle.md`` is
generated from the table (``python -m service.orders.diagram``).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from service.orders.metric import Metric


class Status(StrEnum):
    """The state of an order."""

    RECEIVED = "RECEIVED"
    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    FULFILLED = "FULFILLED"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"


OPEN = frozenset({Status.RECEIVED, Status.PENDING, Status.PROCESSING})
TERMINAL = frozenset(Status) - OPEN

Comparison = Literal["=", "<", ">="]


@dataclass(frozen=True, slots=True)
class Guard:
    """A named comparison of the stored order with a value of the write, or with a constant.

    ``order.<attribute> <comparison> write.values[<value>]`` must hold at the moment of the write. A row of an older
    version can lack the attribute: the guard then holds if ``if_absent`` says so.
    """

    name: str
    attribute: str
    comparison: Comparison
    value: str | int
    if_absent: bool = False


ATTEMPTS_LEFT = Guard("attempts left", "attempts", "<", "max_attempts")
ATTEMPTS_SPENT = Guard("attempts spent", "attempts", ">=", "max_attempts")
LEASE_EXPIRED = Guard("lease expired", "lease_until", "<", "now")
LEASE_IS_MINE = Guard("lease is mine", "lease_owner", "=", "lease_owner")
VERSION_SEEN = Guard("version is the one seen", "version", "=", "seen_version")
NOT_ASKED = Guard("the warehouse was not asked", "asked", "=", 0, if_absent=True)
ASKED = Guard("the warehouse may have the delivery", "asked", ">=", 1)
NO_CANCELLATION = Guard("no cancellation asked for", "cancel_asked", "=", 0, if_absent=True)
CANCELLATION = Guard("cancellation asked for", "cancel_asked", ">=", 1)


@dataclass(frozen=True, slots=True)
class Source:
    """A state that a transition may leave, and the guards that apply only in that state."""

    status: Status
    guards: tuple[Guard, ...] = ()


@dataclass(frozen=True, slots=True)
class Assign:
    """Set an attribute to the write's value of the same name."""

    attribute: str


@dataclass(frozen=True, slots=True)
class Reset:
    """Set an attribute to a constant."""

    attribute: str
    to: int


@dataclass(frozen=True, slots=True)
class Increment:
    """Add a number to an attribute; to 0 if the row lacks it."""

    attribute: str
    by: int = 1


Change = Assign | Reset | Increment


@dataclass(frozen=True, slots=True)
class Transition:
    """A row of the table.

    Every transition also adds one to ``version``, sets ``updated_at`` and appends to the timeline; the rows do not
    repeat this. ``target`` is None if the order stays in its state. ``failed_orders`` is the write to the failed-orders
    table in the same transaction. ``metrics`` are recorded after the write.
    """

    name: str
    by: str
    sources: tuple[Source, ...]
    target: Status | None
    guards: tuple[Guard, ...] = ()
    changes: tuple[Change, ...] = ()
    failed_orders: Literal["put", "delete"] | None = None
    metrics: tuple[Metric, ...] = ()


TransitionName = Literal[
    "receive",
    "store",
    "reject",
    "cancel",
    "ask_cancel",
    "cancel_refused",
    "claim",
    "fulfill",
    "cancelled_there",
    "release",
    "not_taken",
    "put_back",
    "decline",
    "fail",
    "drop",
    "look_shipped",
    "look_ended",
    "look_dropped",
    "look_cancelled",
    "give_up",
    "look",
    "recover",
    "resend",
    "restart",
    "redrive",
    "new_delivery",
]

_AT_REST = (Source(Status.PENDING), Source(Status.PROCESSING, (LEASE_EXPIRED,)))
_HELD = (Source(Status.PROCESSING),)
_MINE = (LEASE_IS_MINE, VERSION_SEEN)
"""A lease holder's write. The version too, because a cancellation can be asked for while the attempt runs."""
_LOOK = (ASKED, VERSION_SEEN)
"""A write of the warehouse's answer to a look."""
_LATE = Source(Status.FAILED)
_NEXT = (Assign("delivery"), Reset("asked", 0))
"""The next delivery, after an answer that ended the one before."""
_REDRIVE = (
    Increment("epoch"),
    Reset("attempts", 0),
    Reset("resends", 0),
    Reset("looks", 0),
    Reset("cancel_asked", 0),
)
_FAILED = (Metric.ATTEMPTS_FAILED, Metric.ORDERS_FAILED)

TRANSITIONS: dict[TransitionName, Transition] = {
    "receive": Transition(
        "receive",
        "API, or Validate for an order started by hand",
        (),
        Status.RECEIVED,
        metrics=(Metric.ORDERS_RECEIVED,),
    ),
    "store": Transition(
        "store", "Store task", (Source(Status.RECEIVED),), Status.PENDING, metrics=(Metric.ORDERS_STORED,)
    ),
    "reject": Transition(
        "reject",
        "Reject task",
        (Source(Status.RECEIVED),),
        Status.REJECTED,
        changes=(Assign("errors"),),
        metrics=(Metric.ORDERS_REJECTED,),
    ),
    "cancel": Transition(
        "cancel",
        "API",
        (Source(Status.RECEIVED), Source(Status.PENDING)),
        Status.CANCELLED,
        guards=(NOT_ASKED,),
        metrics=(Metric.ORDERS_CANCELLED,),
    ),
    "ask_cancel": Transition(
        "ask_cancel",
        "API, which then asks the warehouse",
        (Source(Status.PENDING), Source(Status.PROCESSING)),
        None,
        guards=(ASKED, NO_CANCELLATION, VERSION_SEEN),
        changes=(Reset("cancel_asked", 1),),
    ),
    "cancel_refused": Transition(
        "cancel_refused",
        "API, reconciler: the warehouse said that it is too late",
        (Source(Status.PENDING), Source(Status.PROCESSING)),
        None,
        guards=(CANCELLATION, VERSION_SEEN),
        changes=(Reset("cancel_asked", 0),),
    ),
    "claim": Transition(
        "claim",
        "fulfillment",
        _AT_REST,
        Status.PROCESSING,
        guards=(ATTEMPTS_LEFT,),
        changes=(
            Increment("attempts"),
            Increment("asked"),
            Assign("lease_owner"),
            Assign("lease_until"),
            Reset("resends", 0),
        ),
    ),
    "fulfill": Transition(
        "fulfill",
        "lease holder: shipped",
        _HELD,
        Status.FULFILLED,
        guards=_MINE,
        metrics=(Metric.ORDERS_FULFILLED, Metric.TIME_TO_FULFILL),
    ),
    "cancelled_there": Transition(
        "cancelled_there",
        "lease holder: cancelled at the warehouse",
        _HELD,
        Status.CANCELLED,
        guards=_MINE,
        changes=(Reset("asked", 0), Reset("cancel_asked", 0)),
        metrics=(Metric.ORDERS_CANCELLED,),
    ),
    "release": Transition(
        "release",
        "lease holder: outcome unknown",
        _HELD,
        Status.PENDING,
        guards=_MINE,
        metrics=(Metric.ATTEMPTS_FAILED,),
    ),
    "not_taken": Transition(
        "not_taken",
        "lease holder: this request had no effect, as several before",
        _HELD,
        Status.PENDING,
        guards=_MINE,
        changes=(Increment("asked", -1),),
        metrics=(Metric.ATTEMPTS_FAILED,),
    ),
    "put_back": Transition(
        "put_back",
        "lease holder: this request had no effect, and costs no attempt",
        _HELD,
        Status.PENDING,
        guards=_MINE,
        changes=(Increment("asked", -1), Increment("attempts", -1)),
    ),
    "decline": Transition(
        "decline",
        "lease holder: declined",
        _HELD,
        Status.PENDING,
        guards=(*_MINE, ATTEMPTS_LEFT, NO_CANCELLATION),
        changes=_NEXT,
        metrics=(Metric.ATTEMPTS_FAILED,),
    ),
    "fail": Transition(
        "fail",
        "lease holder: refused, or declined with attempts spent",
        _HELD,
        Status.FAILED,
        guards=(*_MINE, NO_CANCELLATION),
        changes=_NEXT,
        failed_orders="put",
        metrics=_FAILED,
    ),
    "drop": Transition(
        "drop",
        "lease holder: nothing is at the warehouse, and a cancellation was asked for",
        _HELD,
        Status.CANCELLED,
        guards=(*_MINE, CANCELLATION),
        changes=(*_NEXT, Reset("cancel_asked", 0)),
        metrics=(Metric.ORDERS_CANCELLED,),
    ),
    "look_shipped": Transition(
        "look_shipped",
        "late delivery, reconciler: a look found it shipped",
        (*_AT_REST, _LATE),
        Status.FULFILLED,
        guards=_LOOK,
        failed_orders="delete",
        metrics=(Metric.ORDERS_FULFILLED, Metric.TIME_TO_FULFILL),
    ),
    "look_ended": Transition(
        "look_ended",
        "late delivery, reconciler: a look found it refused, or declined with attempts spent",
        (
            Source(Status.PENDING, (NO_CANCELLATION,)),
            Source(Status.PROCESSING, (LEASE_EXPIRED, NO_CANCELLATION)),
            _LATE,
        ),
        Status.FAILED,
        guards=_LOOK,
        changes=_NEXT,
        failed_orders="put",
        metrics=_FAILED,
    ),
    "look_dropped": Transition(
        "look_dropped",
        "late delivery, reconciler: a look found it declined or refused, and a cancellation was asked for",
        _AT_REST,
        Status.CANCELLED,
        guards=(*_LOOK, CANCELLATION),
        changes=(*_NEXT, Reset("cancel_asked", 0)),
        metrics=(Metric.ORDERS_CANCELLED,),
    ),
    "look_cancelled": Transition(
        "look_cancelled",
        "API, late delivery, reconciler: it is cancelled at the warehouse",
        (*_AT_REST, _LATE),
        Status.CANCELLED,
        guards=_LOOK,
        changes=(Reset("asked", 0), Reset("cancel_asked", 0)),
        failed_orders="delete",
        metrics=(Metric.ORDERS_CANCELLED,),
    ),
    "give_up": Transition(
        "give_up",
        "late delivery, reconciler: a look found nothing, or had no answer",
        _AT_REST,
        Status.FAILED,
        guards=(ATTEMPTS_SPENT, VERSION_SEEN),
        failed_orders="put",
        metrics=_FAILED,
    ),
    "look": Transition(
        "look",
        "reconciler: a look at a failed order found nothing new",
        (_LATE,),
        None,
        guards=_LOOK,
        changes=(Increment("looks"),),
    ),
    "recover": Transition(
        "recover",
        "reconciler, which then sends it again",
        (Source(Status.PROCESSING, (LEASE_EXPIRED,)),),
        Status.PENDING,
        guards=(VERSION_SEEN,),
        changes=(Increment("resends"),),
    ),
    "resend": Transition(
        "resend",
        "reconciler, which then sends it again",
        (Source(Status.PENDING),),
        Status.PENDING,
        guards=(VERSION_SEEN,),
        changes=(Increment("resends"),),
    ),
    "restart": Transition(
        "restart",
        "reconciler, which has started the workflow again",
        (Source(Status.RECEIVED),),
        Status.RECEIVED,
        guards=(VERSION_SEEN,),
        changes=(Increment("restarts"),),
    ),
    "redrive": Transition(
        "redrive",
        "operator, who then sends it again",
        (_LATE,),
        Status.PENDING,
        guards=(VERSION_SEEN,),
        changes=_REDRIVE,
        failed_orders="delete",
        metrics=(Metric.ORDERS_REDRIVEN,),
    ),
    "new_delivery": Transition(
        "new_delivery",
        "operator, after the warehouse confirmed that the old delivery is cancelled or ended",
        (_LATE,),
        Status.PENDING,
        guards=_LOOK,
        changes=(*_REDRIVE, *_NEXT),
        failed_orders="delete",
        metrics=(Metric.ORDERS_REDRIVEN,),
    ),
}
