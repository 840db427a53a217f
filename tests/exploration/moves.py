"""The row after each move, through the real transition table and the pure functions of ``service/orders``."""

from collections.abc import Callable, Hashable
from datetime import UTC, datetime
from typing import Any, TypeVar

from service.orders.callbacks import Decision, Event, after_event
from service.orders.lifecycle import Status
from service.orders.model import Failure, FailureKind
from service.orders.outcomes import Outcome, after_attempt, after_look, give_up, next_delivery
from service.orders.transitions import TRANSITIONS, TransitionName
from tests.exploration import ledger as warehouse
from tests.exploration.ledger import Word
from tests.exploration.row import DUE, Row, intern
from tests.exploration.state import Bounds
from tests.transition_table import changed_by, permits

Result = TypeVar("Result")
GIVEN_UP = Failure(FailureKind.UNKNOWN, "given up")
LONG_AGO = datetime.min.replace(tzinfo=UTC)
NOW = datetime.max.replace(tzinfo=UTC)


class Moves:
    """The moves of a row. Each result is computed once. Mutations replace the methods."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self._known: dict[Hashable, Any] = {}

    def key(self, row: Row) -> int:
        """The key under which the warehouse is asked."""
        return row.delivery

    def once(self, compute: Callable[..., Result], *given: Any) -> Result:
        """The result of a pure function of the row."""
        known = (compute, *given)
        if known not in self._known:
            self._known[known] = compute(*given)
        found: Result = self._known[known]
        return found

    def move(self, row: Row, name: TransitionName, **values: Any) -> Row | None:
        """The row after a transition; None if a guard does not hold."""
        transition = TRANSITIONS[name]
        brought = {"now": 2, "lease_until": 1, "seen_version": 0, "max_attempts": self.bounds.attempts, **values}
        if not permits(transition, row, brought):
            return None
        changes = changed_by(transition, row, brought)
        if "delivery" in changes:
            changes["delivery"] = min(changes["delivery"], self.bounds.deliveries)
        target = transition.target or row.status
        failed = {"put": True, "delete": False, None: row.failed_row}[transition.failed_orders]
        fulfilled = row.times_fulfilled + (target is Status.FULFILLED and row.status is not Status.FULFILLED)
        changes |= {"status": target, "failed_row": failed, "times_fulfilled": fulfilled}
        changes |= {"resends": 0, "looks": 0, "due_at": DUE}
        row = row._replace(**changes)
        return intern(row if target is Status.PROCESSING else row._replace(lease_owner=0, lease_until=0))

    def claimed(self, row: Row, owner: int) -> Row | None:
        """The row after a claim."""
        return self.move(row, "claim", lease_owner=owner)

    def settled(self, row: Row, delivery: int, word: Word, owner: int, free: bool) -> tuple[str, Row | None]:
        """The transition that ends an attempt, and the row after it."""
        order: Any = row
        outcome = after_attempt(order, warehouse.answer(delivery, word), self.bounds.attempts, DUE, free=free)
        return outcome.transition, self.move(row, outcome.transition, **outcome.values, lease_owner=owner)

    def looked_at(self, row: Row, word: Word) -> tuple[str, Row | None]:
        """The transition that a look causes, if any, and the row after it."""
        order: Any = row
        answer = warehouse.answer(self.key(row), word) if row.asked else None
        outcome = after_look(order, answer, self.bounds.attempts, DUE)
        return self._after(row, outcome) if outcome else ("nothing", row)

    def called_back(self, row: Row, event: Event) -> tuple[Decision, Row | None]:
        """The decision on an event, and the row after it."""
        order: Any = row._replace(lease_until=LONG_AGO)  # type: ignore[arg-type]
        decision = after_event(order, event, NOW)
        _, after = self._after(row, decision.outcome) if decision.outcome else ("", row)
        return decision, intern(after._replace(alarm=True)) if after and decision.is_unexpected else after

    def _after(self, row: Row, outcome: Outcome) -> tuple[str, Row | None]:
        return outcome.transition, self.move(row, outcome.transition, **outcome.values)

    def given_up(self, row: Row) -> Row | None:
        """The row after an operator has given it up."""
        order: Any = row
        return self._after(row, give_up(order, GIVEN_UP, self.bounds.attempts))[1]

    def renewed(self, row: Row) -> Row | None:
        """The row after an operator has asked for a new delivery."""
        order: Any = row
        return self.move(row, "new_delivery", **next_delivery(order, row.shipments))
