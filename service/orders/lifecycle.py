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
    """A named comparison of the stored order with a value of the write.

    ``order.<attribute> <comparison> write.values[<value>]`` must hold at the moment of the write.
    """

    name: str
    attribute: str
    comparison: Comparison
    value: str


ATTEMPTS_LEFT = Guard("attempts left", "attempts", "<", "max_attempts")
ATTEMPTS_SPENT = Guard("attempts spent", "attempts", ">=", "max_attempts")
LEASE_EXPIRED = Guard("lease expired", "lease_until", "<", "now")
LEASE_IS_MINE = Guard("lease is mine", "lease_owner", "=", "lease_owner")
VERSION_SEEN = Guard("version is the one seen", "version", "=", "seen_version")


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
    """Add one to an attribute."""

    attribute: str


Change = Assign | Reset | Increment


@dataclass(frozen=True, slots=True)
class Transition:
    """A row of the table.

    Every transition also adds one to ``version``, sets ``updated_at`` and appends to the timeline; the rows do not
    repeat this. ``failed_orders`` is the write to the failed-orders table in the same transaction. ``metrics`` are
    recorded after the write.
    """

    name: str
    by: str
    sources: tuple[Source, ...]
    target: Status
    guards: tuple[Guard, ...] = ()
    changes: tuple[Change, ...] = ()
    failed_orders: Literal["put", "delete"] | None = None
    metrics: tuple[Metric, ...] = ()


TransitionName = Literal[
    "receive",
    "store",
    "reject",
    "cancel",
    "claim",
    "fulfill",
    "release",
    "fail",
    "give_up",
    "recover",
    "resend",
    "restart",
    "redrive",
]

_AT_REST = (Source(Status.PENDING), Source(Status.PROCESSING, (LEASE_EXPIRED,)))

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
        metrics=(Metric.ORDERS_CANCELLED,),
    ),
    "claim": Transition(
        "claim",
        "fulfillment",
        _AT_REST,
        Status.PROCESSING,
        guards=(ATTEMPTS_LEFT,),
        changes=(Increment("attempts"), Assign("lease_owner"), Assign("lease_until"), Reset("resends", 0)),
    ),
    "fulfill": Transition(
        "fulfill",
        "lease holder",
        (Source(Status.PROCESSING),),
        Status.FULFILLED,
        guards=(LEASE_IS_MINE,),
        metrics=(Metric.ORDERS_FULFILLED, Metric.TIME_TO_FULFILL),
    ),
    "release": Transition(
        "release",
        "lease holder",
        (Source(Status.PROCESSING),),
        Status.PENDING,
        guards=(LEASE_IS_MINE,),
        metrics=(Metric.ATTEMPTS_FAILED,),
    ),
    "fail": Transition(
        "fail",
        "lease holder",
        (Source(Status.PROCESSING),),
        Status.FAILED,
        guards=(LEASE_IS_MINE,),
        failed_orders="put",
        metrics=(Metric.ATTEMPTS_FAILED, Metric.ORDERS_FAILED),
    ),
    "give_up": Transition(
        "give_up",
        "late delivery, reconciler",
        _AT_REST,
        Status.FAILED,
        guards=(ATTEMPTS_SPENT, VERSION_SEEN),
        failed_orders="put",
        metrics=(Metric.ATTEMPTS_FAILED, Metric.ORDERS_FAILED),
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
        "reconciler, which then starts the workflow again",
        (Source(Status.RECEIVED),),
        Status.RECEIVED,
        guards=(VERSION_SEEN,),
        changes=(Increment("restarts"),),
    ),
    "redrive": Transition(
        "redrive",
        "operator, who then sends it again",
        (Source(Status.FAILED),),
        Status.PENDING,
        guards=(VERSION_SEEN,),
        changes=(Increment("epoch"), Reset("attempts", 0), Reset("resends", 0)),
        failed_orders="delete",
        metrics=(Metric.ORDERS_REDRIVEN,),
    ),
}
