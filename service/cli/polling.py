"""Tracks the states of orders, and computes the pauses between requests for them."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from service.orders.lifecycle import TERMINAL

SHORTEST_PAUSE, LONGEST_PAUSE = 0.2, 5.0  # seconds
_TERMINAL = frozenset(map(str, TERMINAL))


def is_terminal(order: Mapping[str, Any]) -> bool:
    """Return whether the order is in a terminal state."""
    return order.get("status") in _TERMINAL


class Backoff:
    """Pauses between requests. Each is 1.5 times as long as the one before, up to ``LONGEST_PAUSE`` seconds."""

    def __init__(self) -> None:
        self._next = SHORTEST_PAUSE

    def next_pause(self, deadline: float) -> float | None:
        """Return the next pause in seconds, which ends at the ``deadline`` (monotonic) at the latest.

        Returns:
            The pause; None if the deadline has passed.
        """
        left = deadline - time.monotonic()
        if left <= 0:
            return None
        pause, self._next = min(self._next, left), min(self._next * 1.5, LONGEST_PAUSE)
        return pause


class TrackedOrders:
    """The last known state of each order, by id. None for an order that the API has not returned yet."""

    def __init__(self, order_ids: Iterable[str]) -> None:
        self.orders: dict[str, dict[str, Any] | None] = dict.fromkeys(order_ids)

    def update(self, order: dict[str, Any]) -> bool:
        """Store the state of an order. Return whether the order has just reached a terminal state."""
        order_id = str(order.get("order_id"))
        before = self.orders.get(order_id)
        self.orders[order_id] = order
        return is_terminal(order) and not (before and is_terminal(before))

    @property
    def open_ids(self) -> list[str]:
        """The ids of the orders that are not in a terminal state."""
        return [order_id for order_id, order in self.orders.items() if not (order and is_terminal(order))]

    @property
    def by_status(self) -> dict[str, int]:
        """The number of orders in each state. ``UNKNOWN`` counts the orders that the API has not returned."""
        counts = Counter(str(order.get("status")) if order else "UNKNOWN" for order in self.orders.values())
        return dict(sorted(counts.items()))
