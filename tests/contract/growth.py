"""Numbered orders for stores of any size, and the operations whose reads are counted."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from service.orders import stats
from service.orders.lifecycle import Status
from service.orders.listing import Listing
from service.orders.model import FailedOrder, FailureKind, Order
from service.orders.paging import ALWAYS, Position, mark
from service.orders.ports import OrderStore
from service.orders.timestamps import TICK
from service.settings import Settings
from service.steps import reconcile
from tests.contract.support import FAILURE, order_in
from tests.support import SETTINGS, START, MemorySystem

CUSTOMER, OWNER, REFERENCE = "cust_123", "anonymous", "#1001"
NAMES = ("RECEIVED", "PENDING", "PROCESSING", "FULFILLED", "REJECTED", "CANCELLED", "FAILED")
STATUSES, KINDS = tuple(map(Status, NAMES)), tuple(FailureKind)
"""The states of the numbered orders. A new state does not change the counted reads."""
PAGE = 4
GROWTH = replace(SETTINGS, status_shards=1, reconcile_limit=2, restart_limit=2)
"""One partition for each status, as in the memory store, and limits that ten orders reach."""

UNPUSHED = order_in(resends=0, restarts=0, timeline=())


def order_id(number: int) -> str:
    return f"ord_{number:07}"


def number_of(order_id: str) -> int:
    return int(order_id.removeprefix("ord_"))


def stamp(number: int) -> datetime:
    return START + number * TICK


def status(number: int) -> Status:
    """Every seventh order has the same status."""
    return STATUSES[number % len(STATUSES)]


def kind(number: int) -> FailureKind:
    """Every fourth failed order has the same kind of failure."""
    return KINDS[number // len(STATUSES) % len(KINDS)]


def numbered(number: int) -> Order:
    """The order with a number. All have one customer and one reference; each is a millisecond younger than the last."""
    at = stamp(number)
    return replace(
        UNPUSHED, order_id=order_id(number), status=status(number), created_at=at, updated_at=at, lease_until=at
    )


def numbered_failure(number: int) -> FailedOrder:
    """The failed-order row of a number."""
    return FailedOrder(
        order_id=order_id(number),
        customer_id=CUSTOMER,
        reference="#1001",
        kind=kind(number),
        detail=FAILURE.detail,
        attempts=2,
        epoch=1,
        failed_at=stamp(number),
    )


@dataclass(frozen=True, slots=True)
class Reads:
    """The reads of one operation: requests, index entries, and rows of tables."""

    requests: int
    entries: int
    rows: int


def system_of(store: OrderStore, orders: int, settings: Settings = GROWTH) -> MemorySystem:
    """A system whose open orders are all overdue, and whose terminal orders ended within the last hour."""
    system = MemorySystem(settings=settings, store=store)
    system.now.at = stamp(orders) + timedelta(minutes=20)
    return system


def middle(orders: int) -> Position:
    """The position of a page that ends at half of all orders."""
    return Position(stamp(orders // 2), frozenset({mark(order_id(orders // 2))}))


# The reconciler is last, because it changes orders.
OPERATIONS: dict[str, Callable[[MemorySystem, int], Any]] = {
    "one order": lambda system, orders: system.store.get(order_id(orders // 2)),
    "a customer's first page": lambda system, _: system.store.list_orders(Listing(customer_id=CUSTOMER), PAGE),
    "a customer's page half way": lambda system, orders: system.store.list_orders(
        Listing(customer_id=CUSTOMER), PAGE, middle(orders)
    ),
    "an owner's first page": lambda system, _: system.store.list_orders(Listing(owner=OWNER), PAGE),
    "an owner's page half way": lambda system, orders: system.store.list_orders(
        Listing(owner=OWNER), PAGE, middle(orders)
    ),
    "a reference's first page": lambda system, _: system.store.list_orders(
        Listing(owner=OWNER, reference=REFERENCE), PAGE
    ),
    "a reference's page half way": lambda system, orders: system.store.list_orders(
        Listing(owner=OWNER, reference=REFERENCE), PAGE, middle(orders)
    ),
    "an owner's empty page": lambda system, _: system.store.list_orders(
        Listing(owner=OWNER, customer_id="nobody"), PAGE
    ),
    "a state's first page": lambda system, _: system.store.list_orders(Listing(status=Status.PENDING), PAGE),
    "a state's page half way": lambda system, orders: system.store.list_orders(
        Listing(status=Status.PENDING), PAGE, middle(orders)
    ),
    "failed orders of one kind": lambda system, _: system.store.failed_orders(KINDS[0], ALWAYS, PAGE),
    "failed orders half way": lambda system, orders: system.store.failed_orders(None, ALWAYS, PAGE, middle(orders)),
    "stats": lambda system, _: stats.take(system),
    "a run of the reconciler": lambda system, _: reconcile.run({}, system, lambda: 30),
}


def failed(orders: int) -> Iterable[int]:
    """The numbers of the orders that failed."""
    return range(STATUSES.index(Status.FAILED), orders, len(STATUSES))
