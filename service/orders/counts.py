"""Counts for statistics."""

from dataclasses import dataclass
from datetime import datetime

from service.orders.paging import Key


@dataclass(frozen=True, slots=True)
class Tally:
    """A number of orders. If it is not ``exact``, there are more."""

    count: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """The orders that reached a terminal state since ``since``, with their times, newest first."""

    since: datetime
    orders: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Depth:
    """The approximate numbers of messages in a queue: visible ones, and ones in flight."""

    visible: int
    in_flight: int
