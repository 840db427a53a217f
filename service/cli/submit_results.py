"""The result for each order of a file."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from service.cli.order_entry import Entry


class SubmitStatus(StrEnum):
    """The result for one order of the file."""

    VALID = "valid"  # a dry run
    ACCEPTED = "accepted"
    ALREADY_THERE = "already_there"
    REFUSED = "refused"
    UNREADABLE = "unreadable"
    SKIPPED = "skipped"  # it must not be shipped
    ERROR = "error"
    NOT_SENT = "not_sent"


SUBMITTED = frozenset({SubmitStatus.ACCEPTED, SubmitStatus.ALREADY_THERE})


@dataclass(frozen=True, slots=True)
class SubmitResult:
    """The result for the order on one line, and the reason."""

    line: int
    status: SubmitStatus
    order_id: str | None = None
    detail: str | None = None
    errors: tuple[dict[str, str], ...] = ()
    reference: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON."""
        return {
            "line": self.line,
            "reference": self.reference,
            "outcome": self.status,
            "order_id": self.order_id,
            "detail": self.detail,
            "errors": list(self.errors),
        }

    @classmethod
    def of_unsent(cls, entry: Entry) -> "SubmitResult | None":
        """The result of an order that cannot or must not be sent; None for any other."""
        if entry.error is not None:
            return cls(entry.line, SubmitStatus.UNREADABLE, detail=entry.error, reference=entry.reference)
        if entry.skipped is not None:
            return cls(entry.line, SubmitStatus.SKIPPED, detail=entry.skipped, reference=entry.reference)
        return None
