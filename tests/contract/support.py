"""Orders in any status, writes to them, and the expected results by the transition table."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from typing import Any

from service.aws.clients import Clients
from service.orders.lifecycle import VERSION_SEEN, Status
from service.orders.model import Failure, FailureKind, FieldError, Order, TimelineEntry, Write
from service.orders.paging import Page, Position
from service.orders.ports import OrderStore
from service.orders.shipments import Shipment
from service.orders.submission import new_order
from service.orders.transitions import TRANSITIONS, TransitionName
from tests.support import START, valid_order
from tests.transition_table import NAMES, changed_by, permits, values_of

NOW = START + timedelta(minutes=10)
IN_TWO_TABLES = tuple(name for name in NAMES if TRANSITIONS[name].failed_orders)
FAILING = tuple(name for name in NAMES if TRANSITIONS[name].failed_orders == "put")
ERRORS = (FieldError("/items/0/price", "must have at most two decimals"), FieldError("", "must be a JSON object"))
FAILURE = Failure(FailureKind.DECLINED, "the warehouse declined")
VALUES = {
    "max_attempts": 3,
    "lease_owner": "mine",
    "lease_until": NOW + timedelta(seconds=90),
    "errors": ERRORS,
    "delivery": 3,
    "lines": ((1, 1),),
    "shipments": (Shipment(delivery=1, id="a", lines=((1, 1),)), Shipment(delivery=2, id="b", lines=((1, 1),))),
    "parcels": 2,
    "due_at": NOW + timedelta(days=3),
}
PARCEL = Shipment(
    delivery=1,
    id="a",
    lines=((1, 1),),
    carrier="DHL",
    tracking_number="00340434",
    tracking_url="https://parcels.example/00340434",
    shipped_at=START,
)


def order_in(status: Status = Status.RECEIVED, order_id: str = "ord_1", **changes: Any) -> Order:
    """An order in a status, with every attribute set. By default every guard of its transitions can hold."""
    order = new_order(valid_order(), order_id=order_id, owner="anonymous", actor="api", at=START, write_id="w1")
    defaults: dict[str, Any] = {
        "status": status,
        "version": 5,
        "epoch": 1,
        "attempts": 2,
        "resends": 4,
        "restarts": 1,
        "delivery": 2,
        "asked": 1,
        "looks": 3,
        "lines": ((1, 2),),
        "due_at": START + timedelta(days=1),
        "shipments": (PARCEL,) * changes.get("parcels", 0),
        "reference": "#1001",
        "lease_owner": "mine",
        "lease_until": NOW - timedelta(milliseconds=1),
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "timeline": (*order.timeline, TimelineEntry(START, Status.RECEIVED, status, "test", "created by a test")),
    }
    return replace(order, **{**defaults, **changes})


def write_of(name: TransitionName, order: Order, **changes: Any) -> Write:
    """A write with every value, and with the order seen if the transition needs it."""
    needs_seen = name in IN_TWO_TABLES or VERSION_SEEN in TRANSITIONS[name].guards
    defaults: dict[str, Any] = {
        "id": "w2",
        "at": NOW,
        "actor": "tester",
        "reason": "because",
        "values": VALUES,
        "seen": order if needs_seen else None,
        "failure": FAILURE if name in FAILING else None,
    }
    return Write(name=name, order_id=order.order_id, **{**defaults, **changes})


def holds(order: Order, write: Write) -> bool:
    """Whether the transition table permits a write."""
    return permits(TRANSITIONS[write.name], order, values_of(write))


def expected(order: Order, write: Write) -> Order:
    """The order after a permitted write, by the transition table."""
    row = TRANSITIONS[write.name]
    failure = write.failure.kind if write.failure else None
    return replace(
        order,
        status=row.target or order.status,
        version=order.version + 1,
        updated_at=write.at,
        write_id=write.id,
        timeline=(
            *order.timeline,
            TimelineEntry(write.at, order.status, row.target or order.status, write.actor, write.reason, failure),
        ),
        **changed_by(row, order, values_of(write)),
    )


def permitting(name: TransitionName, status: Status | None = None) -> Order | None:
    """An order, in a given status or any, from which a transition is permitted; None if there is none."""
    statuses = Status if status is None else (status,)
    for each, attempts, asked, cancel_asked, parcels in product(statuses, (2, 3), (1, 0), (0, 1), (0, 1)):
        order = order_in(each, attempts=attempts, asked=asked, cancel_asked=cancel_asked, parcels=parcels)
        if holds(order, write_of(name, order)):
            return order
    return None


def failed_in(store: OrderStore) -> Order:
    """Create a FAILED order in a store, with its row in the failed-orders table."""
    order = store.create(order_in(Status.PROCESSING))
    return store.apply(write_of("fail", order, id="w-fail"))


def walk(read: Callable[[int, Position | None], Page], limit: int) -> list[tuple[Order, ...]]:
    """Read all pages of a list."""
    pages, after = [], None
    while not pages or after is not None:
        page = read(limit, after)
        pages.append(page.orders)
        after = page.next
        assert len(pages) < 100
    return pages


def waiting(store: OrderStore, status: Status, before: datetime, page: int) -> tuple[Order, ...]:
    """All pages of the orders that wait in a state."""
    return tuple(order for orders in store.list_waiting(status, before, page) for order in orders)


def put(store: OrderStore, count: int, **changes: Callable[[int], Any]) -> list[Order]:
    """Create orders in a store; each change is a function of the order's number."""
    return [
        store.create(
            order_in(order_id=f"ord_{number:03}", **{name: of(number) for name, of in changes.items()}),
        )
        for number in range(count)
    ]


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


@contextmanager
def requests(clients: Clients) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """Record the requests to DynamoDB: the name of the operation and its parameters."""
    sent: list[tuple[str, dict[str, Any]]] = []

    def record(model: Any, params: dict[str, Any], **_: Any) -> None:
        sent.append((model.name, json.loads(params["body"])))

    with on(clients, "before-call.dynamodb", record):
        yield sent


@contextmanager
def on(clients: Clients, event: str, do: Callable[..., Any]) -> Iterator[None]:
    """Call a function at an event of the client."""
    events = clients.dynamodb.meta.events
    events.register(event, do)
    try:
        yield
    finally:
        events.unregister(event, do)
