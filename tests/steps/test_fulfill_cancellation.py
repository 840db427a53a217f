"""An attempt at an order that is to be cancelled: the warehouse is asked to cancel it before it is asked to ship it."""

from dataclasses import replace

import pytest

from service.orders.deliveries import Deliveries
from service.orders.lifecycle import Status
from service.orders.warehouse import Answer, State
from tests.steps.doubles import DONE, PARCEL, Scripted, deliver, later, message, pending, processing
from tests.support import MemorySystem
from tests.warehouse_answers import CANCELLED, CANCELLING, TOO_LATE


@pytest.fixture
def system() -> MemorySystem:
    """An order whose attempts had no answer, like the request to cancel it."""
    system = MemorySystem()
    system.fulfiller = Scripted(TimeoutError(), cancels=TimeoutError())
    return system


def ask_to_cancel(system: MemorySystem, attempts: int = 1) -> None:
    pending(system)
    for _ in range(attempts):
        deliver(system, message("ord_1"))
    assert Deliveries(system).cancel("ord_1", "customer", "no longer needed").cancel_asked


@pytest.mark.parametrize("attempts", [1, 2])
def test_an_order_is_cancelled_and_not_shipped_although_the_first_request_was_lost(system, attempts):
    ask_to_cancel(system, attempts)
    system.fulfiller = Scripted(DONE, cancels=CANCELLED)
    assert deliver(system, message("ord_1")) == []
    assert (system.store.get("ord_1").status, system.fulfiller.asked) == (Status.CANCELLED, [])


def test_an_order_whose_rest_is_cancelled_is_logged_as_partly_fulfilled(system, caplog):
    ask_to_cancel(system)
    system.fulfiller = Scripted(DONE, cancels=replace(CANCELLED, shipments=(PARCEL,)))
    assert deliver(system, message("ord_1")) == []
    assert (system.store.get("ord_1").status, system.fulfiller.asked) == (Status.PARTLY_FULFILLED, [])
    assert "order ord_1: PARTLY_FULFILLED, the warehouse has cancelled it" in caplog.text


def test_an_order_whose_attempt_never_ended_is_cancelled_likewise(system):
    processing(system)
    Deliveries(system).cancel("ord_1", "customer", "no longer needed")
    later(system, system.policy.lease)
    system.fulfiller = Scripted(DONE, cancels=CANCELLED)
    assert deliver(system, message("ord_1")) == []
    assert (system.store.get("ord_1").status, system.fulfiller.asked) == (Status.CANCELLED, [])


@pytest.mark.parametrize(("looks", "attempts"), [(DONE, 1), (Answer(State.ACCEPTED), 2)])
def test_an_order_that_the_warehouse_does_not_cancel_is_attempted_unless_it_was_shipped(system, looks, attempts):
    ask_to_cancel(system)
    system.fulfiller = Scripted(DONE, cancels=TOO_LATE, looks=looks)
    assert deliver(system, message("ord_1")) == []
    order = system.store.get("ord_1")
    assert (order.status, order.attempts, order.cancel_asked) == (Status.FULFILLED, attempts, 0)


@pytest.mark.parametrize("cancels", [TimeoutError(), CANCELLING])
def test_an_attempt_follows_a_cancellation_without_an_answer(system, cancels):
    ask_to_cancel(system)
    system.fulfiller = Scripted(TimeoutError(), cancels=cancels)
    assert deliver(system, message("ord_1")) == ["m1"]
    order = system.store.get("ord_1")
    assert (order.status, order.attempts, order.cancel_asked) == (Status.PENDING, 2, 1)


def test_an_order_that_was_not_asked_to_be_cancelled_is_not(system):
    pending(system)
    deliver(system, message("ord_1"))
    system.fulfiller = Scripted(DONE, cancels=CANCELLED)
    deliver(system, message("ord_1"))
    assert system.store.get("ord_1").status is Status.FULFILLED
