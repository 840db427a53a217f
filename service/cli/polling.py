"""Whether orders have come to their end, and how long to wait between two looks."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from service.orders.lifecycle import TERMINAL

SHORTEST_PAUSE, LONGEST_PAUSE = 0.2, 5.0  # seconds between two looks
_ENDS = frozenset(map(str, TERMINAL))


def is_at_its_end(order: Mapping[str, Any]) -> bool:
    """Whether only an operator can still move an order."""
    return order.get("status") in _ENDS


def pauses() -> "Pauses":
    """The seconds between two looks, growing."""
    return Pauses(SHORTEST_PAUSE)


class Pauses:
    """Pauses that grow by half each time, up to ``LONGEST_PAUSE`` seconds."""

    def __init__(self, first: float) -> None:
        self._next = first

    def within(self, ends: float) -> float | None:
        """The next pause in seconds, cut to what is left until ``ends`` (monotonic); None when nothing is."""
        left = ends - time.monotonic()
        if left <= 0:
            return None
        pause, self._next = min(self._next, left), min(self._next * 1.5, LONGEST_PAUSE)
        return pause


class Followed:
    """Orders that are followed: their last known state, by id. None is one that was never seen."""

    def __init__(self, order_ids: Iterable[str]) -> None:
        self.orders: dict[str, dict[str, Any] | None] = dict.fromkeys(order_ids)

    def saw(self, order: dict[str, Any]) -> bool:
        """Note a state; whether the order has come to its end with it."""
        order_id = str(order.get("order_id"))
        before = self.orders.get(order_id)
        self.orders[order_id] = order
        return is_at_its_end(order) and not (before and is_at_its_end(before))

    @property
    def open(self) -> list[str]:
        """The ids of those that are not at their end."""
        return [order_id for order_id, order in self.orders.items() if not (order and is_at_its_end(order))]

    @property
    def by_status(self) -> dict[str, int]:
        """How many stand in which status; ``UNKNOWN`` for those that were never seen."""
        counts = Counter(str(order.get("status")) if order else "UNKNOWN" for order in self.orders.values())
        return dict(sorted(counts.items()))
