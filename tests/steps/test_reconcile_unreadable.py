"""A row that cannot be read stops the reconciler for no other order."""

import logging

import pytest

from service.orders.lifecycle import Status
from service.orders.model import FailureKind
from service.orders.orders import Orders
from tests.steps.doubles import DONE, IN_WORK, Scripted, later, message, processing, reconcile, standing
from tests.support import SETTINGS, MemorySystem
from tests.transition_table import OPEN_STATES

POLICY = SETTINGS.policy
COUNT = ("UnreadableRows",)


@pytest.fixture
def system():
    return MemorySystem(fulfiller=Scripted(DONE))


def spoil(system, order_id):
    """Make a row unreadable, as a newer version may write it."""
    system.store.unreadable[order_id] = "timeline"


def test_one_unreadable_row_in_each_state_stops_no_other_order(system):
    for status in OPEN_STATES:
        standing(status, system, f"bad-{status}")
        spoil(system, f"bad-{status}")
    system.now.forward(1)
    for status in OPEN_STATES:
        standing(status, system, f"good-{status}")
    later(system, POLICY.resend_after)
    system.fulfiller.looks = IN_WORK
    assert reconcile(system) == {"restarted": 1, "recovered": 1, "resent": 1, "checked": 1}
    assert system.workflow.started == [("good-RECEIVED", "good-RECEIVED-1")]
    assert sorted(system.queue.sent) == ["good-PENDING", "good-PROCESSING"]


def test_an_unreadable_row_is_counted_in_each_run_and_named_as_an_error(system, caplog):
    system.receive("ord_bad")
    spoil(system, "ord_bad")
    later(system, POLICY.restart_after)
    for runs in (1, 2):
        assert reconcile(system) == {}
        assert system.metrics.counts[COUNT] == runs
    lines = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [line.order_id for line in lines] == ["ord_bad"] * 2
    assert all("timeline" in line.getMessage() for line in lines)


def test_a_dead_letter_message_of_an_unreadable_row_does_not_hide_the_next_one(system):
    for order_id in ("ord_bad", "ord_good"):
        processing(system, order_id, attempts=3)
        system.dead_letters.put(message(order_id))
    spoil(system, "ord_bad")
    later(system, POLICY.lease)
    assert reconcile(system) == {"gave_up": 1}
    assert system.store.get("ord_good").status is Status.FAILED
    assert system.metrics.counts[COUNT] == 1


def test_superseded_messages_are_removed_although_one_names_an_unreadable_row(system):
    for order_id in ("ord_bad", "ord_good"):
        standing(Status.FAILED, system, order_id)
        Orders(system).redrive(order_id, "operator", "why")
        system.dead_letters.put(message(order_id))
    spoil(system, "ord_bad")
    reconcile(system)
    assert [dead.body for dead in system.dead_letters.messages] == [message("ord_bad")]


def test_an_unreadable_failed_order_does_not_hide_the_next_look(system):
    system.fulfiller = Scripted(ConnectionError(), looks=ConnectionError())
    for order_id in ("ord_good", "ord_bad"):
        processing(system, order_id, attempts=3)
    later(system, POLICY.recover_after)
    assert reconcile(system) == {"gave_up": 2}
    assert system.store.get_failed("ord_good").kind is FailureKind.UNKNOWN
    spoil(system, "ord_bad")
    system.fulfiller = Scripted(DONE, looks=DONE)
    later(system, POLICY.recover_after)
    assert reconcile(system) == {"looked": 1}
    assert system.store.get("ord_good").status is Status.FULFILLED
