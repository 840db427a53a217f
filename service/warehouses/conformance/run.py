"""One run of the conformance checks: what the checks share."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from service.orders.model import Order
from service.orders.warehouse import State
from service.warehouses.conformance.orders import Orders
from service.warehouses.conformance.receiver import Receiver
from service.warehouses.conformance.replies import Reply
from service.warehouses.conformance.results import NotSeen
from service.warehouses.conformance.under_test import WarehouseUnderTest

ENDS = frozenset({State.SHIPPED, State.DECLINED, State.REFUSED, State.CLOSED, State.CANCELLED})
"""The states in which a delivery stays."""
AT_ONCE = 4
"""Requests that are sent at the same time."""
SHORTEST_PAUSE, LONGEST_PAUSE = 0.05, 2.0  # seconds between two looks at all deliveries
SHARE_OF_ENDS, SHARE_OF_EVENTS = 0.6, 0.9
"""The shares of the run's time after which it waits no longer for ends, and for events."""


T = TypeVar("T")


@dataclass
class Run:
    """What the checks of one run share.

    Args:
        warehouse: the warehouse under test.
        orders: the orders of the run.
        receiver: the receiver of events; None if there is none.
        starts_at: the start of the run, on the monotonic clock.
        seconds: the time of the run.
    """

    warehouse: WarehouseUnderTest
    orders: Orders
    receiver: Receiver | None
    starts_at: float
    seconds: float
    asked: list[Order] = field(default_factory=list)
    """The orders that the warehouse has, or may have."""
    _is_settled: bool = False

    def ask_new(self) -> tuple[Order, Reply]:
        """Make an order, and ask for it."""
        order = self.orders.new_order()
        self.asked.append(order)
        return order, self.warehouse.ask(order)

    @property
    def first(self) -> Order:
        """The first order of the run.

        Raises:
            NotSeen: the warehouse has not taken it.
        """
        known = {reply.key for reply in self.warehouse.replies if reply.answer}
        if not self.asked or self.asked[0].delivery_key not in known:
            raise NotSeen("the first order has no state at the warehouse")
        return self.asked[0]

    def settle(self) -> None:
        """Ask for the rest of the orders, wait until the deliveries have ended, and ask and look at each once more."""
        if self._is_settled:
            return
        self._is_settled = True
        in_parallel(self.ask_new for _ in range(self.orders.left))
        pause, until = SHORTEST_PAUSE, self.starts_at + self.seconds * SHARE_OF_ENDS
        while accepted := [order for order in self.asked if self.last_state(order) is State.ACCEPTED]:
            if time.monotonic() + pause >= until:
                break
            time.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE)
            in_parallel(partial(self.warehouse.look, order) for order in accepted)
        for send in (self.warehouse.ask, self.warehouse.look):
            in_parallel(partial(send, order) for order in self.asked)

    def last_state(self, order: Order) -> State | None:
        """The state in the latest answer about an order; None without one."""
        replies = [each for each in self.warehouse.replies if each.key == order.delivery_key and each.answer]
        return max(replies, key=lambda each: each.ended).state.state if replies else None

    def wait_for_events(self, holds: Callable[[], bool]) -> None:
        """Wait until a condition holds for the events that have arrived, or the time for them is over."""
        if self.receiver:
            self.receiver.wait(holds, self.starts_at + self.seconds * SHARE_OF_EVENTS)


def in_parallel(calls: Iterable[Callable[[], T]]) -> list[T]:
    """Make calls at the same time. One that raises does not keep the others from ending.

    Returns:
        The results of those that did not raise.

    Raises:
        Exception: the error of the first call, if all of them raise.
    """
    with ThreadPoolExecutor(AT_ONCE) as threads:
        futures = [threads.submit(call) for call in calls]
    errors = [future.exception() for future in futures]
    first = next(iter(errors), None)
    if first is not None and all(errors):
        raise first
    return [future.result() for future in futures if not future.exception()]
