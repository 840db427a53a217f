"""Every cell of the matrix of callbacks: the states of an order, and the types of events."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from service.orders.callbacks import ENDS, Event, EventType, Verdict, after_event
from service.orders.lifecycle import OPEN, Status
from service.orders.model import Order
from service.orders.shipments import Shipment, TooManyShipments
from tests.support import START, MemorySystem

ITEMS = [{"product_id": "p", "quantity": 2, "price": 1}, {"product_id": "q", "quantity": 1, "price": 1}]
RECEIVED = MemorySystem().receive(items=ITEMS, total_amount=3)
NEW = Shipment(delivery=1, id="new", lines=((1, 1),))
LAST = Shipment(delivery=1, id="new", lines=((1, 2), (2, 1)))
PRESENT = {EventType.ACCEPTED, EventType.SHIPPED, EventType.CANCEL_REFUSED, *ENDS}

UNKNOWN, IGNORED, LOOK, EARLY = Verdict.UNKNOWN, Verdict.IGNORED, Verdict.LOOK, Verdict.TOO_EARLY
ALARM = True

# A row of the matrix: the order; then its cells: accepted; shipped, new, with lines left and with none, each with its
# transition and whether it is unexpected; closed, refused and cancelled; cancel_refused.
Cell = Verdict | tuple[str, bool]
SAME: dict[str, tuple[dict[str, Any], Cell, Cell, Cell, Cell, Cell]] = {
    "RECEIVED": (
        {"status": "RECEIVED"},
        *(UNKNOWN, ("ship_contradiction", ALARM), ("ship_contradiction", ALARM), UNKNOWN, UNKNOWN),
    ),
    "REJECTED": (
        {"status": "REJECTED"},
        *(UNKNOWN, ("ship_contradiction", ALARM), ("ship_contradiction", ALARM), UNKNOWN, UNKNOWN),
    ),
    "PENDING, not asked": (
        {"status": "PENDING", "asked": 0},
        *(IGNORED, ("ship", ALARM), ("ship_last", ALARM), IGNORED, IGNORED),
    ),
    "PENDING, asked": (
        {"status": "PENDING"},
        *(LOOK, ("ship", False), ("ship_last", False), LOOK, ("cancel_refused", False)),
    ),
    "PROCESSING, lease alive": (
        {"status": "PROCESSING", "lease_until": START},
        *(EARLY, EARLY, EARLY, EARLY, EARLY),
    ),
    "PROCESSING, lease expired": (
        {"status": "PROCESSING", "lease_until": START - timedelta(milliseconds=1)},
        *(LOOK, ("ship", False), ("ship_last", False), LOOK, ("cancel_refused", False)),
    ),
    "AT_WAREHOUSE": (
        {"status": "AT_WAREHOUSE"},
        *(IGNORED, ("ship", False), ("ship_last", False), LOOK, ("cancel_refused", False)),
    ),
    "FULFILLED": (
        {"status": "FULFILLED"},
        *(IGNORED, ("ship_contradiction", ALARM), ("ship_contradiction", ALARM), IGNORED, IGNORED),
    ),
    "PARTLY_FULFILLED, asked": (
        {"status": "PARTLY_FULFILLED"},
        *(IGNORED, ("ship_late", False), ("ship_late_last", False), LOOK, IGNORED),
    ),
    "FAILED, asked": (
        {"status": "FAILED"},
        *(LOOK, ("ship_late", False), ("ship_late_last", False), LOOK, IGNORED),
    ),
    "FAILED, not asked": (
        {"status": "FAILED", "asked": 0},
        *(IGNORED, ("ship_late", ALARM), ("ship_late_last", ALARM), IGNORED, IGNORED),
    ),
    "PARTLY_FULFILLED, not asked": (
        {"status": "PARTLY_FULFILLED", "asked": 0},
        *(IGNORED, ("ship_late", ALARM), ("ship_late_last", ALARM), IGNORED, IGNORED),
    ),
    "CANCELLED": (
        {"status": "CANCELLED", "asked": 0},
        *(IGNORED, ("ship_contradiction", ALARM), ("ship_contradiction", ALARM), IGNORED, IGNORED),
    ),
}
OLDER: dict[str, tuple[dict[str, Any], Cell, Cell, Cell, Cell, Cell]] = {
    "PENDING, not asked": (
        {"status": "PENDING", "asked": 0},
        *(IGNORED, ("ship", ALARM), ("ship_last", ALARM), IGNORED, IGNORED),
    ),
    **{
        f"{name}, asked": (
            {"status": status, "lease_until": START - timedelta(milliseconds=1)},
            *(IGNORED, ("ship", ALARM), ("ship_last", ALARM), IGNORED, IGNORED),
        )
        for name, status in (
            ("PENDING", "PENDING"),
            ("PROCESSING, lease expired", "PROCESSING"),
            ("AT_WAREHOUSE", "AT_WAREHOUSE"),
        )
    },
    "PROCESSING, lease alive": (
        {"status": "PROCESSING", "lease_until": START},
        *(IGNORED, EARLY, EARLY, IGNORED, IGNORED),
    ),
    **{
        status: (
            {"status": status},
            *(IGNORED, ("ship_late", ALARM), ("ship_late_last", ALARM), IGNORED, IGNORED),
        )
        for status in ("FAILED", "PARTLY_FULFILLED")
    },
    **{
        status: (
            {"status": status},
            *(IGNORED, ("ship_contradiction", ALARM), ("ship_contradiction", ALARM), IGNORED, IGNORED),
        )
        for status in ("FULFILLED", "CANCELLED")
    },
}
COLUMNS: tuple[tuple[str, tuple[EventType, ...], Shipment | None], ...] = (
    ("accepted", (EventType.ACCEPTED,), None),
    ("shipped, lines left", (EventType.SHIPPED,), NEW),
    ("shipped, the last", (EventType.SHIPPED,), LAST),
    ("closed, refused, cancelled", tuple(sorted(ENDS)), None),
    ("cancel_refused", (EventType.CANCEL_REFUSED,), None),
)
CELLS = [
    pytest.param(changes, deliveries, event, shipment, cell, id=f"{age} delivery: {name}: {column}: {event}")
    for age, deliveries, rows in (("same", 1, SAME), ("older", 2, OLDER))
    for name, (changes, *cells) in rows.items()
    for (column, events, shipment), cell in zip(COLUMNS, cells, strict=True)
    for event in events
]


def order_in(changes: dict[str, Any], delivery: int = 1) -> Order:
    return replace(
        RECEIVED,
        **{"asked": 1, "cancel_asked": 1, "delivery": delivery, **changes, "status": Status(changes["status"])},
    )


def event_of(type_: EventType, shipment: Shipment | None = None, delivery: int = 1) -> Event:
    return Event(type_, "ord_1", delivery, shipment)


@pytest.mark.parametrize(("changes", "delivery", "type_", "shipment", "cell"), CELLS)
def test_a_cell_of_the_matrix(changes, delivery, type_, shipment, cell):
    order = order_in(changes, delivery)
    decision = after_event(order, event_of(type_, shipment), START)
    if isinstance(cell, Verdict):
        assert (decision.verdict, decision.outcome, decision.is_unexpected) == (cell, None, False)
        return
    transition, unexpected = cell
    assert (decision.verdict, decision.outcome.transition) == (Verdict.TAKEN, transition)
    assert decision.is_unexpected is unexpected
    if shipment:
        assert decision.outcome.values["shipments"] == (shipment,)
        assert decision.outcome.values["parcels"] == 1


@pytest.mark.parametrize("changes", [changes for changes, *_ in SAME.values()], ids=SAME)
def test_a_known_parcel_changes_nothing_in_any_state(changes):
    order = replace(order_in(changes), shipments=(NEW,), parcels=1)
    assert after_event(order, event_of(EventType.SHIPPED, NEW), START).verdict is Verdict.REPEATED


@pytest.mark.parametrize("type_", EventType)
@pytest.mark.parametrize("status", Status)
def test_a_delivery_that_was_never_asked_for_is_unknown(status, type_):
    shipment = replace(NEW, delivery=2) if type_ is EventType.SHIPPED else None
    decision = after_event(order_in({"status": status}), event_of(type_, shipment, 2), START)
    assert decision.verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("asked", [0, 1])
@pytest.mark.parametrize("status", ["PENDING", "AT_WAREHOUSE", "FAILED", "PARTLY_FULFILLED"])
def test_the_lines_that_a_delivery_asks_for_change_only_before_it_was_asked_for(status, asked):
    order = order_in({"status": status, "asked": asked, "lines": ((2, 1),)}, delivery=2)
    outcome = after_event(order, event_of(EventType.SHIPPED, NEW), START).outcome
    assert outcome.values["lines"] == (((2, 1),) if asked else ((1, 1), (2, 1)))


@pytest.mark.parametrize(
    ("status", "asked", "delivery", "cancels"),
    [
        ("PENDING", 1, 2, True),
        ("AT_WAREHOUSE", 1, 2, True),
        ("PENDING", 0, 2, False),
        ("AT_WAREHOUSE", 1, 1, False),
        ("FAILED", 1, 2, False),
    ],
)
def test_the_present_delivery_of_an_open_order_is_cancelled_if_an_older_one_ships(status, asked, delivery, cancels):
    order = order_in({"status": status, "asked": asked}, delivery)
    for shipment in (NEW, LAST):
        assert after_event(order, event_of(EventType.SHIPPED, shipment), START).cancels is cancels


@pytest.mark.parametrize(("known", "shipped", "unexpected"), [(0, 3, True), (0, 2, False), (2, 1, True), (1, 1, False)])
def test_more_than_was_ordered_is_unexpected(known, shipped, unexpected):
    order = order_in({"status": "AT_WAREHOUSE"})
    if known:
        order = replace(order, shipments=(replace(NEW, id="known", lines=((1, known),)),), parcels=1)
    shipment = replace(NEW, lines=((1, shipped),))
    assert after_event(order, event_of(EventType.SHIPPED, shipment), START).is_unexpected is unexpected


def test_the_reason_says_that_a_parcel_belongs_to_an_older_delivery():
    order, event = order_in({"status": "AT_WAREHOUSE"}, 2), event_of(EventType.SHIPPED, NEW)
    assert after_event(order, event, START).outcome.reason == "the warehouse shipped a parcel of an older delivery"


def test_a_refused_cancellation_keeps_the_reason_of_the_warehouse():
    event = replace(event_of(EventType.CANCEL_REFUSED), reason="already packed")
    outcome = after_event(order_in({"status": "AT_WAREHOUSE"}), event, START).outcome
    assert outcome.reason == "the warehouse does not cancel it: already packed"


@pytest.mark.parametrize("status", sorted(OPEN - {Status.RECEIVED, Status.PROCESSING}))
def test_a_cancellation_that_nobody_asked_for_cannot_be_refused(status):
    order = order_in({"status": status, "cancel_asked": 0})
    assert after_event(order, event_of(EventType.CANCEL_REFUSED), START).verdict is Verdict.IGNORED


def test_an_order_takes_no_more_than_fifty_parcels():
    full = tuple(replace(NEW, id=f"s{number:02}") for number in range(50))
    order = replace(order_in({"status": "AT_WAREHOUSE"}), shipments=full, parcels=50)
    with pytest.raises(TooManyShipments):
        after_event(order, event_of(EventType.SHIPPED, NEW), START)


def test_the_matrix_has_every_state():
    assert {Status(changes["status"]) for changes, *_ in SAME.values()} == set(Status)
    assert {type_ for _, types, _ in COLUMNS for type_ in types} == PRESENT == set(EventType)
