"""An order store in memory.

It stands under the same contract tests as the DynamoDB store and serves tests that need no AWS.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from threading import RLock
from typing import TypeVar

from service.orders.figures import Ended, Tally
from service.orders.lifecycle import Status
from service.orders.model import FailedOrder, FailureKind, Order, Write
from service.orders.paging import Key, Page, Position, Span, cut
from service.orders.ports import OrderExists, TransitionRefused
from service.orders.rules import after_write, check_complete, failed_row, permitted

Listed = TypeVar("Listed", Order, FailedOrder)


class InMemoryOrderStore:
    """Orders and failed orders in two dictionaries, each write under one lock."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.failures: dict[str, FailedOrder] = {}
        self._lock = RLock()

    def create(self, order: Order) -> Order:
        with self._lock:
            existing = self.orders.setdefault(order.order_id, order)
        if existing.write_id != order.write_id:
            raise OrderExists(existing)
        return existing

    def apply(self, write: Write) -> Order:
        check_complete(write)
        with self._lock:
            order = self.orders.get(write.order_id)
            if order is not None and order.write_id == write.id:
                return order
            if order is None or not permitted(order, write):
                raise TransitionRefused(write, order)
            moved = self.orders[order.order_id] = after_write(order, write)
            if write.transition.failed_orders == "put" and write.failure:
                self.failures[order.order_id] = failed_row(moved, write, write.failure)
            elif write.transition.failed_orders == "delete":
                self.failures.pop(order.order_id, None)
            return moved

    def get(self, order_id: str) -> Order | None:
        return self.orders.get(order_id)

    def by_customer(self, customer_id: str, limit: int, after: Position | None = None) -> Page[Order]:
        mine = [order for order in self._all() if order.customer_id == customer_id]
        return _page(mine, lambda order: order.created_at, limit, after)

    def by_status(self, status: Status, limit: int, after: Position | None = None) -> Page[Order]:
        standing = [order for order in self._all() if order.status is status]
        return _page(standing, lambda order: order.updated_at, limit, after)

    def waiting(self, status: Status, before: datetime, limit: int) -> tuple[Order, ...]:
        standing = (order for order in self._all() if order.status is status and order.updated_at < before)
        return tuple(sorted(standing, key=lambda order: order.updated_at)[:limit])

    def failed(self, order_id: str) -> FailedOrder | None:
        return self.failures.get(order_id)

    def failed_orders(
        self, kind: FailureKind | None, span: Span, limit: int, after: Position | None = None
    ) -> Page[FailedOrder]:
        with self._lock:
            failed = [each for each in self.failures.values() if kind in (None, each.kind) and each.failed_at in span]
        return _page(failed, lambda each: each.failed_at, limit, after)

    def tally(self, what: Status | FailureKind, most: int) -> Tally:
        with self._lock:
            marks = [order.status for order in self.orders.values()] + [each.kind for each in self.failures.values()]
        count = marks.count(what)
        return Tally(min(count, most), count <= most)

    def ended(self, status: Status, since: datetime, most: int) -> Ended:
        standing = (order for order in self._all() if order.status is status and order.updated_at >= since)
        keys = sorted((Key(order.updated_at, order.order_id) for order in standing), reverse=True)
        if len(keys) > most:
            since = keys[most - 1].at + timedelta(milliseconds=1)
        return Ended(since, tuple(key for key in keys if key.at >= since))

    def durations(self, order_ids: Sequence[str]) -> list[timedelta]:
        orders = (self.orders[order_id] for order_id in order_ids)
        return [order.updated_at - order.created_at for order in orders]

    def ready(self) -> None:
        return None

    def _all(self) -> list[Order]:
        with self._lock:
            return list(self.orders.values())


def _page(
    orders: Iterable[Listed], stamp: Callable[[Listed], datetime], limit: int, after: Position | None
) -> Page[Listed]:
    by_id = {order.order_id: order for order in orders}
    ids, following = cut((Key(stamp(order), order_id) for order_id, order in by_id.items()), limit, after)
    return Page(tuple(by_id[order_id] for order_id in ids), following)
