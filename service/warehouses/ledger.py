"""The ledger of a simulated warehouse: the deliveries that it was asked for, and the parcels that it shipped.

It keeps the promises of the warehouse contract and knows nothing of HTTP. It is no part of DOFS: tests compare it with
the rows of the orders.
"""

import heapq
import itertools
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from service.orders.warehouse import OtherItems, State
from service.warehouses.decision import decide, draw
from service.warehouses.ledger_entries import Delivery, Doubled, Event, Extract, Item, Parcel, event_id, select_before
from service.warehouses.ledger_parcels import Parcels
from service.warehouses.picking import AT_ONCE, Picking, count_units

CAPACITY = 100_000  # deliveries
STATES = (State.ACCEPTED, State.SHIPPED, State.DECLINED, State.REFUSED, State.CLOSED, State.CANCELLED)
"""The states of a delivery in the ledger."""
REASONS = {
    State.DECLINED: "the simulated warehouse declined",
    State.REFUSED: "the simulated warehouse refused",
    State.CLOSED: "the simulated warehouse ships no more of it",
}
CANCELLED_FIRST = "cancelled before it was asked for"
CANCELLED = "cancelled on request"
CANCEL_REFUSED = "the simulated warehouse did not cancel"

Step = Callable[[datetime], None]
"""A part of the work on a delivery, as of a time."""


class LedgerFull(Exception):
    """The ledger has no room for another delivery. It forgets none: a forgotten key could ship twice."""


class Ledger:
    """Decides about deliveries and remembers each decision. All methods may be called from several threads.

    Each method first does the work that is due, as of the time for which it was planned. ``report`` is called with
    each event, in the order of the events. The ledger is locked meanwhile, so ``report`` must not block.

    Args:
        seed: seed of the decisions.
        success_rate: share of the deliveries that are shipped; the others are declined.
        capacity: the number of deliveries that it holds.
        now: the present time in UTC.
        picking: when the deliveries are shipped, and in how many parcels.
    """

    def __init__(
        self,
        seed: str,
        success_rate: float,
        capacity: int = CAPACITY,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        picking: Picking = AT_ONCE,
    ) -> None:
        self.seed = seed
        self.success_rate = success_rate
        self.report: Callable[[Event], None] = lambda _: None
        self._capacity, self._now, self._picking = capacity, now, picking
        self._lock = threading.Lock()
        self._deliveries: dict[str, Delivery] = {}
        self._keys: list[str] = []
        self._parcels = Parcels(seed)
        self._counts: Counter[State] = Counter()
        self._steps: list[tuple[datetime, int, Step]] = []  # a heap; steps of the same time in the order of their plan
        self._numbers = itertools.count()

    def ask(
        self,
        key: str,
        items: Sequence[Item],
        details: Mapping[str, Any] | None = None,
        *,
        declined: float = 0,
        refused: float = 0,
        closed: float = 0,
    ) -> Delivery:
        """Take a delivery, or replay the answer that was given under its key.

        Args:
            key: the delivery key.
            items: the lines of the delivery, in any order.
            details: the address and the other members of a new delivery.
            declined: share of the new deliveries that are declined beyond the success rate.
            refused: share of the new deliveries that are refused.
            closed: share of the new deliveries of two or more units that are closed short.

        Raises:
            OtherItems: there is a delivery of the key with other items.
            LedgerFull: the key is new, and there is no room for it.
        """
        lines = tuple(sorted(items, key=lambda item: item.line_id))
        with self._lock:
            now = self._advance()
            known = self._deliveries.get(key)
            if known is None:
                closed = closed if count_units(lines) > 1 else 0
                end = decide(self.seed, self.success_rate, key, declined=declined, refused=refused, closed=closed)
                return self._begin(self._add(key, lines, details or {}, now), end)
            if known.items and known.items != lines:
                raise OtherItems(f"delivery {key} exists with other items")
            return known

    def look(self, key: str) -> Delivery | None:
        """Read a delivery; None if the warehouse never had it."""
        with self._lock:
            self._advance()
            return self._deliveries.get(key)

    def cancel(self, key: str, *, asked: float = 0, refused: float = 0) -> Delivery:
        """Cancel a delivery if it is not too late.

        An unknown key becomes a cancelled delivery: a later request under the key ships nothing. Of an accepted
        delivery, the rest is cancelled. A delivery that has ended stays so: its answer must be replayed.

        Args:
            key: the delivery key.
            asked: share of the cancellations that are decided half a pick time later; refused if a parcel goes first.
            refused: share of the cancellations that are refused.

        Returns:
            The delivery; it is cancelled only if its status says so.

        Raises:
            LedgerFull: the key is new, and there is no room for it.
        """
        with self._lock:
            now = self._advance()
            delivery = self._deliveries.get(key)
            if delivery is None:
                self._add(key, (), {}, now)
                self._end(key, State.CANCELLED, CANCELLED_FIRST, now)
            elif delivery.status is State.ACCEPTED and not delivery.cancel_asked:
                is_refused = draw(self.seed, "cancel refused", key) < refused
                if draw(self.seed, "cancel asked", key) < asked:
                    self._change(key, cancel_asked=True)
                    step = partial(self._decide_cancellation, key, len(delivery.parcels), is_refused)
                    self._plan(now + timedelta(seconds=self._picking.seconds / 2), step)
                elif not is_refused:
                    self._end(key, State.CANCELLED, CANCELLED, now)
            return self._deliveries[key]

    def advance(self) -> None:
        """Do the work that is due."""
        with self._lock:
            self._advance()

    def find_doubled(self) -> tuple[Doubled, ...]:
        """List every line of which more was shipped than its order's first delivery asked for, newest first."""
        with self._lock:
            self._advance()
            return self._parcels.find_doubled()

    def read(self, limit: int, deliveries_before: int | None = None, parcels_before: int | None = None) -> Extract:
        """Read up to ``limit`` deliveries, parcels and doubled lines, newest first.

        Args:
            limit: the most entries of each kind.
            deliveries_before: list deliveries with a number below this one; by default, from the newest on.
            parcels_before: the same for parcels.
        """
        with self._lock:
            self._advance()
            return Extract(
                counts={state: self._counts[state] for state in STATES},
                parcel_count=len(self._parcels),
                doubled_orders=self._parcels.count_doubled_orders(),
                doubled=self._parcels.find_doubled(limit),
                deliveries=tuple(self._deliveries[key] for key in select_before(self._keys, deliveries_before, limit)),
                parcels=self._parcels.read(limit, parcels_before),
            )

    def _add(self, key: str, items: tuple[Item, ...], details: Mapping[str, Any], now: datetime) -> Delivery:
        if len(self._keys) >= self._capacity:
            raise LedgerFull(f"the ledger holds {self._capacity} deliveries")
        delivery = Delivery(len(self._keys) + 1, key, items, now, State.ACCEPTED, details=details)
        self._keys.append(key)
        self._deliveries[key] = delivery
        self._counts[delivery.status] += 1
        self._parcels.expect(delivery)
        return delivery

    def _begin(self, delivery: Delivery, end: State) -> Delivery:
        """Do the work on a delivery at once, or plan it if the delivery is accepted first."""
        key, at, picking = delivery.key, delivery.received_at, self._picking
        parcels = picking.split(self.seed, key, delivery.items, end)
        steps: list[Step] = [partial(self._ship, key, lines) for lines in parcels]
        last: Step = partial(self._end, key, end, REASONS.get(end, ""))
        if end is State.DECLINED or not picking.accepts_first(self.seed, key):  # no callback says "declined"
            for step in (*steps, last):
                step(at)
            return self._deliveries[key]
        if picking.due_seconds is not None:
            self._change(key, due_at=at + timedelta(seconds=picking.due_seconds))
        self._report(key, "accepted", at)
        pace = timedelta(seconds=picking.seconds)
        for number, step in enumerate(steps, 1):
            self._plan(at + number * pace, step)
        self._plan(at + max(len(steps), 1) * pace, last)
        return self._deliveries[key]

    def _plan(self, at: datetime, step: Step) -> None:
        heapq.heappush(self._steps, (at, next(self._numbers), step))

    def _advance(self) -> datetime:
        now = self._now()
        while self._steps and self._steps[0][0] <= now:
            at, _, step = heapq.heappop(self._steps)
            step(at)
        return now

    def _ship(self, key: str, lines: Mapping[str, int], at: datetime) -> None:
        delivery = self._deliveries[key]
        if delivery.status is State.ACCEPTED:  # not cancelled meanwhile
            parcel = self._parcels.ship(delivery, lines, at)
            self._change(key, parcels=(*delivery.parcels, parcel))
            self._report(key, "shipped", at, parcel=parcel)

    def _end(self, key: str, state: State, reason: str, at: datetime) -> None:
        if self._deliveries[key].status is State.ACCEPTED:
            self._change(key, status=state, reason=reason)
            if state in (State.REFUSED, State.CLOSED, State.CANCELLED):
                self._report(key, state, at, reason=reason)

    def _decide_cancellation(self, key: str, parcels: int, is_refused: bool, at: datetime) -> None:
        delivery = self._change(key, cancel_asked=False)
        if delivery.status is State.ACCEPTED and len(delivery.parcels) == parcels and not is_refused:
            self._end(key, State.CANCELLED, CANCELLED, at)
        else:
            self._report(key, "cancel_refused", at, reason=CANCEL_REFUSED)

    def _change(self, key: str, **changes: Any) -> Delivery:
        before = self._deliveries[key]
        after = self._deliveries[key] = replace(before, **changes)
        self._counts[before.status] -= 1
        self._counts[after.status] += 1
        return after

    def _report(self, key: str, kind: str, at: datetime, *, parcel: Parcel | None = None, reason: str = "") -> None:
        number = self._change(key, events=self._deliveries[key].events + 1).events
        self.report(Event(event_id(self.seed, key, kind, number), kind, key, at, parcel, reason))
