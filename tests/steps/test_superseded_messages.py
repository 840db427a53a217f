"""A dead-letter message is removed once its order is final, or was redriven after the failure."""

from datetime import timedelta

import pytest

from service.orders.dead_letters import remove_superseded
from service.orders.deliveries import Deliveries
from service.orders.lifecycle import Status
from service.orders.message import Message, write
from service.orders.orders import Orders
from service.orders.warehouse import Answer, State
from tests.steps.doubles import (
    CLOSED,
    DECLINED,
    DONE,
    REFUSED,
    Scripted,
    deliver,
    later,
    message,
    pending,
    reconcile,
    standing,
)
from tests.support import MemorySystem


@pytest.fixture
def system():
    system = MemorySystem()
    standing(Status.FAILED, system)
    system.dead_letters.put(message("ord_1"))
    return system


def redrive(system):
    Orders(system).redrive("ord_1", "jo", "the warehouse is open again")


def test_the_dead_letter_message_of_a_failed_order_stays(system):
    assert remove_superseded(system) == 0
    assert len(system.dead_letters.messages) == 1


def test_the_dead_letter_message_of_a_redriven_order_is_removed(system):
    redrive(system)
    assert remove_superseded(system) == 1
    assert system.dead_letters.messages == []


def test_a_redrive_removes_more_messages_than_one_request_redrives_orders(system):
    """A request redrives up to 100 orders, and an order may have dead-letter messages of earlier failures."""
    for _ in range(149):
        system.dead_letters.put(message("ord_1"))
    redrive(system)
    assert remove_superseded(system) == 150


@pytest.mark.parametrize(
    ("status", "removed"),
    [
        (Status.RECEIVED, 0),
        (Status.PENDING, 0),
        (Status.PROCESSING, 0),
        (Status.REJECTED, 0),
        (Status.FAILED, 0),
        (Status.PARTLY_FULFILLED, 0),
        (Status.AT_WAREHOUSE, 1),
        (Status.CANCELLED, 1),
        (Status.FULFILLED, 1),
    ],
)
def test_without_a_redrive_only_the_dead_letter_message_of_a_final_order_is_removed(status, removed):
    """It tells the reconciler that an open order lost its message, and an operator that an order is FAILED."""
    system = MemorySystem()
    standing(status, system)
    system.dead_letters.put(message("ord_1"))
    assert remove_superseded(system) == removed
    assert len(system.dead_letters.messages) == 1 - removed


@pytest.mark.parametrize(("found", "status"), [(DONE, Status.FULFILLED), (Answer(State.CANCELLED), Status.CANCELLED)])
def test_the_reconciler_removes_the_message_of_a_failed_order_that_a_look_moved(found, status):
    """The answer to its last attempt was lost, and a look finds it later."""
    system = MemorySystem(fulfiller=Scripted(TimeoutError("lost"), looks=TimeoutError("lost")))
    pending(system)
    for _ in range(4):  # three attempts and a look
        deliver(system, message("ord_1"))
    system.dead_letters.put(message("ord_1"))
    assert system.store.get("ord_1").status is Status.FAILED
    assert remove_superseded(system) == 0
    system.fulfiller.looks = found
    later(system, system.policy.recover_after)
    assert reconcile(system) == {"looked": 1}
    assert system.store.get("ord_1").status is status
    assert reconcile(system) == {}
    assert system.dead_letters.messages == []


def test_the_message_of_the_redrive_stays_if_the_order_fails_again(system):
    redrive(system)
    (sent,) = system.queue.messages
    assert sent == Message("ord_1", epoch=1)
    system.fulfiller = Scripted(DECLINED)
    for _ in range(3):
        deliver(system, write(sent))
    assert system.store.get("ord_1").status is Status.FAILED
    system.dead_letters.put(write(sent))
    assert remove_superseded(system) == 1
    assert [each.body for each in system.dead_letters.messages] == [write(sent)]


@pytest.mark.parametrize("answer", [REFUSED, CLOSED], ids=str)
def test_an_earlier_message_stays_if_its_delivery_caused_the_latest_failure(answer, system):
    """The redrive's own message may never have been sent."""
    system.queue.broken = ConnectionError("no")
    redrive(system)
    system.fulfiller = Scripted(answer)
    system.dead_letters.messages = []
    deliver(system, message("ord_1"))
    system.dead_letters.put(message("ord_1"), system.store.get_failed("ord_1").message_id)
    assert remove_superseded(system) == 0
    system.queue.broken = None
    redrive(system)
    assert remove_superseded(system) == 1


def test_all_messages_stay_of_an_order_that_the_reconciler_gave_up(system):
    redrive(system)
    for _ in range(3):
        Deliveries(system).claim("ord_1")
        later(system, system.policy.recover_after)
    system.fulfiller = Scripted(REFUSED)
    assert reconcile(system) == {"gave_up": 1}
    assert system.store.get_failed("ord_1").message_id is None
    assert remove_superseded(system) == 0
    assert len(system.dead_letters.messages) == 1


@pytest.mark.parametrize("body", ["", "poison", message("ord_unknown")])
def test_a_message_of_no_known_order_stays(body, system):
    system.dead_letters.messages = []
    system.dead_letters.put(body)
    assert remove_superseded(system) == 0


def test_the_reconciler_removes_messages_after_an_unavailable_queue(system, caplog):
    redrive(system)
    system.dead_letters.broken = ConnectionError("canary")
    assert remove_superseded(system) == 0
    assert "(ConnectionError); the reconciler tries again" in caplog.text
    assert "canary" not in caplog.text
    system.dead_letters.broken = None
    assert reconcile(system) == {}
    assert system.dead_letters.messages == []


def test_the_reconciler_removes_a_message_that_dies_after_the_redrive(system):
    system.dead_letters.messages = []
    redrive(system)
    assert remove_superseded(system) == 0
    system.dead_letters.put(message("ord_1"))
    later(system, timedelta(seconds=1))
    assert reconcile(system) == {}
    assert system.dead_letters.messages == []


def test_a_message_resent_after_a_redrive_has_the_current_epoch(system):
    system.queue.broken = ConnectionError("no")
    redrive(system)
    system.queue.broken = None
    later(system, system.policy.resend_after)
    assert reconcile(system) == {"resent": 1}
    assert system.queue.messages == [Message("ord_1", epoch=1)]
