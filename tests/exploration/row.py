"""The stored order of the model: the attributes that guards, changes and the pure functions of the service read."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

from service.orders.lifecycle import OPEN, Status
from service.orders.shipments import Lines, Shipment

DOCUMENT = {"items": [{"quantity": 1}, {"quantity": 1}]}
"""The submitted document: two lines of one unit each."""
DUE = datetime(2026, 1, 31, tzinfo=UTC)
"""The due date of every delivery; the model has no time."""


class Row(NamedTuple):
    """The stored order. Equal rows are one object (``intern``), so a row is compared and hashed by its identity."""

    status: Status
    attempts: int = 0
    epoch: int = 0
    delivery: int = 1
    asked: int = 0
    cancel_asked: int = 0
    lease_owner: int = 0
    lease_until: int = 0
    resends: int = 0
    looks: int = 0
    version: int = 0
    lines: Lines = ()
    shipments: tuple[Shipment, ...] = ()
    parcels: int = 0
    due_at: datetime = DUE
    failed_row: bool = False
    times_fulfilled: int = 0
    alarm: bool = False
    """Whether the system has reported a parcel that contradicts the order."""

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def document(self) -> Any:
        return DOCUMENT


_ROWS: dict[tuple[Any, ...], Row] = {}


def intern(row: Row) -> Row:
    """The one object that stands for all rows equal to this one."""
    return _ROWS.setdefault(tuple(row), row)
