"""The reconciler asks the warehouse: to cancel an order again, and about a failed order that may have been shipped."""

from dataclasses import replace
from datetime import timedelta

import pytest

from service.orders.brake import Brake
from service.orders.deliveries import Deliveries
from service.orders.lifecycle import Status
from service.orders.model import FailureKind
from service.orders.warehouse import Answer, State
from tests.steps.doubles import (
    DONE,
    NOT_FOUND,
    PARCEL,
    Scripted,
    deliver,
    later,
    message,
    pending,
    processing,
    reconcile,
)
from tests.support import SETTINGS, MemorySystem
from tests.warehouse_answers import CANCELLED, CANCELLING, TOO_LATE

POLICY = SETTINGS.policy
LOST = TimeoutError("no answer")


@pytest.fixture
def system():
    return MemorySystem(fulfiller=Scripted(LOST, looks=LOST, cancels=LOST))


def ask_to_cancel(system):
    """A PENDING order that was asked for without an answer, and a cancellation that had none either."""
    pending(system)
    deliver(system, message("ord_1"))
    Deliveries(system).cancel("ord_1", "customer", "no longer needed")
    assert system.store.get("ord_1").cancel_asked == 1
    later(system, POLICY.resend_after)


def fail(system, looks):
    """A FAILED order that the warehouse may have."""
    system.fulfiller.looks = looks
    processing(system, attempts=3)
    later(system, POLICY.recover_after)
    assert reconcile(system) == {"gave_up": 1}


def test_a_cancellation_without_an_answer_is_asked_for_again(system):
    ask_to_cancel(system)
    system.fulfiller.cancels = CANCELLED
    assert reconcile(system) == {"looked": 1}
    order = system.store.get("ord_1")
    assert (order.status, order.timeline[-1].actor) == (Status.CANCELLED, "reconciler")
    assert system.queue.sent == []


@pytest.mark.parametrize("answer", [CANCELLING, LOST])
def test_an_order_whose_cancellation_has_no_answer_yet_is_sent_again(answer, system):
    """Its next attempt gets the warehouse's answer."""
    ask_to_cancel(system)
    system.fulfiller.cancels = answer
    assert reconcile(system) == {"resent": 1}
    order = system.store.get("ord_1")
    assert (order.status, order.cancel_asked, system.queue.sent) == (Status.PENDING, 1, ["ord_1"])


@pytest.mark.parametrize("backoff", [0, 20])
def test_a_cancellation_is_asked_for_again_whatever_the_backoff_of_its_order(backoff, system):
    ask_to_cancel(system)
    system.store.orders["ord_1"] = replace(system.store.get("ord_1"), resends=backoff)
    system.fulfiller.cancels = CANCELLED
    assert reconcile(system) == {"looked": 1}


def test_a_cancellation_that_comes_too_late_leaves_the_order_to_its_next_attempt(system):
    ask_to_cancel(system)
    system.fulfiller.cancels, system.fulfiller.looks = TOO_LATE, Answer(State.ACCEPTED)
    assert reconcile(system) == {"moved_on": 1}
    order = system.store.get("ord_1")
    assert (order.status, order.cancel_asked) == (Status.PENDING, 0)
    later(system, POLICY.resend_after)
    assert reconcile(system) == {"resent": 1}


def test_an_order_that_was_shipped_before_its_cancellation_is_fulfilled(system):
    ask_to_cancel(system)
    system.fulfiller.cancels, system.fulfiller.looks = TOO_LATE, DONE
    assert reconcile(system) == {"moved_on": 1}
    assert system.store.get("ord_1").status is Status.FULFILLED


@pytest.mark.parametrize("kind", [FailureKind.UNKNOWN, FailureKind.ABANDONED])
def test_a_failed_order_that_may_have_been_shipped_is_looked_at(kind, system):
    fail(system, LOST if kind is FailureKind.UNKNOWN else NOT_FOUND)
    assert system.store.get_failed("ord_1").kind is kind
    assert system.metrics.counts["OrdersFailedAtWarehouse",] == 0
    system.fulfiller.looks = DONE
    later(system, POLICY.recover_after)
    assert reconcile(system) == {"looked": 1}
    assert system.store.get("ord_1").status is Status.FULFILLED


def test_a_failed_order_whose_cancellation_comes_too_late_is_looked_at(system):
    ask_to_cancel(system)
    system.store.orders["ord_1"] = replace(system.store.get("ord_1"), attempts=3)
    assert reconcile(system) == {"gave_up": 1}
    system.fulfiller.cancels, system.fulfiller.looks = TOO_LATE, DONE
    later(system, POLICY.recover_after)
    assert reconcile(system) == {"looked": 1}
    assert system.store.get("ord_1").status is Status.FULFILLED


def test_an_order_with_a_parcel_and_without_an_answer_is_given_up(system):
    processing(system, attempts=3)
    system.store.orders["ord_1"] = replace(system.store.get("ord_1"), shipments=(PARCEL,), parcels=1)
    later(system, POLICY.recover_after)
    assert reconcile(system) == {"gave_up": 1}
    assert system.store.get("ord_1").status is Status.PARTLY_FULFILLED


def test_looks_at_a_failed_order_have_backoff(system):
    fail(system, LOST)
    for times in range(4):
        system.now.forward(min(POLICY.recover_after * 2**times, POLICY.backoff_ceiling).total_seconds())
        assert reconcile(system) == {}
        system.now.forward(0.001)
        assert reconcile(system) == {"looked": 1}
    assert system.store.get("ord_1").looks == 4


def test_a_failed_order_of_a_version_without_deliveries_is_not_looked_at(system):
    """Nobody can ask the warehouse about it: that version sent no delivery key."""
    fail(system, NOT_FOUND)
    system.store.orders["ord_1"] = replace(system.store.get("ord_1"), asked=0)
    later(system, timedelta(days=1))
    assert reconcile(system) == {}


def test_a_look_under_the_brake_does_not_use_up_the_probe(system):
    processing(system, "ord_spent", attempts=3)
    later(system, POLICY.recover_after)
    system.settings = replace(SETTINGS, max_attempts=4)
    assert reconcile(system) == {"recovered": 1}
    system.settings = SETTINGS
    system.queue.sent.clear()
    system.now.forward(1)
    pending(system, "ord_waits")
    system.fulfiller.looks = Answer(State.NOT_TAKEN)
    system.brake.row = Brake(refusals=3, since=system.now(), probe_at=system.now(), version=1)
    system.now.forward(1)
    assert reconcile(system) == {"looked": 1, "resent": 1}
    assert system.queue.sent == ["ord_waits"]
