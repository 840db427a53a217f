"""Lists and counts orders through the indexes of the orders table."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from service.aws.clients import Clients
from service.aws.partitions import Partition, Partitions
from service.aws.records import owner_reference, to_duration, to_order
from service.orders.counts import Ended, Tally
from service.orders.lifecycle import Status
from service.orders.listing import Listing
from service.orders.model import Order
from service.orders.paging import Page, Position, Span, read_page
from service.orders.row_reader import RowReader
from service.orders.timestamps import TICK
from service.settings import Settings

BY_CUSTOMER, BY_STATUS, BY_REFERENCE, BY_OWNER = "by-customer", "by-status", "by-reference", "by-owner"


class OrderIndex:
    """Reads the indexes.

    ``by-reference`` has only orders with a reference. ``by-owner`` exists only where customers of a user pool call the
    API: other callers submit the orders of many customers, and one partition could not take their writes.
    """

    def __init__(self, clients: Clients, settings: Settings, reader: RowReader) -> None:
        self._orders = Partitions(clients, settings.orders_table, reader)
        self._shards = settings.read_shards

    def page(self, listing: Listing, limit: int, after: Position | None) -> Page[Order]:
        """List orders. Orders that stopped to match the listing since the query are omitted."""
        partitions, most = self._partitions_of(listing), listing.keys_to_read(limit)
        keys, following = self._orders.page(partitions, most, after, listing.span)
        return read_page(keys, following, after, self.read, limit, listing.__contains__)

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

    def _partitions_of(self, listing: Listing) -> tuple[Partition, ...]:
        if listing.owner is not None and listing.reference is not None:
            key = owner_reference(listing.owner, listing.reference)
            return (Partition(BY_REFERENCE, "owner_reference", key, "created_at"),)
        if listing.owner is not None:
            return (Partition(BY_OWNER, "owner", listing.owner, "created_at"),)
        if listing.customer_id is not None:
            return (Partition(BY_CUSTOMER, "customer_id", listing.customer_id, "created_at"),)
        return tuple(partition for status in listing.statuses for partition in self._partitions(status))

    def _partitions(self, status: Status) -> tuple[Partition, ...]:
        return tuple(
            Partition(BY_STATUS, "status_shard", f"{status}#{shard}", "updated_at") for shard in range(self._shards)
        )
