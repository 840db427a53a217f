"""The ledger of a simulated warehouse: the deliveries that it was asked for, and the parcels that it shipped.

It keeps the promises of the warehouse contract and knows nothing of HTTP. It is no part of DOFS: tests compare it with
the rows of the orders.
"""

import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from service.orders.warehouse import OtherItems, State
from service.warehouses.decision import ships
from service.warehouses.ledger_entries import Delivery, Doubled, Extract, Item, Parcel

CAPACITY = 100_000  # deliveries
STATES = (State.ACCEPTED, State.SHIPPED, State.DECLINED, State.REFUSED, State.CLOSED, State.CANCELLED)
"""The states of a delivery in the ledger."""
REASONS = {
    State.DECLINED: "the simulated warehouse declined",
    State.REFUSED: "the simulated warehouse refused",
}
CANCELLED_FIRST = "cancelled before it was asked for"


class LedgerFull(Exception):
    """The ledger has no room for another delivery. It forgets none: a forgotten key could ship twice."""


class Ledger:
    """Decides about deliveries and remembers each decision. All methods may be called from several threads.

    Args:
        seed: seed of the decisions.
        success_rate: share of the deliveries that are shipped; the others are declined.
        capacity: the number of deliveries that it holds.
        now: the present time in UTC.
    """

    def __init__(
        self,
        seed: str,
        success_rate: float,
        capacity: int = CAPACITY,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.seed = seed
        self.success_rate = success_rate
        self._capacity = capacity
        self._now = now
        self._lock = threading.Lock()
        self._deliveries: dict[str, Delivery] = {}
        self._keys: list[str] = []
        self._parcels: list[Parcel] = []
        self._counts: Counter[State] = Counter()
        self._ordered: dict[tuple[str, str], int] = {}
        self._shipped: dict[tuple[str, str], list[Parcel]] = {}
        self._doubled: dict[tuple[str, str], None] = {}

    def ask(
        self,
        key: str,
        items: Sequence[Item],
        details: Mapping[str, Any] | None = None,
        *,
        declined: float = 0,
        refused: float = 0,
    ) -> Delivery:
        """Take a delivery, or replay the answer that was given under its key.

        Args:
            key: the delivery key.
            items: the lines of the delivery, in any order.
            details: the address and the other members of a new delivery.
            declined: share of the new deliveries that are declined beyond the success rate.
            refused: share of the new deliveries that are refused.

        Raises:
            OtherItems: there is a delivery of the key with other items.
            LedgerFull: the key is new, and there is no room for it.
        """
        lines = tuple(sorted(items, key=lambda item: item.line_id))
        with self._lock:
            known = self._deliveries.get(key)
            if known is None:
                state = decide(self.seed, self.success_rate, key, declined=declined, refused=refused)
                delivery = self._add(key, lines, state, REASONS.get(state, ""), details or {})
                return self._ship(delivery) if state is State.SHIPPED else delivery
            if known.items and known.items != lines:
                raise OtherItems(f"delivery {key} exists with other items")
            return known

    def look(self, key: str) -> Delivery | None:
        """Read a delivery; None if the warehouse never had it."""
        with self._lock:
            return self._deliveries.get(key)

    def cancel(self, key: str) -> Delivery:
        """Cancel a delivery if it is not too late.

        An unknown key becomes a cancelled delivery: a request under the key that arrives later ships nothing. A
        delivery that was shipped, declined or refused stays so, because its answer must be replayed under its key; the
        caller reads from the state that the delivery has ended.

        Returns:
            The delivery; it is cancelled only if its status says so.

        Raises:
            LedgerFull: the key is new, and there is no room for it.
        """
        with self._lock:
            return self._deliveries.get(key) or self._add(key, (), State.CANCELLED, CANCELLED_FIRST, {})

    def find_doubled(self) -> tuple[Doubled, ...]:
        """List every line of which more was shipped than its order's first delivery asked for, over all its keys."""
        with self._lock:
            return tuple(self._describe_doubled(line) for line in self._doubled)

    def read(self, limit: int, deliveries_before: int | None = None, parcels_before: int | None = None) -> Extract:
        """Read up to ``limit`` deliveries, parcels and doubled lines, newest first.

        Args:
            limit: the most entries of each kind.
            deliveries_before: list deliveries with a number below this one; by default, from the newest on.
            parcels_before: the same for parcels.
        """
        with self._lock:
            keys = _select_before(self._keys, deliveries_before, limit)
            doubled = list(self._doubled)
            return Extract(
                counts={state: self._counts[state] for state in STATES},
                parcel_count=len(self._parcels),
                doubled_orders=len({order_id for order_id, _ in doubled}),
                doubled=tuple(self._describe_doubled(line) for line in _select_before(doubled, None, limit)),
                deliveries=tuple(self._deliveries[key] for key in keys),
                parcels=tuple(_select_before(self._parcels, parcels_before, limit)),
            )

    def _add(
        self, key: str, items: tuple[Item, ...], status: State, reason: str, details: Mapping[str, Any]
    ) -> Delivery:
        if len(self._keys) >= self._capacity:
            raise LedgerFull(f"the ledger holds {self._capacity} deliveries")
        delivery = Delivery(len(self._keys) + 1, key, items, self._now(), status, reason, details=details)
        self._keys.append(key)
        self._deliveries[key] = delivery
        self._counts[status] += 1
        for item in items:
            self._ordered.setdefault((delivery.order_id, item.line_id), item.quantity)
        return delivery

    def _ship(self, delivery: Delivery) -> Delivery:
        """Ship all lines of a delivery in one parcel."""
        key, lines = delivery.key, {item.line_id: item.quantity for item in delivery.items}
        number = len(delivery.parcels) + 1
        tracking = hashlib.sha256(f"{self.seed}\n{key}\n{number}".encode()).hexdigest()[:12].upper()
        parcel = Parcel(len(self._parcels) + 1, key, f"s{number}", tracking, self._now(), lines)
        self._parcels.append(parcel)
        for line_id in lines:
            line = (delivery.order_id, line_id)
            self._shipped.setdefault(line, []).append(parcel)
            if sum(each.lines[line_id] for each in self._shipped[line]) > self._ordered[line]:
                self._doubled[line] = None
        self._deliveries[key] = replace(delivery, parcels=(*delivery.parcels, parcel))
        return self._deliveries[key]

    def _describe_doubled(self, line: tuple[str, str]) -> Doubled:
        return Doubled(*line, self._ordered[line], tuple(self._shipped[line]))


def decide(seed: str, success_rate: float, key: str, *, declined: float = 0, refused: float = 0) -> State:
    """Decide about a new delivery. The arguments alone determine the result; they are those of ``Ledger.ask``."""
    if draw(seed, "refused", key) < refused:
        return State.REFUSED
    if draw(seed, "declined", key) < declined or not ships(seed, success_rate, key):
        return State.DECLINED
    return State.SHIPPED


def draw(*values: object) -> float:
    """Return a number from 0 up to 1, by a hash of the values."""
    digest = hashlib.sha256("\n".join(map(str, values)).encode()).digest()
    return (int.from_bytes(digest[:8]) >> 11) / 2**53


T = TypeVar("T")


def _select_before(entries: Sequence[T], before: int | None, limit: int) -> list[T]:
    """Return the last ``limit`` entries whose number, counted from 1, is below ``before``, the last one first."""
    end = len(entries) if before is None else min(max(before - 1, 0), len(entries))
    return list(reversed(entries[max(end - limit, 0) : end]))
