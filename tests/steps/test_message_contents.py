"""The messages of a redrive and of the reconciler contain the current epoch and the trace of the order."""

from dataclasses import replace

import pytest

from service.orders.deliveries import Deliveries
from service.orders.lifecycle import Status
from service.orders.message import Message
from service.orders.orders import Orders
from tests.steps.doubles import later, reconcile, standing
from tests.support import SETTINGS, MemorySystem

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
def system():
    """A system whose order failed and was redriven, so that its epoch is 1."""
    system = MemorySystem()
    failed = standing(Status.FAILED, system)
    system.store.orders["ord_1"] = replace(failed, traceparent=TRACE)
    Orders(system).redrive("ord_1", "jo", "the warehouse is open again")
    return system


def test_a_redriven_order_is_sent_with_its_epoch_and_trace(system):
    assert system.queue.messages == [Message("ord_1", epoch=1, traceparent=TRACE)]


def test_an_order_recovered_after_a_redrive_is_sent_with_its_epoch_and_trace(system):
    """With an older epoch, its message in the dead-letter queue would be removed as superseded."""
    Deliveries(system).claim("ord_1")
    later(system, SETTINGS.policy.recover_after)
    assert reconcile(system) == {"recovered": 1}
    assert system.queue.messages[1:] == [Message("ord_1", epoch=1, traceparent=TRACE)]


def test_an_order_resent_after_a_redrive_is_sent_with_its_epoch_and_trace(system):
    later(system, SETTINGS.policy.resend_after)
    assert reconcile(system) == {"resent": 1}
    assert system.queue.messages[1:] == [Message("ord_1", epoch=1, traceparent=TRACE)]


def test_a_restarted_workflow_gets_the_trace_of_its_order():
    system = MemorySystem()
    system.store.orders["ord_1"] = replace(system.receive(), traceparent=TRACE)
    later(system, SETTINGS.policy.restart_after)
    assert reconcile(system) == {"restarted": 1}
    assert system.workflow.traces == [TRACE]
