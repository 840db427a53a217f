"""Lists and counts orders through the indexes of the orders table."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from service.aws.clients import Clients
from service.aws.partitions import Partition, Partitions
from service.aws.records import owner_reference, to_duration, to_order
from service.orders.counts import Ended, Tally
from service.orders.lifecycle import Status
from service.orders.model import Order
from service.orders.paging import Page, Position, Span, read_page
from service.orders.row_reader import RowReader
from service.orders.timestamps import TICK
from service.settings import Settings

BY_CUSTOMER, BY_STATUS, BY_REFERENCE = "by-customer", "by-status", "by-reference"


class OrderIndex:
    """Reads the indexes. ``by-reference`` has only orders with a reference."""

    def __init__(self, clients: Clients, settings: Settings, reader: RowReader) -> None:
        self._orders = Partitions(clients, settings.orders_table, reader)
        self._shards = settings.read_shards

    def by_customer(self, customer_id: str, limit: int, after: Position | None) -> Page[Order]:
        """List a customer's orders, newest first."""
        partition = Partition(BY_CUSTOMER, "customer_id", customer_id, "created_at")
        return self._page((partition,), limit, after, lambda _: True)

    def by_reference(self, owner: str, reference: str, limit: int, after: Position | None) -> Page[Order]:
        """List an owner's orders with a reference, newest first."""
        partition = Partition(BY_REFERENCE, "owner_reference", owner_reference(owner, reference), "created_at")
        return self._page((partition,), limit, after, lambda _: True)

    def by_status(self, status: Status, limit: int, after: Position | None) -> Page[Order]:
        """List the orders of a state, last changed first. Orders that left the state since the query are omitted."""
        return self._page(self._partitions(status), limit, after, lambda order: order.status is status)

    def list_waiting(self, status: Status, before: datetime, page: int) -> Iterator[tuple[Order, ...]]:
        """List orders that have been in a state since ``before``, oldest change first, in pages."""
        for ids in self._orders.walk(self._partitions(status), page, Span(end=before), oldest_first=True):
            orders = self.read(ids)
            yield tuple(order for order in orders if order.status is status and order.updated_at < before)

    def read(self, order_ids: Sequence[str]) -> list[Order]:
        """Read orders by their ids. Orders that do not exist or cannot be read are omitted."""
        return self._orders.rows(order_ids, to_order)

    def tally(self, status: Status, most: int) -> Tally:
        """Count the orders of a state."""
        return self._orders.tally(self._partitions(status), most)

    def list_ended(self, status: Status, since: datetime, most: int) -> Ended:
        """List when orders reached a terminal state, as far back as every partition was read."""
        parts = self._orders.keys(self._partitions(status), Span(since), most)
        since = max([since, *(part.keys[-1].at + TICK for part in parts if not part.whole)])
        return Ended(
            since, tuple(sorted((key for part in parts for key in part.keys if key.at >= since), reverse=True))
        )

    def durations(self, order_ids: Sequence[str]) -> list[timedelta]:
        """Return the time between the creation and the last change of each order."""
        return self._orders.rows(order_ids, to_duration, ("created_at", "updated_at"))

    def _page(
        self, partitions: Sequence[Partition], limit: int, after: Position | None, fits: Callable[[Order], bool]
    ) -> Page[Order]:
        keys, following = self._orders.page(partitions, limit, after)
        return read_page(keys, following, after, lambda ids: filter(fits, self.read(ids)))

    def _partitions(self, status: Status) -> tuple[Partition, ...]:
        return tuple(
            Partition(BY_STATUS, "status_shard", f"{status}#{shard}", "updated_at") for shard in range(self._shards)
        )
