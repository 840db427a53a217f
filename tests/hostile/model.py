"""A model of orders: their transitions by the table, and their representation in the API.

The model has the documents and the operations of a test, with the times of the test's clock.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from unicodedata import category

from service.orders.lifecycle import OPEN, TERMINAL, Status
from service.orders.lines import UNNAMED
from service.orders.transitions import TRANSITIONS, TransitionName
from service.orders.warehouse import Answer
from tests.hostile.documents import PLACED_AT
from tests.transition_table import changed_by, permits
from tests.warehouse_answers import CANCELLED, TOO_LATE

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
    looks: int = 0
    delivery: int = 1
    asked: int = 0
    cancel_asked: int = 0
    lines: Any = ()
    shipments: Any = ()
    parcels: int = 0
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
        row = TRANSITIONS[name]
        if not self.may(name, at):
            return False
        for attribute, value in changed_by(row, self, self._values(at)).items():
            setattr(self, attribute, value)
        target = row.target or self.status
        self.history.append((self.status, target, by, at))
        self.status = target
        return True

    def may(self, name: TransitionName, at: datetime) -> bool:
        """Whether the table permits a transition."""
        return permits(TRANSITIONS[name], self, self._values(at))

    def _values(self, at: datetime) -> dict[str, Any]:
        """The values of every transition. Here the warehouse ships all or nothing, and names no parcel."""
        number = self.delivery
        parcels = {"shipments": (number,), "parcels": 1}
        return {**VALUES, **parcels, "lines": (), "now": at, "lease_until": at + LEASE, "delivery": number + 1}

    def cancel(self, answer: Answer, at: datetime) -> int:
        """Cancel the order, at the warehouse if it may have it; return the status code of the answer."""
        by = "customer" if self.by == "api" else "operator:anonymous"
        if self.move("cancel", by, at) or self.status == "CANCELLED":
            return 200
        if not (self.status in OPEN and self.asked):
            return 409
        self.move("ask_cancel", by, at)
        if answer == TOO_LATE:
            self.move("cancel_refused", "warehouse", at)
            self.move("look_shipped", "warehouse", at)
            return 409
        if answer == CANCELLED and self.move("look_cancelled", "warehouse", at):
            return 200
        return 202

    def run_workflow(self, at: datetime) -> None:
        self.move("store" if self.valid else "reject", "workflow", at)

    def claim(self, at: datetime) -> bool:
        """Begin an attempt if one may begin; return whether it begins."""
        return self.move("claim", "fulfillment", at)

    def deliver(self, outcome: str, cancels: Answer, at: datetime) -> bool:
        """Deliver the message once.

        Args:
            outcome: of the attempt, and of each look.
            cancels: the warehouse's answer if it is asked to cancel the order.
            at: the present time.

        Returns:
            Whether the message may be deleted.
        """
        if self.attempts and self.cancel_asked and self.asked and self.may("claim", at):  # it is cancelled first
            ended = {CANCELLED: "look_cancelled", TOO_LATE: "look_dropped"}
            if cancels == TOO_LATE and outcome == "done":
                self.move("cancel_refused", "warehouse", at)
                return self.move("look_shipped", "warehouse", at)
            if cancels == CANCELLED or (cancels == TOO_LATE and outcome != "broken"):
                return self.move(ended[cancels], "warehouse", at)
        claimed = self.claim(at)
        ends = {
            "done": ("fulfill",) if claimed else ("look_shipped", "give_up"),
            "declined": ("drop", "decline", "fail") if claimed else ("look_dropped", "look_ended", "give_up"),
            "refused": ("drop", "fail") if claimed else ("look_dropped", "look_ended", "give_up"),
            "broken": ("release",) if claimed else ("give_up",),
        }
        if claimed or (self.status in OPEN and self.attempts == MAX_ATTEMPTS):
            any(self.move(name, "fulfillment", at) for name in ends[outcome])
        return self.status in TERMINAL - {Status.FAILED}

    def redrive(self, by: str, at: datetime) -> bool:
        """Redrive the order if it is FAILED; return whether it was."""
        return self.move("redrive", by, at)

    @property
    def customer_id(self) -> Any:
        return self._name("customer_id")

    @property
    def reference(self) -> Any:
        return self._name("reference")

    def _name(self, field: str) -> Any:
        return value if is_name(value := self.document.get(field)) else None

    def shown(self, order_id: str) -> dict[str, Any]:
        """The fields that every route returns, without the errors."""
        given = {"currency": "USD", "metadata": {}, **normal(self.document)} if self.valid else self.document
        items, metadata = given.get("items"), given.get("metadata")
        lines = [
            {"line_id": item.get("line_id") or str(position), "quantity": int(item["quantity"])}
            for position, item in enumerate(items if self.shipments else (), 1)
        ]
        return {
            "order_id": order_id,
            "delivery": {
                "key": f"{order_id}-d{self.delivery}",
                "asked": self.asked,
                "lines": None,
                "at_warehouse_since": None,
                "overdue": False,
                "looks": self.looks,
            },
            "shipped": lines,
            "shipments": [
                {
                    **dict.fromkeys(("carrier", "tracking_number", "tracking_url", "shipped_at")),
                    "id": UNNAMED,
                    "delivery": number,
                    "items": lines,
                }
                for number in self.shipments
            ],
            "due_at": None,
            "status": self.status,
            "customer_id": self.customer_id,
            "reference": self.reference,
            "owner": "workflow" if self.by == "workflow" else "anonymous",
            "submission": self.document if self.status == "REJECTED" else None,
            "currency": given.get("currency"),
            "total_amount": given.get("total_amount"),
            "items": items if isinstance(items, list) else [],
            "metadata": metadata if isinstance(metadata, dict) else {},
            **{name: given.get(name) for name in ("adjustments", "ship_to", "service_level", "note", "placed_at")},
            "attempts": self.attempts,
            "cancel_asked": self.cancel_asked > 0 and self.asked > 0 and self.status in (*OPEN, "FAILED"),
            "created_at": stamp(self.created_at),
            "updated_at": stamp(self.updated_at),
        }

    def shown_history(self) -> list[dict[str, Any]]:
        return [{"from": source, "to": to, "actor": by, "at": stamp(at)} for source, to, by, at in self.history]


def normal(part: Any, name: str = "") -> Any:
    """A part of a valid document as the API shows it: without nulls, each value in its one form."""
    if isinstance(part, dict):
        return {each: normal(value, each) for each, value in part.items() if value is not None}
    if isinstance(part, list):
        return [normal(value) for value in part]
    if name in ("price", "amount", "total_amount"):
        return float(part)
    return "2026-01-31T09:30:00.000Z" if part in PLACED_AT else part


def is_name(value: object) -> bool:
    """1 to 128 printable characters, without white space at the ends."""
    return (
        isinstance(value, str)
        and 1 <= len(value) <= 128
        and value == value.strip()
        and all(category(each) != "Cc" and each not in "\u2028\u2029\ufeff" for each in value)
    )


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"
