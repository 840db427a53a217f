"""After an attempt, the queue delivers the message again after the retry delay; other messages wait longer."""

from dataclasses import replace
from datetime import timedelta

import pytest

from service.orders.lifecycle import Status
from service.orders.ports import Unavailable
from service.orders.warehouse import Answer, State
from tests.steps.doubles import (
    DECLINED,
    DONE,
    REFUSED,
    Scripted,
    break_store,
    deliver,
    later,
    message,
    pending,
    processing,
    standing,
)
from tests.support import SETTINGS, MemorySystem

DELAY = timedelta(seconds=7)
NOT_TAKEN = Answer(State.NOT_TAKEN)
BROKEN = ConnectionError("no answer")


@pytest.fixture
def system():
    return MemorySystem(settings=replace(SETTINGS, retry_delay=7))


@pytest.mark.parametrize(
    "answer", [DECLINED, NOT_TAKEN, BROKEN, REFUSED], ids=["declined", "not taken", "unknown", "refused"]
)
def test_a_message_returns_after_the_retry_delay_if_its_attempt_did_not_fulfill_the_order(answer, system):
    """Also that of a failed order: SQS moves it to the dead-letter queue at a later receive."""
    pending(system)
    system.fulfiller = Scripted(answer)
    assert deliver(system, message("ord_1")) == ["m1"]
    assert system.queue.delayed == [("handle-1", DELAY)]


def test_the_order_is_free_when_its_message_is_delayed(system):
    """The message can arrive at once. It would use up a receive if the attempt had not ended yet."""
    pending(system)
    system.fulfiller = Scripted(DECLINED)
    seen = []
    system.queue.deliver_again = lambda *_: seen.append(system.store.get("ord_1").status)
    deliver(system, message("ord_1"))
    assert seen == [Status.PENDING]


def test_the_message_of_a_failed_order_is_delayed_each_time(system):
    standing(Status.FAILED, system)
    system.queue.delayed.clear()
    assert deliver(system, message("ord_1")) == ["m1"]
    assert system.queue.delayed == [("handle-1", DELAY)]


def test_the_message_of_an_order_that_fails_by_a_look_is_delayed(system):
    processing(system, attempts=3)
    later(system, system.policy.lease)
    system.fulfiller = Scripted(DONE)
    assert deliver(system, message("ord_1")) == ["m1"]
    assert system.store.get("ord_1").status is Status.FAILED
    assert system.queue.delayed == [("handle-1", DELAY)]


def test_a_fulfilled_order_delays_no_message(system):
    pending(system)
    system.fulfiller = Scripted(DONE)
    assert deliver(system, message("ord_1")) == []
    assert system.queue.delayed == []


def test_a_message_that_was_not_worked_on_waits_for_the_visibility_timeout(system):
    """Each delivery uses up a receive, and the order would have no attempt left when it is free."""
    processing(system, "ord_leased")
    system.receive("ord_received")
    bodies = [message("ord_leased"), message("ord_received"), message("ord_unknown"), "poison"]
    assert deliver(system, *bodies) == ["m1", "m2", "m3", "m4"]
    assert system.queue.delayed == []


def test_a_message_that_was_not_started_waits_for_the_visibility_timeout(system):
    pending(system)
    assert deliver(system, message("ord_1"), seconds=0) == ["m1"]
    assert system.queue.delayed == []


def test_a_message_whose_attempt_could_not_be_ended_waits_for_the_visibility_timeout(system):
    """The attempt still has the lease."""
    pending(system)
    system.fulfiller = Scripted(DECLINED)

    def declined_and_broken(order, seconds):
        break_store(system, "apply", "ord_1")
        return DECLINED

    system.fulfiller.ask = declined_and_broken
    assert deliver(system, message("ord_1")) == ["m1"]
    assert system.store.get("ord_1").status is Status.PROCESSING
    assert system.queue.delayed == []


def test_without_a_retry_delay_the_visibility_timeout_applies(system):
    system.settings = SETTINGS
    pending(system)
    system.fulfiller = Scripted(DECLINED)
    assert deliver(system, message("ord_1")) == ["m1"]
    assert system.queue.delayed == []


def test_an_error_of_the_queue_is_logged_and_harmless(system, caplog):
    for order_id in ("ord_1", "ord_2"):
        pending(system, order_id)
    system.fulfiller = Scripted(DECLINED)
    system.queue.broken = Unavailable("sqs ChangeMessageVisibility: ThrottlingException")
    assert deliver(system, message("ord_1"), message("ord_2")) == ["m1", "m2"]
    assert [system.store.get(order_id).status for order_id in ("ord_1", "ord_2")] == [Status.PENDING] * 2
    warnings = [each.getMessage() for each in caplog.records if each.name == "service.steps.redelivery"]
    text = (
        "the retry delay was not set, sqs ChangeMessageVisibility: ThrottlingException; the visibility timeout applies"
    )
    assert warnings == [text] * 2
