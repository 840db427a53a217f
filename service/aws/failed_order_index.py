"""Lists and counts failed orders through the index of their table."""

from collections.abc import Iterator, Sequence

from service.aws.clients import Clients
from service.aws.partitions import Partition, Partitions
from service.aws.records import to_failed_order
from service.orders.counts import Tally
from service.orders.model import FailedOrder, FailureKind
from service.orders.paging import Page, Position, Span
from service.orders.row_reader import RowReader
from service.settings import Settings

BY_REASON = "by-reason"


class FailedOrderIndex:
    """Reads the index ``by-reason``."""

    def __init__(self, clients: Clients, settings: Settings, reader: RowReader) -> None:
        self._failed_orders = Partitions(clients, settings.failed_orders_table, reader)
        self._shards = settings.read_shards

    def page(self, kind: FailureKind | None, span: Span, limit: int, after: Position | None) -> Page[FailedOrder]:
        """List the orders that failed within a time span, newest first; of one kind of failure, or of all kinds."""
        kinds = FailureKind if kind is None else (kind,)
        partitions = [partition for each in kinds for partition in self._partitions(each)]
        keys, following = self._failed_orders.page(partitions, limit, after, span)
        rows = self._failed_orders.rows([key.order_id for key in keys], to_failed_order)
        return Page(tuple(rows), following)

    def walk(self, kind: FailureKind, page: int) -> Iterator[Sequence[str]]:
        """List the ids of the orders that failed by one kind of failure, newest first, in pages."""
        return self._failed_orders.walk(self._partitions(kind), page)

    def tally(self, kind: FailureKind, most: int) -> Tally:
        """Count the orders that failed by one kind of failure and were not redriven."""
        return self._failed_orders.tally(self._partitions(kind), most)

    def _partitions(self, kind: FailureKind) -> tuple[Partition, ...]:
        return tuple(
            Partition(BY_REASON, "reason_shard", f"{kind}#{shard}", "failed_at") for shard in range(self._shards)
        )
