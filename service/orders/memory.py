"""An order store in memory.

It stands under the same contract tests as the DynamoDB store and serves tests that need no AWS.
"""

from collections.abc import Callable
from datetime import datetime
from threading import RLock

from service.orders.lifecycle import Status
from service.orders.model import FailedOrder, Order, Write
from service.orders.paging import Key, Position, cut
from service.orders.ports import OrderExists, Page, TransitionRefused
from service.orders.rules import after_write, check_complete, failed_row, permitted


class InMemoryOrderStore:
    """Orders and failed orders in two dictionaries, each write under one lock."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.failed_orders: dict[str, FailedOrder] = {}
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
                self.failed_orders[order.order_id] = failed_row(moved, write.failure, write.at)
            elif write.transition.failed_orders == "delete":
                self.failed_orders.pop(order.order_id, None)
            return moved

    def get(self, order_id: str) -> Order | None:
        return self.orders.get(order_id)

    def by_customer(self, customer_id: str, limit: int, after: Position | None = None) -> Page:
        mine = [order for order in self._all() if order.customer_id == customer_id]
        return self._page(mine, lambda order: order.created_at, limit, after)

    def by_status(self, status: Status, limit: int, after: Position | None = None) -> Page:
        standing = [order for order in self._all() if order.status is status]
        return self._page(standing, lambda order: order.updated_at, limit, after)

    def waiting(self, status: Status, before: datetime, limit: int) -> tuple[Order, ...]:
        standing = (order for order in self._all() if order.status is status and order.updated_at < before)
        return tuple(sorted(standing, key=lambda order: order.updated_at)[:limit])

    def failed(self, order_id: str) -> FailedOrder | None:
        return self.failed_orders.get(order_id)

    def ready(self) -> None:
        return None

    def _all(self) -> list[Order]:
        with self._lock:
            return list(self.orders.values())

    def _page(
        self, orders: list[Order], stamp: Callable[[Order], datetime], limit: int, after: Position | None
    ) -> Page:
        ids, following = cut((Key(stamp(order), order.order_id) for order in orders), limit, after)
        return Page(tuple(self.orders[order_id] for order_id in ids), following)
