"""The two tables, with a record of every write that took effect and of its writer."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from service.orders.lifecycle import Status
from service.orders.model import Order, Write
from tests.memory.store import InMemoryOrderStore

LAG = 3_000  # milliseconds; the lag of a stale index


@dataclass(frozen=True, slots=True)
class Commit:
    """One write that took effect, with the true time."""

    at: int
    name: str
    writer: str
    before: Order | None
    after: Order
    failed_row: bool
    """Whether the order has a failed-orders row after the write."""


class Tables:
    """An in-memory store with its history, and with reads of an index that lags."""

    def __init__(self) -> None:
        self.store = InMemoryOrderStore()
        self.history: list[Commit] = []
        self._previous: dict[str, tuple[int, Order | None]] = {}

    def create(self, order: Order, writer: str, now: int) -> Order:
        before = self.store.orders.get(order.order_id)
        try:
            return self.store.create(order)
        finally:
            self._record(order.order_id, "receive", before, writer, now)

    def apply(self, write: Write, writer: str, now: int) -> Order:
        before = self.store.orders.get(write.order_id)
        try:
            return self.store.apply(write)
        finally:
            self._record(write.order_id, write.name, before, writer, now)

    def list_waiting(self, status: Status, before: Any, page: int, now: int | None) -> Iterator[tuple[Order, ...]]:
        """The store's method of the same name; with ``now``, the answer of a stale index."""
        if now is None:
            return self.store.list_waiting(status, before, page)
        late = InMemoryOrderStore()
        late.unreadable = self.store.unreadable
        for order_id, order in self.store.orders.items():
            changed, previous = self._previous.get(order_id, (0, None))
            shown = previous if changed > now - LAG else order
            if shown is not None:
                late.orders[order_id] = shown
        return late.list_waiting(status, before, page)

    def _record(self, order_id: str, name: str, before: Order | None, writer: str, now: int) -> None:
        after = self.store.orders.get(order_id)
        if after is not None and after is not before:
            self._previous[order_id] = (now, before)
            self.history.append(Commit(now, name, writer, before, after, order_id in self.store.failures))
