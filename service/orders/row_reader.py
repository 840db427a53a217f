"""Reads the rows of lists, without those that cannot be read: one row must not hide the others."""

import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

from service.orders.errors import UnreadableRow
from service.orders.metric import Metric
from service.orders.ports import Metrics

log = logging.getLogger(__name__)

MOST_NAMED = 10
"""The most rows of one read that the log names. The metric counts all."""

Row = TypeVar("Row")
Read = TypeVar("Read")


class RowReader:
    """Reads the rows of a list, without those that cannot be read.

    Args:
        metrics: counts the rows that cannot be read; None if nobody does.
    """

    def __init__(self, metrics: Metrics | None = None) -> None:
        self._metrics = metrics

    def read(self, rows: Iterable[Row], read: Callable[[Row], Read]) -> list[Read]:
        """Read each row, in the same order.

        Args:
            rows: the rows as they are stored.
            read: reads one row; raises ``UnreadableRow`` if it cannot.
        """
        result: list[Read] = []
        unreadable = 0
        for row in rows:
            try:
                result.append(read(row))
            except UnreadableRow as error:
                unreadable += 1
                if unreadable <= MOST_NAMED:
                    log.error("%s; a list omits it", error, extra={"order_id": error.order_id})
        if unreadable > MOST_NAMED:
            log.error("%d more rows cannot be read", unreadable - MOST_NAMED)
        if unreadable and self._metrics is not None:
            self._metrics.record(Metric.UNREADABLE_ROWS, unreadable)
        return result
