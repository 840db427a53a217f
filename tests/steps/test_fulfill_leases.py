"""Several deliveries of one order: only the lease owner may write, and attempts that never end are given up."""

from dataclasses import replace
from threading import Event

import pytest

from service.orders.deliveries import Deliveries
from service.orders.lifecycle import Status
from service.orders.model import FailureKind
from service.orders.orders import Orders
from service.orders.ports import TransitionRefused
from service.orders.warehouse import Answer, State
from tests.polling import PATIENCE
from tests.steps.doubles import (
    CLOSED,
    DECLINED,
    DONE,
    REFUSED,
    CallbackFulfiller,
    PatchedStore,
    Scripted,
    deliver,
    later,
    message,
    pending,
    processing,
    reconcile,
)
from tests.support import MemorySystem


@pytest.fixture
def system():
    system = MemorySystem()
    system.fulfiller = Scripted(DONE)
    return system


def test_a_leased_order_cannot_be_claimed(system):
    held = processing(system)
    assert deliver(system, message("ord_1")) == ["m1"]
    system.now.at = held.lease_until  # the last instant of the lease
    assert deliver(system, message("ord_1")) == ["m1"]
    assert (system.store.get("ord_1"), system.fulfiller.asked) == (held, [])


def test_an_expired_lease_is_taken_over_and_costs_another_attempt(system):
    held = processing(system)
    later(system, system.policy.lease)
    assert deliver(system, message("ord_1")) == []
    order = system.store.get("ord_1")
    assert (order.status, order.attempts) == (Status.FULFILLED, 2)
    assert order.lease_owner != held.lease_owner


def test_every_claim_has_a_different_lease_owner(system):
    owners = {processing(system, f"ord_{number}").lease_owner for number in range(5)}
    assert len(owners) == 5


@pytest.mark.parametrize("outcome", [DONE, DECLINED, REFUSED, RuntimeError("late")])
def test_the_outcome_of_an_attempt_without_its_lease_is_not_stored(outcome, system):
    pending(system)
    taken = []

    def take_over(_order):
        later(system, system.policy.lease)
        taken.append(Deliveries(system).claim("ord_1"))

    system.fulfiller = CallbackFulfiller(take_over, outcome)
    assert deliver(system, message("ord_1")) == ["m1"]
    assert system.store.get("ord_1") == taken[0]
    assert system.store.failures == {}


@pytest.mark.parametrize("outcome", [DONE, DECLINED, REFUSED])
def test_the_outcome_of_a_recovered_attempt_is_not_stored(outcome, system):
    """The order is PENDING again, and the late outcome of its earlier attempt changes nothing."""
    pending(system)

    def recover(_order):
        later(system, system.policy.recover_after)
        assert reconcile(system) == {"recovered": 1}

    system.fulfiller = CallbackFulfiller(recover, outcome)
    assert deliver(system, message("ord_1")) == ["m1"]
    order = system.store.get("ord_1")
    assert (order.status, order.timeline[-1].actor) == (Status.PENDING, "reconciler")
    assert system.queue.sent == ["ord_1"]


def test_the_same_order_twice_in_one_batch_is_attempted_once(system):
    pending(system)
    refused = Event()

    def note_refusals(store, write):
        try:
            return store.apply(write)
        except TransitionRefused:
            refused.set()
            raise

    system.store = PatchedStore(system.store, apply=note_refusals)
    system.fulfiller = CallbackFulfiller(lambda order: refused.wait(PATIENCE))
    reported = deliver(system, message("ord_1"), message("ord_1"))
    assert reported in (["m1"], ["m2"])
    order = system.store.get("ord_1")
    assert (order.status, order.attempts) == (Status.FULFILLED, 1)
    assert deliver(system, message("ord_1")) == []  # the redelivered second message


def test_a_late_delivery_gives_up_an_order_whose_last_attempt_never_ended(system):
    processing(system, attempts=3)
    later(system, system.policy.lease)
    assert deliver(system, message("ord_1")) == ["m1"]
    order, row = system.store.get("ord_1"), system.store.get_failed("ord_1")
    assert (order.status, order.attempts, order.timeline[-1].actor) == (Status.FAILED, 3, "fulfillment")
    assert (row.kind, row.attempts, row.failed_at) == (FailureKind.ABANDONED, 3, system.now())
    assert row.detail == "attempt 3 of 3 never ended, and the warehouse does not have it"
    assert row.message_id == "m1", "a redrive uses it to keep the dead-letter message of a later failure"
    assert system.fulfiller.asked == []


def test_a_late_delivery_gives_up_a_pending_order_without_attempts_left(system):
    """As after an operator lowered the number of attempts."""
    pending(system)
    system.fulfiller = Scripted(DECLINED)
    assert [deliver(system, message("ord_1")) for _ in range(2)] == [["m1"]] * 2
    assert system.store.get("ord_1").status is Status.PENDING
    system.settings = replace(system.settings, max_attempts=2)
    assert deliver(system, message("ord_1")) == ["m1"]
    assert system.store.get("ord_1").status is Status.FAILED
    assert system.store.get_failed("ord_1").kind is FailureKind.ERROR
    assert len(system.fulfiller.asked) == 2


def test_a_leased_order_in_its_last_attempt_is_not_given_up(system):
    held = processing(system, attempts=3)
    assert deliver(system, message("ord_1")) == ["m1"]
    assert (system.store.get("ord_1"), system.store.failures) == (held, {})


def test_two_late_deliveries_give_an_order_up_once(system):
    processing(system, attempts=3)
    later(system, system.policy.lease)
    assert deliver(system, message("ord_1"), message("ord_1")) == ["m1", "m2"]
    timeline = system.store.get("ord_1").timeline
    assert [entry.target for entry in timeline].count(Status.FAILED) == 1


def test_an_order_that_changed_after_the_read_is_not_given_up(system):
    """An operator could have redriven it in the meantime."""
    processing(system, attempts=3)
    later(system, system.policy.lease)
    real = system.store
    other = MemorySystem(store=real, now=system.now, new_id=lambda: "another write", fulfiller=system.fulfiller)

    def give_up_first(store, write):
        if write.name == "give_up":
            Deliveries(other).look(store.get("ord_1"), 1, "reconciler")
        return store.apply(write)

    system.store = PatchedStore(real, apply=give_up_first)
    assert deliver(system, message("ord_1")) == ["m1"]
    assert real.get("ord_1").timeline[-1].actor == "reconciler"


def test_redeliveries_never_cause_more_than_the_maximum_of_attempts(system):
    pending(system)
    system.fulfiller = Scripted(DECLINED)
    for _ in range(20):
        deliver(system, message("ord_1"))
        later(system, system.policy.lease)
    assert len(system.fulfiller.asked) == system.policy.max_attempts == 3


@pytest.mark.parametrize(
    ("looks", "status", "kind", "deleted"),
    [
        (DONE, Status.FULFILLED, None, True),
        (DECLINED, Status.FAILED, FailureKind.DECLINED, False),
        (REFUSED, Status.FAILED, FailureKind.REFUSED, False),
        (Answer(State.CANCELLED), Status.CANCELLED, None, True),
        (CLOSED, Status.PARTLY_FULFILLED, FailureKind.CLOSED, True),
        (Answer(State.CLOSED), Status.FAILED, FailureKind.REFUSED, False),
        (Answer(State.ACCEPTED), Status.AT_WAREHOUSE, None, True),
        (TimeoutError(), Status.FAILED, FailureKind.UNKNOWN, False),
        (Answer(State.NOT_FOUND), Status.FAILED, FailureKind.ABANDONED, False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(getattr(value, "state", value)),
)
def test_a_look_ends_an_order_whose_attempts_are_spent(looks, status, kind, deleted, system):
    processing(system, attempts=3)
    later(system, system.policy.lease)
    system.fulfiller = Scripted(DONE, looks=looks)
    assert deliver(system, message("ord_1")) == ([] if deleted else ["m1"])
    order, row = system.store.get("ord_1"), system.store.get_failed("ord_1")
    assert (order.status, row and row.kind) == (status, kind)
    assert system.fulfiller.asked == []


def test_a_redrive_keeps_the_key_while_the_warehouse_may_have_the_order(system):
    """The answer to the last attempt was lost: the warehouse ships once, and says so when it is asked again."""
    pending(system)
    system.fulfiller = Scripted(TimeoutError(), looks=TimeoutError())
    for _ in range(4):
        deliver(system, message("ord_1"))
    assert system.store.get_failed("ord_1").kind is FailureKind.UNKNOWN
    Orders(system).redrive("ord_1", "operator", "send it again")
    system.fulfiller.answers = [DONE]
    assert deliver(system, message("ord_1")) == []
    assert system.fulfiller.keys == ["ord_1-d1"] * 4
    assert system.store.get("ord_1").epoch == 1
