"""While the warehouse takes nothing, orders wait without losing an attempt, and their messages are acknowledged."""

from dataclasses import replace

import pytest

from service.handler import dispatch
from service.orders.brake import PROBE_EVERY, REFUSALS
from service.orders.deliveries import Deliveries
from service.orders.lifecycle import Status
from service.orders.model import FailureKind
from service.orders.orders import Orders
from service.orders.outcomes import times_put_back
from service.orders.ports import Unavailable
from service.orders.warehouse import Answer, State
from tests.steps.doubles import (
    DECLINED,
    DONE,
    CallbackFulfiller,
    Scripted,
    deliver,
    later,
    message,
    pending,
    processing,
    reconcile,
    standing,
)
from tests.support import Context, MemorySystem, sqs_event

NOT_TAKEN = Answer(State.NOT_TAKEN, "HTTP 503")


@pytest.fixture
def system() -> MemorySystem:
    system = MemorySystem()
    system.fulfiller = Scripted(NOT_TAKEN, looks=AssertionError("nobody looks"))
    return system


def shut(system: MemorySystem) -> None:
    """Put the brake on, by an order that the warehouse does not take."""
    pending(system, "ord_0")
    for _ in range(REFUSALS):
        deliver(system, message("ord_0"))
    assert system.brake.row.is_on
    system.fulfiller.asked.clear()


def test_the_first_refusals_cost_no_attempt_and_leave_their_messages_on_the_queue(system):
    pending(system)
    assert [deliver(system, message("ord_1")) for _ in range(REFUSALS)] == [["m1"], ["m1"], []]
    order = system.store.get("ord_1")
    assert (order.status, order.attempts, order.asked, order.delivery) == (Status.PENDING, 0, 0, 1)
    assert order.timeline[-1].reason == "attempt 1 of 3: HTTP 503; it does not count as an attempt"


def test_while_the_brake_is_on_a_pending_order_is_not_asked_for_and_its_message_goes(system):
    shut(system)
    before = pending(system)
    assert deliver(system, message("ord_1")) == []
    redelivered = sqs_event(message("ord_1"))
    redelivered["Records"][0]["attributes"]["ApproximateReceiveCount"] = "2"
    assert dispatch(redelivered, Context(), system) == {"batchItemFailures": []}
    assert (system.store.get("ord_1"), system.fulfiller.asked) == (before, [])


@pytest.mark.parametrize(
    ("status", "stays"),
    [
        (Status.RECEIVED, ["m1"]),
        (Status.PROCESSING, ["m1"]),
        (Status.FAILED, ["m1"]),
        (Status.FULFILLED, []),
        (Status.CANCELLED, []),
    ],
)
def test_while_the_brake_is_on_other_messages_are_kept_or_acknowledged_as_always(status, stays, system):
    before = standing(status, system)
    shut(system)
    assert deliver(system, message("ord_1")) == stays
    assert system.store.get("ord_1") == before


def test_the_message_of_an_unknown_order_stays_while_the_brake_is_on(system):
    shut(system)
    assert deliver(system, message("ord_9")) == ["m1"]


def test_an_order_without_attempts_left_is_not_given_up_while_the_brake_is_on(system):
    processing(system, attempts=3)
    later(system, system.policy.lease)
    shut(system)
    assert deliver(system, message("ord_1")) == ["m1"]
    assert system.store.get("ord_1").status is Status.PROCESSING


def test_one_order_of_a_batch_is_the_probe_and_costs_no_attempt(system):
    shut(system)
    for number in range(1, 6):
        pending(system, f"ord_{number}")
    for _ in range(10):
        later(system, PROBE_EVERY)
        system.fulfiller.asked.clear()
        assert deliver(system, *(message(f"ord_{number}") for number in range(1, 6))) == []
        assert len(system.fulfiller.asked) == 1
    assert {order.attempts for order in system.store.orders.values()} == {0}
    assert {order.status for order in system.store.orders.values()} == {Status.PENDING}


def test_an_order_whose_attempt_never_ended_can_be_the_probe(system):
    """If it is the only one, or the one that has waited longest, no other order releases the brake."""
    processing(system)
    later(system, system.policy.lease)
    shut(system)
    later(system, PROBE_EVERY)
    system.fulfiller = Scripted(DONE)
    assert deliver(system, message("ord_1")) == []
    assert (system.store.get("ord_1").status, system.brake.row.is_on) == (Status.FULFILLED, False)


@pytest.mark.parametrize("answer", [DONE, DECLINED])
def test_a_probe_that_the_warehouse_takes_opens_the_gate_for_the_next_batch(answer, system):
    shut(system)
    pending(system)
    later(system, PROBE_EVERY)
    system.fulfiller = Scripted(answer)
    deliver(system, message("ord_1"))
    assert not system.brake.row.is_on
    pending(system, "ord_2")
    system.fulfiller = Scripted(DONE)
    deliver(system, message("ord_2"))
    assert system.store.get("ord_2").status is Status.FULFILLED


def test_a_probe_without_an_answer_is_charged_and_the_brake_stays_on(system):
    shut(system)
    pending(system)
    later(system, PROBE_EVERY)
    system.fulfiller = Scripted(TimeoutError("no answer"))
    assert deliver(system, message("ord_1")) == [], "it is PENDING under the brake"
    order = system.store.get("ord_1")
    assert (order.status, order.attempts, order.asked) == (Status.PENDING, 1, 1)
    assert system.brake.row.is_on


def test_a_probe_whose_order_fails_keeps_its_message_although_the_brake_stays_on(system):
    """The brake's row could not be written."""
    processing(system, attempts=2)
    later(system, system.policy.lease)
    shut(system)
    later(system, PROBE_EVERY)
    system.fulfiller = CallbackFulfiller(
        lambda _: setattr(system.brake, "broken", Unavailable("dynamodb PutItem: ThrottlingException")), DECLINED
    )
    assert deliver(system, message("ord_1")) == ["m1"]
    assert (system.store.get("ord_1").status, system.brake.row.is_on) == (Status.FAILED, True)


def test_an_order_that_the_warehouse_never_takes_while_it_takes_others_fails(system):
    pending(system)
    takes = {"ord_1": NOT_TAKEN}
    system.fulfiller = CallbackFulfiller(
        lambda order: setattr(system.fulfiller.then, "answers", [takes.get(order.order_id, DONE)])
    )
    for number in range(2, 9):
        pending(system, f"ord_{number}")
        assert deliver(system, message("ord_1")) == ["m1"]
        assert deliver(system, message(f"ord_{number}")) == []
    row, order = system.store.get_failed("ord_1"), system.store.get("ord_1")
    assert (row.kind, row.detail) == (FailureKind.ERROR, "the warehouse took none of 3 attempts")
    assert (order.attempts, order.asked) == (3, 0)
    Orders(system).redrive("ord_1", "operator", "the warehouse takes it")
    assert deliver(system, message("ord_1")) == ["m1"]
    assert system.store.get("ord_1").attempts == 0, "after a redrive it costs no attempt again"


def test_an_attempt_that_the_reconciler_ended_does_not_count_as_one_that_was_not_taken(system):
    processing(system)
    for _ in range(3):
        later(system, system.policy.recover_after)
        assert reconcile(system) == {"recovered": 1}
        system.store.orders["ord_1"] = replace(system.store.get("ord_1"), attempts=0)
        Deliveries(system).claim("ord_1")
    assert times_put_back(system.store.get("ord_1")) == 0
