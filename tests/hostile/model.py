"""A model of orders: their transitions by the table, and their representation in the API.

The model has the documents and the operations of a test, with the times of the test's clock.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from service.orders.lifecycle import TERMINAL, TRANSITIONS, Status, TransitionName
from tests.transition_table import changed_by, permits

MAX_ATTEMPTS = 3
LEASE = timedelta(seconds=90)
SEEN = 1
"""Every writer has read the latest version, because operations run one at a time."""
VALUES = {"max_attempts": MAX_ATTEMPTS, "seen_version": SEEN, "lease_owner": "worker", "errors": ()}


@dataclass
class ModelOrder:
    """The expected state of one order."""

    document: dict[str, Any]
    valid: bool
    created_at: datetime
    by: str = "api"
    status: Status = Status.RECEIVED
    epoch: int = 0
    attempts: int = 0
    resends: int = 0
    version: int = SEEN
    lease_owner: str | None = None
    lease_until: datetime | None = None
    errors: Any = None
    history: list[tuple[str | None, str, str, datetime]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.history.append((None, "RECEIVED", self.by, self.created_at))

    @property
    def was_redriven(self) -> bool:
        return self.epoch > 0

    @property
    def updated_at(self) -> datetime:
        return self.history[-1][3]

    def move(self, name: TransitionName, by: str, at: datetime) -> bool:
        """Make a transition if the table permits it; return whether it does."""
        row, values = TRANSITIONS[name], {**VALUES, "now": at, "lease_until": at + LEASE}
        if not permits(row, self, values):
            return False
        for attribute, value in changed_by(row, self, values).items():
            setattr(self, attribute, value)
        self.history.append((self.status, row.target, by, at))
        self.status = row.target
        return True

    def cancel(self, at: datetime) -> bool:
        """Cancel the order if possible; return whether it is cancelled afterwards."""
        return self.move("cancel", "api", at) or self.status == "CANCELLED"

    def run_workflow(self, at: datetime) -> None:
        self.move("store" if self.valid else "reject", "workflow", at)

    def claim(self, at: datetime) -> bool:
        """Begin an attempt if one may begin; return whether it begins."""
        return self.move("claim", "fulfillment", at)

    def deliver(self, outcome: str, at: datetime) -> bool:
        """Deliver the message once, with an outcome for the attempt; return whether the message may be deleted."""
        if self.claim(at):
            if outcome == "done":
                self.move("fulfill", "fulfillment", at)
            elif outcome == "refused" or self.attempts == MAX_ATTEMPTS:
                self.move("fail", "fulfillment", at)
            else:
                self.move("release", "fulfillment", at)
        else:
            self.move("give_up", "fulfillment", at)
        return self.status in TERMINAL - {Status.FAILED}

    def redrive(self, by: str, at: datetime) -> bool:
        """Redrive the order if it is FAILED; return whether it was."""
        return self.move("redrive", by, at)

    def shown(self) -> dict[str, Any]:
        """The fields that every route returns, without the id and the errors."""
        given = {"currency": "USD", "metadata": {}, **self.document} if self.valid else self.document
        items, metadata, customer = given.get("items"), given.get("metadata"), given.get("customer_id")
        return {
            "status": self.status,
            "customer_id": customer if is_id(customer) else None,
            "currency": given.get("currency"),
            "total_amount": given.get("total_amount"),
            "items": items if isinstance(items, list) else [],
            "metadata": metadata if isinstance(metadata, dict) else {},
            "attempts": self.attempts,
            "created_at": stamp(self.created_at),
            "updated_at": stamp(self.updated_at),
        }

    def shown_history(self) -> list[dict[str, Any]]:
        return [{"from": source, "to": to, "actor": by, "at": stamp(at)} for source, to, by, at in self.history]


def is_id(value: object) -> bool:
    """1 to 64 of the characters A-Z a-z 0-9 _ . : -"""
    return (
        isinstance(value, str)
        and 1 <= len(value) <= 64
        and all(each.isascii() and (each.isalnum() or each in "_.:-") for each in value)
    )


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"
