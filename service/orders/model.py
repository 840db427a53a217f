"""An order as the system stores it: the submitted document, its state, and its timeline."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from service.orders import strict_json
from service.orders.lifecycle import OPEN, Status, Transition
from service.orders.shipments import Lines, Shipment
from service.orders.transitions import TRANSITIONS, TransitionName

TIMELINE_LIMIT = 100
"""The most entries of a timeline. A writer that has read a full timeline drops the oldest entry."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """An error in one place of a submitted document.

    ``pointer`` is a JSON Pointer (RFC 6901) into the document; the empty pointer is the document itself.
    """

    pointer: str
    detail: str


class FailureKind(StrEnum):
    """The kind of an attempt's failure. Operators group failed orders by it."""

    DECLINED = "declined"  # the warehouse did not fulfill the order this time
    REFUSED = "refused"  # the warehouse will never fulfill the order
    ERROR = "error"  # the attempt had no usable answer, or the warehouse did not take it
    ABANDONED = "abandoned"  # the attempt was claimed and never ended
    UNKNOWN = "unknown"  # the warehouse may have shipped the order
    CLOSED = "closed"  # the warehouse shipped a part, and will not ship the rest
    CANCELLED = "cancelled"  # a part was shipped, and the rest was cancelled


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One transition of an order. ``source`` is None for the first; ``failure`` is the kind of a failed attempt."""

    at: datetime
    source: Status | None
    target: Status
    actor: str
    reason: str | None = None
    failure: FailureKind | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One order.

    ``submission`` is the JSON text of the submitted document: normalized if it is a valid order, as sent otherwise.
    ``reference`` is the shop's own order number. ``traceparent`` is the trace of its request. ``write_id`` names the
    write that produced this version; by it, a writer whose response was lost recognizes its own write.

    ``delivery`` is the number of the present delivery. ``asked`` counts the attempts under this number that may have
    reached the warehouse: while it is above 0, the warehouse may have the delivery. ``cancel_asked`` is 1 while the
    order is to be cancelled there. ``looks`` counts the looks in a row that found nothing new, at an order that is at
    the warehouse, or that failed.

    ``lines`` is what the present delivery asks for; empty for the whole order. It is fixed with the delivery's number.
    ``shipments`` are the parcels of all deliveries, and ``parcels`` is their number. ``due_at`` is the time by which
    the warehouse should have ended the delivery.
    """

    order_id: str
    owner: str
    submission: str
    fingerprint: str
    customer_id: str | None
    created_at: datetime
    updated_at: datetime
    write_id: str
    traceparent: str | None = None
    reference: str | None = None
    status: Status = Status.RECEIVED
    version: int = 1
    epoch: int = 0
    attempts: int = 0
    resends: int = 0
    restarts: int = 0
    delivery: int = 1
    asked: int = 0
    cancel_asked: int = 0
    looks: int = 0
    lines: Lines = ()
    shipments: tuple[Shipment, ...] = ()
    parcels: int = 0
    due_at: datetime | None = None
    lease_owner: str | None = None
    lease_until: datetime | None = None
    errors: tuple[FieldError, ...] = ()
    timeline: tuple[TimelineEntry, ...] = ()

    @property
    def document(self) -> dict[str, Any]:
        """The submitted document, numbers with a fraction as ``Decimal``."""
        content: dict[str, Any] = strict_json.parse_stored(self.submission)
        return content

    @property
    def is_open(self) -> bool:
        """Whether the system still works on it."""
        return self.status in OPEN

    @property
    def delivery_key(self) -> str:
        """The key under which the warehouse knows the present delivery."""
        return f"{self.order_id}-d{self.delivery}"


@dataclass(frozen=True, slots=True)
class Failure:
    """The failure of an attempt. ``detail`` is for operators and never quotes the order."""

    kind: FailureKind
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedOrder:
    """A row of the failed-orders table. It exists exactly as long as its order is FAILED or PARTLY_FULFILLED.

    ``message_id`` is the message that was being processed when the order failed; SQS moves that message to the
    dead-letter queue. It is None if the reconciler failed the order.
    """

    order_id: str
    customer_id: str | None
    reference: str | None = None
    kind: FailureKind
    detail: str
    attempts: int
    epoch: int
    failed_at: datetime
    message_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One application of a transition to one order: its actor, time and reason, and the values of guards and changes.

    ``id`` is unique to this write and the same for each retry of it. ``seen`` is the order as the writer has read it
    (for transitions guarded by the version) or claimed it (for transitions guarded by the lease). Either guard ensures
    that no other write came between, so the store need not return the order. ``failure`` is the failure of the attempt
    that this write ends. ``message_id`` goes into the failed-orders row, for transitions that put one.
    """

    name: TransitionName
    order_id: str
    id: str
    at: datetime
    actor: str
    reason: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    seen: Order | None = None
    failure: Failure | None = None
    message_id: str | None = None

    @property
    def transition(self) -> Transition:
        """The row of the transition table that this write applies."""
        return TRANSITIONS[self.name]

    def value(self, name: str | int) -> Any:
        """The value for a guard or a change, by its name; a constant is its own value.

        Raises:
            KeyError: the write has no such value.
        """
        match name:
            case int():
                return name
            case "now":
                return self.at
            case "seen_version" if self.seen is not None:
                return self.seen.version
            case _:
                return self.values[name]

    @property
    def target(self) -> Status:
        """The state of the order after the write.

        Raises:
            ValueError: the order stays in its state, and the write has not read it.
        """
        if self.transition.target is not None:
            return self.transition.target
        if self.seen is None:
            raise ValueError(f"transition {self.name} needs the order as it was read")
        return self.seen.status

    @property
    def entry(self) -> TimelineEntry:
        """The timeline entry of this write, without its source, which is the target of the entry before it."""
        failure = self.failure.kind if self.failure else None
        return TimelineEntry(self.at, None, self.target, self.actor, self.reason, failure)

    def rewritten_timeline(self) -> tuple[TimelineEntry, ...] | None:
        """The whole timeline after this write, cut to the limit; None if the write appends to the stored one.

        It appends while there is room, because a rewritten entry loses fields that a newer version may have added.
        """
        if self.seen is None or len(self.seen.timeline) < TIMELINE_LIMIT:
            return None
        return link((*self.seen.timeline, self.entry))[-TIMELINE_LIMIT:]


def link(entries: tuple[TimelineEntry, ...]) -> tuple[TimelineEntry, ...]:
    """Give each entry that lacks a source the target of the entry before it."""
    before: Status | None = None
    result = []
    for entry in entries:
        result.append(entry if entry.source else replace(entry, source=before))
        before = entry.target
    return tuple(result)
