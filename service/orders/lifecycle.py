"""The states of an order, and the guards and changes of which ``transitions.py`` makes the table of its lifecycle."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from service.orders.metric import Metric


class Status(StrEnum):
    """The state of an order."""

    RECEIVED = "RECEIVED"
    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    AT_WAREHOUSE = "AT_WAREHOUSE"
    FULFILLED = "FULFILLED"
    PARTLY_FULFILLED = "PARTLY_FULFILLED"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"


OPEN = frozenset({Status.RECEIVED, Status.PENDING, Status.PROCESSING, Status.AT_WAREHOUSE})
TERMINAL = frozenset(Status) - OPEN
UNSUCCESSFUL = frozenset({Status.FAILED, Status.PARTLY_FULFILLED})
"""The terminal states that an operator's redrive, or the warehouse's word, can end."""

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
NOTHING_SHIPPED = Guard("nothing was shipped", "parcels", "=", 0, if_absent=True)
SOMETHING_SHIPPED = Guard("a parcel was shipped", "parcels", ">=", 1)


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
