"""Events of the warehouse move orders, whatever else moves them at the same time."""

import logging
from dataclasses import replace

import pytest

from service.orders.callbacks import Event, EventType, Verdict
from service.orders.deliveries import Deliveries
from service.orders.lifecycle import Status
from service.orders.mover import Mover
from service.orders.orders import Orders
from service.orders.ports import TransitionRefused
from service.orders.shipments import Shipment
from service.orders.warehouse import Answer, State
from service.orders.warehouse_events import WarehouseEvents
from tests.steps.doubles import (
    CLOSED,
    DONE,
    IN_WORK,
    PARCEL,
    PatchedStore,
    Scripted,
    deliver,
    message,
    pending,
    processing,
    standing,
)
from tests.support import MemorySystem

REST = replace(PARCEL, id="s2")
UNEXPECTED = ("UnexpectedParcels",)


@pytest.fixture
def system():
    return MemorySystem(fulfiller=Scripted(IN_WORK, looks=IN_WORK))


def take(system: MemorySystem, type_: EventType, shipment: Shipment | None = None, delivery: int = 1) -> Verdict:
    order = system.store.get("ord_1")
    return WarehouseEvents(system).take(Event(type_, "ord_1", delivery, shipment), order)


def test_two_parcels_fulfill_an_order(system):
    standing(Status.AT_WAREHOUSE, system)
    assert take(system, EventType.SHIPPED, PARCEL) is Verdict.TAKEN
    order = system.store.get("ord_1")
    assert (order.status, order.shipments, order.parcels) == (Status.AT_WAREHOUSE, (PARCEL,), 1)
    assert take(system, EventType.SHIPPED, REST) is Verdict.TAKEN
    order = system.store.get("ord_1")
    assert (order.status, order.shipments, order.parcels) == (Status.FULFILLED, (PARCEL, REST), 2)
    last = order.timeline[-1]
    assert (last.actor, last.reason) == ("warehouse", "the warehouse shipped a parcel; it was the last one")
    assert system.metrics.counts["OrdersFulfilled",] == 1


def test_a_repeated_parcel_writes_nothing(system):
    standing(Status.AT_WAREHOUSE, system)
    take(system, EventType.SHIPPED, PARCEL)
    before = system.store.get("ord_1")
    assert take(system, EventType.SHIPPED, PARCEL) is Verdict.REPEATED
    assert system.store.get("ord_1") == before


def test_a_parcel_that_comes_before_our_own_write_is_sent_again(system):
    processing(system)
    assert take(system, EventType.SHIPPED, PARCEL) is Verdict.TOO_EARLY
    assert system.store.get("ord_1").shipments == ()


@pytest.mark.parametrize("changes", [1, 2, 3])
def test_a_parcel_is_decided_again_if_the_order_changes_meanwhile(system, changes):
    standing(Status.AT_WAREHOUSE, system)
    seen = system.store.get("ord_1")
    system.store = ChangingStore(system, changes)
    verdict = WarehouseEvents(system).take(Event(EventType.SHIPPED, "ord_1", 1, PARCEL), seen)
    assert verdict is (Verdict.TOO_EARLY if changes == 3 else Verdict.TAKEN)
    assert system.store.get("ord_1").shipments == (() if changes == 3 else (PARCEL,))


class ChangingStore:
    """A store in which another writer comes first, so many times."""

    def __init__(self, system: MemorySystem, changes: int) -> None:
        self._system, self._store, self._changes = system, system.store, changes

    def __getattr__(self, name):
        return getattr(self._store, name)

    def apply(self, write):
        if write.name == "ship" and self._changes:
            self._changes -= 1
            Mover(replace(self._system, store=self._store)).move(
                "look", "ord_1", actor="reconciler", seen=self._store.get("ord_1")
            )
        return self._store.apply(write)


@pytest.mark.parametrize("type_", [EventType.CLOSED, EventType.REFUSED, EventType.CANCELLED])
def test_an_end_is_written_from_a_look_which_has_all_parcels(system, type_):
    standing(Status.AT_WAREHOUSE, system)
    system.fulfiller.looks = CLOSED
    assert take(system, type_) is Verdict.LOOK
    order, failed = system.store.get("ord_1"), system.store.get_failed("ord_1")
    assert (order.status, order.shipments) == (Status.PARTLY_FULFILLED, (PARCEL,))
    assert (order.delivery, order.asked, order.lines) == (2, 0, ((1, 1),))
    assert (failed.kind, failed.detail) == ("closed", "sold out")
    assert order.timeline[-1].actor == "warehouse"


@pytest.mark.parametrize("looks", [TimeoutError(), Answer(State.NOT_TAKEN)])
def test_an_end_is_sent_again_if_the_look_has_no_usable_answer(system, looks):
    standing(Status.AT_WAREHOUSE, system)
    system.fulfiller.looks = looks
    assert take(system, EventType.CLOSED) is Verdict.TOO_EARLY
    assert system.store.get("ord_1").status is Status.AT_WAREHOUSE


def test_an_accepted_order_whose_answer_was_lost_is_at_the_warehouse_by_a_look(system):
    pending(system)
    system.fulfiller = Scripted(TimeoutError(), looks=IN_WORK)
    deliver(system, message("ord_1"))
    assert take(system, EventType.ACCEPTED) is Verdict.LOOK
    assert system.store.get("ord_1").status is Status.AT_WAREHOUSE


def test_a_refused_cancellation_is_no_longer_asked_for(system):
    standing(Status.AT_WAREHOUSE, system)
    system.fulfiller.cancels = Answer(State.CANCELLING)
    assert Deliveries(system).cancel("ord_1", "customer", "changed my mind").cancel_asked
    assert take(system, EventType.CANCEL_REFUSED) is Verdict.TAKEN
    order = system.store.get("ord_1")
    assert (order.status, order.cancel_asked) == (Status.AT_WAREHOUSE, 0)
    assert order.timeline[-1].reason == "the warehouse does not cancel it"


def test_a_parcel_of_a_cancelled_order_is_recorded_with_an_alarm(system, caplog):
    standing(Status.CANCELLED, system)
    with caplog.at_level(logging.ERROR):
        assert take(system, EventType.SHIPPED, PARCEL) is Verdict.TAKEN
    order = system.store.get("ord_1")
    assert (order.status, order.shipments) == (Status.CANCELLED, (PARCEL,))
    assert system.metrics.counts[UNEXPECTED] == 1
    assert [record.order_id for record in caplog.records] == ["ord_1"]


def test_the_late_word_for_a_failed_order_is_recorded(system):
    pending(system)
    system.fulfiller = Scripted(TimeoutError(), looks=TimeoutError())
    for _ in range(4):
        deliver(system, message("ord_1"))
    failed = system.store.get_failed("ord_1")
    assert take(system, EventType.SHIPPED, PARCEL) is Verdict.TAKEN
    assert system.store.get("ord_1").status is Status.PARTLY_FULFILLED
    assert system.store.get_failed("ord_1") == failed, "the rest is still to be decided"
    assert take(system, EventType.SHIPPED, REST) is Verdict.TAKEN
    assert system.store.get("ord_1").status is Status.FULFILLED
    assert system.store.get_failed("ord_1") is None
    assert system.metrics.counts[UNEXPECTED] == 0


def test_a_parcel_of_an_older_delivery_cancels_the_present_one(system, caplog):
    """The warehouse declined the first delivery, and shipped it."""
    pending(system)
    system.fulfiller = Scripted(Answer(State.DECLINED), IN_WORK)
    deliver(system, message("ord_1"))
    deliver(system, message("ord_1"))
    assert system.store.get("ord_1").delivery == 2
    cancelled = []
    system.fulfiller.cancel = lambda order, _: cancelled.append(order.delivery_key) or Answer(State.CANCELLING)
    assert take(system, EventType.SHIPPED, PARCEL) is Verdict.TAKEN
    assert cancelled == ["ord_1-d2"]
    assert system.metrics.counts[UNEXPECTED] == 1
    assert "(delivery 1)" in caplog.messages[-1]


@pytest.mark.parametrize("shipment", [PARCEL, replace(PARCEL, lines=((1, 2),))], ids=["some", "all"])
def test_an_unexpected_parcel_is_reported_even_if_the_process_dies_after_the_write(system, shipment):
    """The event comes again then, and is a repeat."""
    pending(system)
    real = system.store

    def die_after_the_write(store, write):
        store.apply(write)
        raise ConnectionError("the process died")

    system.store = PatchedStore(real, apply=die_after_the_write)
    with pytest.raises(ConnectionError):
        take(system, EventType.SHIPPED, shipment)
    system.store = real
    assert take(system, EventType.SHIPPED, shipment) is Verdict.REPEATED
    assert system.metrics.counts[UNEXPECTED] == 1


def test_a_parcel_is_recorded_even_if_the_present_delivery_cannot_be_cancelled(system):
    pending(system)
    system.fulfiller = Scripted(Answer(State.DECLINED), IN_WORK, cancels=TimeoutError())
    deliver(system, message("ord_1"))
    deliver(system, message("ord_1"))
    assert take(system, EventType.SHIPPED, PARCEL) is Verdict.TAKEN
    assert system.store.get("ord_1").shipments == (PARCEL,)


def test_an_event_of_an_order_that_is_gone_is_unknown(system):
    standing(Status.AT_WAREHOUSE, system)
    order = system.store.get("ord_1")
    real = system.store
    system.store = PatchedStore(real, apply=lambda store, write: refuse(write))
    assert WarehouseEvents(system).take(Event(EventType.SHIPPED, "ord_1", 1, PARCEL), order) is Verdict.UNKNOWN


def refuse(write):
    raise TransitionRefused(write, None)


def test_a_redrive_of_a_part_asks_for_the_rest_only(system):
    standing(Status.PARTLY_FULFILLED, system)
    Orders(system).redrive("ord_1", "operator:jo", "in stock again")
    asked = []
    system.fulfiller = Scripted(DONE)
    system.fulfiller.ask = lambda order, _: asked.append((order.delivery_key, order.lines)) or DONE
    deliver(system, message("ord_1"))
    order = system.store.get("ord_1")
    assert asked == [("ord_1-d2", ((1, 1),))]
    assert order.status is Status.FULFILLED
    assert [(each.delivery, each.id, each.lines) for each in order.shipments] == [
        (1, "s1", ((1, 1),)),
        (2, "*", ((1, 1),)),
    ]
    assert system.store.get_failed("ord_1") is None


def test_an_unnamed_rest_of_a_delivery_does_not_count_the_known_parcel_again(system):
    pending(system)
    system.fulfiller = Scripted(TimeoutError(), DONE)
    deliver(system, message("ord_1"))
    assert take(system, EventType.SHIPPED, PARCEL) is Verdict.TAKEN
    deliver(system, message("ord_1"))
    order = system.store.get("ord_1")
    assert (order.status, [(each.id, each.lines) for each in order.shipments]) == (
        Status.FULFILLED,
        [("*", ((1, 1),)), ("s1", ((1, 1),))],
    )
    assert system.metrics.counts[UNEXPECTED] == 0


@pytest.mark.parametrize("looks", [ConnectionError(), Answer(State.NOT_TAKEN), IN_WORK], ids=str)
def test_an_event_whose_look_has_no_news_does_not_put_off_the_next_look(looks, system):
    before = standing(Status.AT_WAREHOUSE, system)
    system.fulfiller.looks = looks
    take(system, EventType.CLOSED)
    assert system.store.get("ord_1") == before
