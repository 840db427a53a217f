"""Mutations of the rules about parcels, callbacks and looks. They are caught in the profile ``warehouse``."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from service.orders import callbacks, deliveries, orders, outcomes, warehouse_events
from service.orders.callbacks import ENDS, Decision, Event, Verdict, after_event
from service.orders.lifecycle import NOT_ASKED, VERSION_SEEN, Transition
from service.orders.lines import left
from service.orders.model import Failure, FailureKind, Order
from service.orders.orders import Orders
from service.orders.outcomes import after_look, give_up
from service.orders.transitions import TRANSITIONS
from service.orders.warehouse import Answer, State
from service.orders.warehouse_events import WarehouseEvents

Patches = Callable[[], list[Any]]


def rows(change: Callable[[Transition], Transition], *names: str) -> list[Any]:
    """Change some rows of the transition table."""
    return [patch.dict(TRANSITIONS, {name: change(TRANSITIONS[name]) for name in names})]  # type: ignore[index,misc]


def quantities_added_twice() -> list[Any]:
    """A parcel that is reported again is another parcel."""

    def merge(known: tuple[Any, ...], reported: Any) -> tuple[Any, ...]:
        return (*known, *reported)

    return [patch.object(module, "merge", merge) for module in (callbacks, outcomes)]


def unguarded_callbacks() -> list[Any]:
    """A parcel is written whatever was written since the order was read."""

    def unguarded(row: Transition) -> Transition:
        return replace(row, guards=tuple(each for each in row.guards if each != VERSION_SEEN))

    return rows(unguarded, "ship", "ship_last", "ship_late", "ship_late_last", "ship_contradiction")


def old_callbacks_taken() -> list[Any]:
    """An event of an older delivery is taken as one of the present delivery."""

    def decide(order: Order, event: Event, now: Any) -> Decision:
        shipment = event.shipment and replace(event.shipment, delivery=order.delivery)
        return after_event(order, replace(event, delivery=order.delivery, shipment=shipment), now)

    return [patch.object(warehouse_events, "after_event", decide)]


def parcels_overwritten() -> list[Any]:
    """A look replaces the parcels of the row by those of the answer."""

    def decide(order: Order, *args: Any) -> Any:
        return after_look(replace(order, shipments=(), parcels=0), *args)

    return [patch.object(deliveries, "after_look", decide)]


def cancelled_without_a_question() -> list[Any]:
    """An order is cancelled without a question to the warehouse, which may have it."""

    def unasked(row: Transition) -> Transition:
        return replace(row, guards=tuple(each for each in row.guards if each != NOT_ASKED))

    return rows(unasked, "cancel")


def overdue_fails() -> list[Any]:
    """An order that is overdue at the warehouse fails."""
    check = Orders._check

    def fail_overdue(self: Orders, order: Order, seconds: float) -> tuple[str, Order]:
        if order.due_at is None or order.due_at >= self._system.now():
            return check(self, order, seconds)
        outcome = give_up(order, Failure(FailureKind.UNKNOWN, "overdue"), self._system.policy.max_attempts)
        return "gave_up", self._deliveries._apply(outcome, order, orders.RECONCILER)

    return [patch.object(Orders, "_check", fail_overdue)]


def ends_without_a_look() -> list[Any]:
    """The end of a delivery is written from the callback, which has no parcels."""
    act = WarehouseEvents._act

    def end(self: WarehouseEvents, decision: Decision, event: Event, order: Order) -> Verdict:
        if decision.verdict is not Verdict.LOOK or event.type not in ENDS:
            return act(self, decision, event, order)
        self._deliveries._apply_look(order, Answer(State(event.type)), deliveries.WAREHOUSE)
        return Verdict.TAKEN

    return [patch.object(WarehouseEvents, "_act", end)]


def lines_recomputed() -> list[Any]:
    """A parcel changes the lines of a delivery that was asked for."""

    def decide(order: Order, event: Event, now: Any) -> Decision:
        decision = after_event(order, event, now)
        if decision.outcome and "lines" in decision.outcome.values:
            decision.outcome.values["lines"] = left(order, decision.outcome.values["shipments"])
        return decision

    return [patch.object(warehouse_events, "after_event", decide)]


def no_failed_row() -> list[Any]:
    """An order of which a part was shipped has no row of failed orders."""
    return rows(lambda row: replace(row, failed_orders=None), "close_short", "look_closed")


def everything_again() -> list[Any]:
    """The next delivery asks for all lines of the order."""

    def next_delivery(order: Order, _: Any) -> dict[str, Any]:
        return {"delivery": order.delivery + 1, "lines": ()}

    return [patch.object(module, "next_delivery", next_delivery) for module in (outcomes, orders)]


def nobody_looks_there() -> list[Any]:
    """Nobody looks at an order that is at the warehouse."""
    return [patch.object(Orders, "_check", lambda _, order, __: ("checked", order))]


def no_alarm() -> list[Any]:
    """An unexpected parcel raises no alarm."""

    def decide(order: Order, event: Event, now: Any) -> Decision:
        return replace(after_event(order, event, now), is_unexpected=False)

    return [patch.object(warehouse_events, "after_event", decide)]


PARCEL_MUTATIONS: tuple[tuple[str, str, Patches], ...] = (
    ("a parcel is added twice", "I14", quantities_added_twice),
    ("a callback does not need the version it has seen", "I14", unguarded_callbacks),
    ("a callback of an old delivery is one of the present", "I14", old_callbacks_taken),
    ("a look overwrites the parcels", "I14", parcels_overwritten),
    ("an order at the warehouse is cancelled unasked", "I19", cancelled_without_a_question),
    ("an overdue order fails", "I4", overdue_fails),
    ("an end is written from the callback alone", "I18", ends_without_a_look),
    ("the lines of a delivery that was asked for change", "I5", lines_recomputed),
    ("PARTLY_FULFILLED without a failed-orders row", "I2", no_failed_row),
    ("the next delivery asks for everything", "I15", everything_again),
    ("nobody looks at an order at the warehouse", "I1", nobody_looks_there),
    ("an unexpected parcel raises no alarm", "I14", no_alarm),
)
"""Name, invariant, and patches of each mutation."""
