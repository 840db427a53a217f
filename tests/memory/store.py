"""An order store in memory.

It passes the same contract tests as the DynamoDB store, and serves tests that need no AWS. Its tables have the same
indexes as DynamoDB's, so a list reads the same rows as there, however many orders exist.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from threading import RLock
from typing import Any, TypeVar

from service.aws.records import owner_reference
from service.orders.counts import Ended, Tally
from service.orders.errors import UnreadableRow
from service.orders.lifecycle import Status
from service.orders.listing import Listing
from service.orders.model import FailedOrder, FailureKind, Order, Write
from service.orders.paging import ALWAYS, Key, Page, Part, Position, Span, cut, read_page, rest, rows_to_read
from service.orders.ports import Metrics, OrderExists, TransitionRefused
from service.orders.row_reader import RowReader
from service.orders.timestamps import TICK
from service.orders.transition_rules import after_write, check_complete, failed_row
from tests.memory.table import Index, Table
from tests.transition_table import permits, values_of

Listed = TypeVar("Listed", Order, FailedOrder)


class InMemoryOrderStore:
    """Orders and failed orders in two tables, each write under one lock.

    ``unreadable`` names rows of both tables that cannot be read, each with an attribute that is to blame.
    """

    def __init__(self, metrics: Metrics | None = None) -> None:
        self.reader = RowReader(metrics)
        self.unreadable: dict[str, str] = {}
        self._by_customer = Index[Order](lambda order: order.customer_id, lambda order: order.created_at)
        self._by_owner = Index[Order](lambda order: order.owner, lambda order: order.created_at)
        self._by_reference = Index[Order](
            lambda order: owner_reference(order.owner, order.reference) if order.reference else None,
            lambda order: order.created_at,
        )
        self._by_status = Index[Order](lambda order: order.status, lambda order: order.updated_at)
        self._by_kind = Index[FailedOrder](lambda failed: failed.kind, lambda failed: failed.failed_at)
        self.orders = Table(self._by_customer, self._by_owner, self._by_reference, self._by_status)
        self.failures = Table(self._by_kind)
        self._lock = RLock()

    def create(self, order: Order) -> Order:
        with self._lock:
            existing = self.orders.setdefault(order.order_id, order)
        if self._read(existing).write_id != order.write_id:
            raise OrderExists(existing)
        return existing

    def apply(self, write: Write) -> Order:
        check_complete(write)
        with self._lock:
            order = self.orders.get(write.order_id)
            if order is not None and order.write_id == write.id:
                return order
            if order is None or not permits(write.transition, order, values_of(write)):
                raise TransitionRefused(write, order and self._read(order))
            moved = self.orders[order.order_id] = after_write(order, write)
            if write.transition.failed_orders == "put" and write.failure:
                self.failures[order.order_id] = failed_row(moved, write, write.failure)
            elif write.transition.failed_orders == "delete":
                self.failures.pop(order.order_id, None)
            return self._read(moved)

    def get(self, order_id: str) -> Order | None:
        order = self.orders.get(order_id)
        return order and self._read(order)

    def list_orders(self, listing: Listing, limit: int, after: Position | None = None) -> Page[Order]:
        with self._lock:
            most = listing.keys_to_read(limit)
            keys, following = self._cut(*self._index_of(listing), listing.span, most, after)
            return read_page(keys, following, after, self._read_ids, limit, listing.__contains__)

    def _index_of(self, listing: Listing) -> tuple[Index[Order], Iterable[str]]:
        """The index of a listing, and its partitions there."""
        if listing.owner is not None and listing.reference is not None:
            return self._by_reference, (owner_reference(listing.owner, listing.reference),)
        if listing.owner is not None:
            return self._by_owner, (listing.owner,)
        if listing.customer_id is not None:
            return self._by_customer, (listing.customer_id,)
        return self._by_status, listing.statuses

    def list_waiting(self, status: Status, before: datetime, page: int) -> Iterator[tuple[Order, ...]]:
        return self._walk(self._by_status, status, Span(end=before), page, oldest_first=True)

    def list_failed(self, kind: FailureKind, page: int) -> Iterator[tuple[Order, ...]]:
        return self._walk(self._by_kind, kind, ALWAYS, page)

    def get_failed(self, order_id: str) -> FailedOrder | None:
        failed = self.failures.get(order_id)
        return failed and self._read(failed)

    def failed_orders(
        self, kind: FailureKind | None, span: Span, limit: int, after: Position | None = None
    ) -> Page[FailedOrder]:
        kinds = FailureKind if kind is None else (kind,)
        with self._lock:
            keys, following = self._cut(self._by_kind, kinds, span, limit, after)
            return Page(tuple(self._read_all(self.failures[key.order_id] for key in keys)), following)

    def tally(self, group: Status | FailureKind, most: int) -> Tally:
        with self._lock:
            count = self._by_status.count(group) if isinstance(group, Status) else self._by_kind.count(group)
        return Tally(min(count, most), count <= most)

    def list_ended(self, status: Status, since: datetime, most: int) -> Ended:
        with self._lock:
            part = self._by_status.keys(status, Span(since), most)
        if not part.whole:
            since = part.keys[-1].at + TICK
        return Ended(since, tuple(key for key in part.keys if key.at >= since))

    def durations(self, order_ids: Sequence[str]) -> list[timedelta]:
        return [order.updated_at - order.created_at for order in self._read_ids(order_ids)]

    def ready(self) -> None:
        return None

    def _cut(
        self, index: Index[Any], partitions: Iterable[str], span: Span, limit: int, after: Position | None
    ) -> tuple[list[Key], Position | None]:
        within, most = rest(span, after), rows_to_read(limit, after)
        keys = [key for partition in partitions for key in index.keys(partition, within, most).keys]
        return cut(keys, limit, after)

    def _walk(
        self, index: Index[Any], partition: str, span: Span, page: int, *, oldest_first: bool = False
    ) -> Iterator[tuple[Order, ...]]:
        part = Part((), whole=False)
        while not part.whole:
            with self._lock:
                after = part.keys[-1] if part.keys else None
                part = index.keys(partition, span, page, oldest_first=oldest_first, after=after)
                orders = self._read_all(self.orders[key.order_id] for key in part.keys)
            yield tuple(orders)

    def _read(self, row: Listed) -> Listed:
        if row.order_id in self.unreadable:
            raise UnreadableRow(row.order_id, self.unreadable[row.order_id])
        return row

    def _read_ids(self, order_ids: Sequence[str]) -> list[Order]:
        return self._read_all(self.orders[order_id] for order_id in order_ids)

    def _read_all(self, rows: Iterable[Listed]) -> list[Listed]:
        return self.reader.read(rows, self._read)
