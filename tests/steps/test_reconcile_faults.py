"""Errors and concurrent changes during a run of the reconciler may delay an order, but none is lost."""

import pytest

from service.orders.deliveries import Deliveries
from service.orders.lifecycle import Status
from service.steps import store
from tests.steps.doubles import PatchedStore, break_store, later, pending, processing, reconcile, standing
from tests.support import SETTINGS, MemorySystem

POLICY = SETTINGS.policy


@pytest.fixture
def system():
    return MemorySystem()


def test_an_error_for_one_order_does_not_stop_the_others(system):
    for status in (Status.RECEIVED, Status.PROCESSING, Status.PENDING):
        for number in (1, 2):
            standing(status, system, f"{status}-{number}")
    later(system, POLICY.resend_after)
    break_store(system, "apply", "RECEIVED-1", "PROCESSING-1", "PENDING-1")
    assert reconcile(system) == {"restarted": 1, "recovered": 1, "resent": 1, "errors": 3}
    assert sorted(system.queue.sent) == ["PENDING-2", "PROCESSING-2"]


@pytest.mark.parametrize(("receive", "factor"), [(pending, 2), (processing, 2)])
def test_a_later_run_sends_a_message_after_a_failed_send(receive, factor, system):
    receive(system)
    later(system, POLICY.resend_after)
    system.queue.broken = ConnectionError("canary")
    assert reconcile(system) == {"errors": 1}
    assert (system.store.get("ord_1").status, system.queue.sent) == (Status.PENDING, [])
    system.queue.broken = None
    assert reconcile(system) == {}
    later(system, POLICY.resend_after * factor)
    assert reconcile(system) == {"resent": 1}
    assert system.queue.sent == ["ord_1"]


def test_a_later_run_starts_a_workflow_after_a_failed_start(system):
    system.receive()
    system.workflow.broken = ConnectionError("canary")
    later(system, POLICY.restart_after)
    reconcile(system)
    system.workflow.broken = None
    assert system.store.get("ord_1").version == 1, "a failed start must not lengthen the order's backoff"
    assert reconcile(system) == {"restarted": 1}
    assert system.workflow.started == [("ord_1", "ord_1-1")]


def test_a_start_that_could_not_be_counted_is_counted_by_the_next_run(system):
    system.receive()
    later(system, POLICY.restart_after)
    break_store(system, "apply", "ord_1")
    assert reconcile(system) == {"errors": 1}
    system.store = system.store._store
    assert reconcile(system) == {"restarted": 1}
    assert system.workflow.started == [("ord_1", "ord_1-1")], "the repeated start has no effect"
    later(system, POLICY.restart_after * 2)
    assert reconcile(system) == {"restarted": 1}
    assert system.workflow.started[1:] == [("ord_1", "ord_1-2")]


def test_a_workflow_that_is_faster_than_the_reconciler_counts_as_restarted(system):
    system.receive()
    later(system, POLICY.restart_after)
    real = system.workflow.start

    def start(order_id, name, traceparent):
        store.run({"order_id": order_id}, system)
        return real(order_id, name, traceparent)

    system.workflow.start = start
    assert reconcile(system) == {"restarted": 1}
    order = system.store.get("ord_1")
    assert (order.status, order.restarts) == (Status.PENDING, 0)


def test_an_order_that_moved_on_after_a_start_without_effect_does_not_count_as_restarted(system):
    """An earlier run has started this name and could not count it."""
    system.receive()
    later(system, POLICY.restart_after)
    system.workflow.start("ord_1", "ord_1-1")
    real = system.workflow.start

    def start(order_id, name, traceparent):
        store.run({"order_id": order_id}, system)
        return real(order_id, name, traceparent)

    system.workflow.start = start
    assert reconcile(system) == {"moved_on": 1}


@pytest.mark.parametrize(
    ("status", "move"),
    [
        (Status.PENDING, lambda system: Deliveries(system).claim("ord_1")),
        (Status.PROCESSING, lambda system: Deliveries(system).claim("ord_1")),
    ],
)
def test_an_order_that_moved_after_the_read_is_not_touched(status, move, system):
    standing(status, system)
    later(system, POLICY.resend_after)
    real = system.store

    def move_after_the_read(inner, wanted, *args):
        for page in inner.list_waiting(wanted, *args):
            if wanted is status:
                system.store = real
                move(system)
                system.store = patched
            yield page

    system.store = patched = PatchedStore(real, list_waiting=move_after_the_read)
    assert reconcile(system) == {"moved_on": 1}
    assert (system.queue.sent, system.workflow.started) == ([], [])
    assert real.get("ord_1").timeline[-1].actor != "reconciler"


def test_an_order_is_stored_before_its_message_is_sent(system):
    pending(system)
    later(system, POLICY.resend_after)
    seen = []
    system.queue.send = lambda message: seen.append(system.store.get(message.order_id).resends)
    reconcile(system)
    assert seen == [1]
