"""An order as the system keeps it: what was submitted, where it stands, and what has happened to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from service.orders import strict_json
from service.orders.lifecycle import TRANSITIONS, Status, Transition, TransitionName

TIMELINE_LIMIT = 100
"""Entries that a timeline keeps when a writer that has read the order adds one more and rewrites it."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one place of a submitted document.

    ``pointer`` is a JSON Pointer (RFC 6901) into the document; the empty pointer is the document itself.
    """

    pointer: str
    detail: str


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One thing that happened to an order. ``source`` is None for the first."""

    at: datetime
    source: Status | None
    target: Status
    actor: str
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One order and its whole story.

    ``submission`` is the JSON text that the customer sent, normalized when it is a valid order and as sent when it
    is not (yet known to be) one. ``traceparent`` is the trace that it came with. ``write_id`` names the write that
    produced this version, by which a writer whose response was lost recognizes its own work.
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
    status: Status = Status.RECEIVED
    version: int = 1
    epoch: int = 0
    attempts: int = 0
    resends: int = 0
    restarts: int = 0
    lease_owner: str | None = None
    lease_until: datetime | None = None
    errors: tuple[FieldError, ...] = ()
    timeline: tuple[TimelineEntry, ...] = ()

    @property
    def document(self) -> dict[str, Any]:
        """The submitted document, numbers with a fraction as ``Decimal``."""
        content: dict[str, Any] = strict_json.parse_stored(self.submission)
        return content


class FailureKind(StrEnum):
    """Why an order failed for good; what operators group failed orders by."""

    DECLINED = "declined"  # the last attempt was made and did not succeed
    REFUSED = "refused"  # the warehouse said that no attempt will ever succeed
    ERROR = "error"  # the last attempt broke off with an error of ours
    ABANDONED = "abandoned"  # the last attempt was claimed and never came to an end


@dataclass(frozen=True, slots=True)
class Failure:
    """The failure that ended an attempt. ``detail`` is for operators and never quotes the order."""

    kind: FailureKind
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedOrder:
    """A row of the failed-orders table: it stands there exactly as long as its order is FAILED.

    ``message_id`` is the message whose delivery it failed on, as the dead-letter queue will have it; None when the
    reconciler failed it without one.
    """

    order_id: str
    customer_id: str | None
    kind: FailureKind
    detail: str
    attempts: int
    epoch: int
    failed_at: datetime
    message_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One application of a transition to one order: who, when, why, and the values its guards and changes name.

    ``id`` is unique to this write and the same for every retry of it. ``seen`` is the order that the writer holds:
    the one that it looked at, for transitions that are guarded by its version, or the one that it claimed, for those
    that are guarded by its lease. Either guard means that nobody wrote in between, so the store need not send the
    order back. ``failure`` and ``message_id`` are what the failed-orders row says, for transitions that put one.
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

    def value(self, name: str) -> Any:
        """A value that a guard or a change asks for by name.

        Raises:
            KeyError: the writer did not bring it.
        """
        match name:
            case "now":
                return self.at
            case "seen_version" if self.seen is not None:
                return self.seen.version
            case _:
                return self.values[name]

    @property
    def entry(self) -> TimelineEntry:
        """What this write adds to the timeline; a reader knows the state it left from the entry before it."""
        return TimelineEntry(self.at, None, self.transition.target, self.actor, self.reason)

    def rewritten_timeline(self) -> tuple[TimelineEntry, ...] | None:
        """The whole timeline after this write, cut; None when the writer appends to it.

        It appends when it has not seen the order, and while there is room: what is written anew is in the words of
        this version, and loses what a newer one may have said in an entry.
        """
        if self.seen is None or len(self.seen.timeline) < TIMELINE_LIMIT:
            return None
        return linked((*self.seen.timeline, self.entry))[-TIMELINE_LIMIT:]


def linked(entries: tuple[TimelineEntry, ...]) -> tuple[TimelineEntry, ...]:
    """Give each entry that lacks it the state it left, which is where the entry before it arrived."""
    before: Status | None = None
    result = []
    for entry in entries:
        result.append(
            entry if entry.source else TimelineEntry(entry.at, before, entry.target, entry.actor, entry.reason)
        )
        before = entry.target
    return tuple(result)
