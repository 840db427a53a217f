"""The life of an order, as data: its states, its transitions, and the guards that stand before each.

A transition is written down once, here. The DynamoDB store compiles a row of ``TRANSITIONS`` into a condition
expression and an update expression, the in-memory store evaluates the same row in Python, and
``docs/lifecycle.md`` is generated from it (``python -m service.orders.diagram``).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Status(StrEnum):
    """Where an order stands."""

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
    """A named comparison of the stored order with a value that the writer brings.

    ``order.<attribute> <comparison> write.values[<value>]`` must hold in the same instant as the write.
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
    """A state that a transition may leave, and the guards that apply when it leaves that one."""

    status: Status
    guards: tuple[Guard, ...] = ()


@dataclass(frozen=True, slots=True)
class Assign:
    """Set an attribute to the value of the same name that the writer brings."""

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
    """One way in which an order may move.

    Every transition also adds one to ``version``, sets ``updated_at`` and appends to the timeline; those are not
    repeated in each row. ``failed_orders`` says what the same transaction does to the failed-orders table.
    """

    name: str
    by: str
    sources: tuple[Source, ...]
    target: Status
    guards: tuple[Guard, ...] = ()
    changes: tuple[Change, ...] = ()
    failed_orders: Literal["put", "delete"] | None = None


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
    "receive": Transition("receive", "API, or Validate for an order started by hand", (), Status.RECEIVED),
    "store": Transition("store", "Store task", (Source(Status.RECEIVED),), Status.PENDING),
    "reject": Transition(
        "reject", "Reject task", (Source(Status.RECEIVED),), Status.REJECTED, changes=(Assign("errors"),)
    ),
    "cancel": Transition("cancel", "API", (Source(Status.RECEIVED), Source(Status.PENDING)), Status.CANCELLED),
    "claim": Transition(
        "claim",
        "fulfillment",
        _AT_REST,
        Status.PROCESSING,
        guards=(ATTEMPTS_LEFT,),
        changes=(Increment("attempts"), Assign("lease_owner"), Assign("lease_until"), Reset("resends", 0)),
    ),
    "fulfill": Transition(
        "fulfill", "lease holder", (Source(Status.PROCESSING),), Status.FULFILLED, guards=(LEASE_IS_MINE,)
    ),
    "release": Transition(
        "release", "lease holder", (Source(Status.PROCESSING),), Status.PENDING, guards=(LEASE_IS_MINE,)
    ),
    "fail": Transition(
        "fail",
        "lease holder",
        (Source(Status.PROCESSING),),
        Status.FAILED,
        guards=(LEASE_IS_MINE,),
        failed_orders="put",
    ),
    "give_up": Transition(
        "give_up",
        "late delivery, reconciler",
        _AT_REST,
        Status.FAILED,
        guards=(ATTEMPTS_SPENT, VERSION_SEEN),
        failed_orders="put",
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
    ),
}
