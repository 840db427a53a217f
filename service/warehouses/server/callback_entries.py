"""What became of the callbacks of a simulated warehouse."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from service.warehouses.ledger_entries import Event

SENT, GIVEN_UP, LOST = "sent", "given_up", "lost"
OUTCOMES = (SENT, GIVEN_UP, LOST)


@dataclass(frozen=True, slots=True)
class CallbackResult:
    """The end of one callback. ``answer`` is that of the last try; it is empty for a callback that was never sent."""

    event: Event
    ended_at: datetime
    outcome: str
    answer: str
    tries: int


@dataclass(frozen=True, slots=True)
class CallbackExtract:
    """The number of callbacks by outcome and of those that are not sent yet; the latest results, newest first."""

    counts: Mapping[str, int]
    pending: int
    latest: tuple[CallbackResult, ...]
