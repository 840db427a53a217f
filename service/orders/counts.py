"""Figures that tell how the system does."""

from dataclasses import dataclass
from datetime import datetime

from service.orders.paging import Key


@dataclass(frozen=True, slots=True)
class Tally:
    """A number of orders; there are more if it is not ``exact``."""

    count: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """When orders came to their end, each with its id, from ``since`` on; the newest first."""

    since: datetime
    orders: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Depth:
    """How many messages a queue holds, about: those that can be received, and those that somebody has in hand."""

    visible: int
    in_flight: int
