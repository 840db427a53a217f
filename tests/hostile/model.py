"""What orders do by docs/lifecycle.md and the API's description, as plain data; this reads no code of the service.

A model order is what a test has been told of it and has done to it. Times are those of the test's clock.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

MAX_ATTEMPTS = 3
LEASE = timedelta(seconds=90)
STATES = ("RECEIVED", "PENDING", "PROCESSING", "FULFILLED", "REJECTED", "CANCELLED", "FAILED")
MOVES = {
    (None, "RECEIVED"),
    ("RECEIVED", "PENDING"),
    ("RECEIVED", "REJECTED"),
    ("RECEIVED", "CANCELLED"),
    ("PENDING", "CANCELLED"),
    ("PENDING", "PROCESSING"),
    ("PROCESSING", "PROCESSING"),
    ("PROCESSING", "FULFILLED"),
    ("PROCESSING", "PENDING"),
    ("PROCESSING", "FAILED"),
    ("FAILED", "PENDING"),
}
"""Each move that does not need the reconciler."""


@dataclass
class ModelOrder:
    """One order as it should stand."""

    document: dict[str, Any]
    valid: bool
    created_at: datetime
    by: str = "api"
    status: str = "RECEIVED"
    attempts: int = 0
    leased_until: datetime | None = None
    story: list[tuple[str | None, str, str, datetime]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.story.append((None, "RECEIVED", self.by, self.created_at))

    @property
    def was_redriven(self) -> bool:
        return any(source == "FAILED" for source, *_ in self.story)

    @property
    def updated_at(self) -> datetime:
        return self.story[-1][3]

    def move(self, to: str, by: str, at: datetime) -> None:
        self.story.append((self.status, to, by, at))
        self.status = to

    def cancel(self, at: datetime) -> bool:
        """Whether a customer may cancel it, or has."""
        if self.status in ("RECEIVED", "PENDING"):
            self.move("CANCELLED", "api", at)
        return self.status == "CANCELLED"

    def run_workflow(self, at: datetime) -> None:
        if self.status == "RECEIVED":
            self.move("PENDING" if self.valid else "REJECTED", "workflow", at)

    def claim(self, at: datetime) -> bool:
        """Whether fulfillment gets hold of it; the attempt is charged."""
        free = self.status == "PENDING" or (self.status == "PROCESSING" and self._lease_is_over(at))
        if not free or self.attempts >= MAX_ATTEMPTS:
            return False
        self.move("PROCESSING", "fulfillment", at)
        self.attempts += 1
        self.leased_until = at + LEASE
        return True

    def deliver(self, outcome: str, at: datetime) -> bool:
        """Whether its message may go, after one delivery whose attempt would end so."""
        if self.claim(at):
            if outcome == "done":
                self.move("FULFILLED", "fulfillment", at)
            elif outcome == "refused" or self.attempts == MAX_ATTEMPTS:
                self.move("FAILED", "fulfillment", at)
            else:
                self.move("PENDING", "fulfillment", at)
            return outcome == "done"
        if self.status == "PROCESSING" and self._lease_is_over(at):
            self.move("FAILED", "fulfillment", at)
        return self.status in ("FULFILLED", "REJECTED", "CANCELLED")

    def redrive(self, by: str, at: datetime) -> bool:
        """Whether an operator may send it again."""
        if self.status != "FAILED":
            return False
        self.move("PENDING", by, at)
        self.attempts = 0
        return True

    def _lease_is_over(self, at: datetime) -> bool:
        return self.leased_until is not None and self.leased_until < at

    def shown(self) -> dict[str, Any]:
        """What every route says of it, without its id and its errors."""
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

    def shown_story(self) -> list[dict[str, Any]]:
        return [{"from": source, "to": to, "actor": by, "at": stamp(at)} for source, to, by, at in self.story]


def is_id(value: object) -> bool:
    """1 to 64 of the characters A-Z a-z 0-9 _ . : -"""
    return (
        isinstance(value, str)
        and 1 <= len(value) <= 64
        and all(each.isascii() and (each.isalnum() or each in "_.:-") for each in value)
    )


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"
