"""The reconciler moves each overdue order as its status requires, and touches no other order."""

from dataclasses import replace
from datetime import timedelta

import pytest

from service.orders.deliveries import Deliveries
from service.orders.lifecycle import OPEN, Status
from service.orders.model import FailureKind, TimelineEntry
from service.steps import store
from service.steps.reconcile import LOOK_FURTHER, run
from tests.steps.doubles import (
    DONE,
    NOT_FOUND,
    PatchedStore,
    Scripted,
    deliver,
    later,
    message,
    pending,
    processing,
    reconcile,
    standing,
)
from tests.support import SETTINGS, MemorySystem
from tests.transition_table import OPEN_STATES, TERMINAL_STATES
from tests.warehouse_answers import CANCELLED, CANCELLING, TOO_LATE

NO_COUNTS = {
    "restarted": 0,
    "checked": 0,
    "recovered": 0,
    "resent": 0,
    "gave_up": 0,
    "looked": 0,
    "moved_on": 0,
    "errors": 0,
    "out_of_time": 0,
}
POLICY = SETTINGS.policy


@pytest.fixture
def system():
    system = MemorySystem()
    system.fulfiller = Scripted(DONE)
    return system


def limited(limit):
    return MemorySystem(settings=replace(SETTINGS, reconcile_limit=limit, restart_limit=limit))


def test_a_run_without_orders_counts_nothing(system):
    assert run({"task": "reconcile"}, system, lambda: 30) == NO_COUNTS


@pytest.mark.parametrize("status", list(Status))
def test_a_new_order_is_not_touched(status, system):
    before = standing(status, system)
    assert reconcile(system) == {}
    assert (system.store.get("ord_1"), system.queue.sent, system.workflow.started) == (before, [], [])


@pytest.mark.parametrize(
    ("status", "age"),
    [
        (Status.RECEIVED, POLICY.restart_after),
        (Status.PROCESSING, POLICY.recover_after),
        (Status.PENDING, POLICY.resend_after),
    ],
)
def test_an_order_is_not_touched_before_it_is_overdue(status, age, system):
    before = standing(status, system)
    system.now.forward(age.total_seconds())
    assert reconcile(system) == {}
    assert system.store.get("ord_1") == before
    system.now.forward(0.001)
    assert sum(reconcile(system).values()) == 1


@pytest.mark.parametrize("status", TERMINAL_STATES)
def test_a_terminal_order_is_never_touched(status, system):
    before = standing(status, system)
    later(system, timedelta(days=400))
    assert reconcile(system) == {}
    assert (system.store.get("ord_1"), system.queue.sent, system.workflow.started) == (before, [], [])


def test_the_workflow_of_an_overdue_received_order_is_restarted(system):
    system.receive()
    later(system, POLICY.restart_after)
    assert reconcile(system) == {"restarted": 1}
    order = system.store.get("ord_1")
    assert (order.status, order.version, order.restarts, order.updated_at) == (Status.RECEIVED, 2, 1, system.now())
    expected = TimelineEntry(system.now(), Status.RECEIVED, Status.RECEIVED, "reconciler", "workflow start 2")
    assert order.timeline[-1] == expected
    assert system.workflow.started == [("ord_1", "ord_1-1")]


def test_every_restart_has_a_different_execution_name(system):
    system.receive()
    for _ in range(4):
        later(system, timedelta(hours=2))
        reconcile(system)
    assert system.workflow.started == [("ord_1", f"ord_1-{number}") for number in (1, 2, 3, 4)]


def test_an_overdue_pending_order_is_resent(system):
    pending(system)
    later(system, POLICY.resend_after)
    assert reconcile(system) == {"resent": 1}
    order = system.store.get("ord_1")
    assert (order.status, order.resends, order.attempts) == (Status.PENDING, 1, 0)
    expected = "sent to the queue again, time 1"
    assert order.timeline[-1] == TimelineEntry(system.now(), Status.PENDING, Status.PENDING, "reconciler", expected)
    assert system.queue.sent == ["ord_1"]


@pytest.mark.parametrize("attempts", [1, 2])
def test_an_order_whose_attempt_never_ended_is_pending_again_and_resent(attempts, system):
    processing(system, attempts=attempts)
    later(system, POLICY.recover_after)
    assert reconcile(system) == {"recovered": 1}
    order = system.store.get("ord_1")
    assert (order.status, order.attempts, order.resends) == (Status.PENDING, attempts, 1)
    assert order.timeline[-1].reason == f"attempt {attempts} never ended"
    assert system.queue.sent == ["ord_1"]
    assert deliver(system, message("ord_1")) == []


def test_an_order_whose_last_attempt_never_ended_is_given_up(system):
    processing(system, attempts=3)
    later(system, POLICY.recover_after)
    assert reconcile(system) == {"gave_up": 1}
    order, row = system.store.get("ord_1"), system.store.get_failed("ord_1")
    assert (order.status, order.timeline[-1].actor, row.kind) == (Status.FAILED, "reconciler", FailureKind.ABANDONED)
    assert system.queue.sent == []
    assert reconcile(system) == {}


def test_a_pending_order_without_attempts_left_is_given_up_without_backoff(system):
    """An operator can lower the maximum of attempts."""
    processing(system, attempts=2)
    later(system, POLICY.recover_after)
    reconcile(system)
    system.settings = replace(SETTINGS, max_attempts=2)
    later(system, POLICY.resend_after)
    assert reconcile(system) == {"gave_up": 1}
    assert system.store.get_failed("ord_1").attempts == 2
    assert system.queue.sent == ["ord_1"]


@pytest.mark.parametrize(
    ("cancels", "looks", "status"),
    [
        (CANCELLED, NOT_FOUND, Status.CANCELLED),
        (TOO_LATE, DONE, Status.FULFILLED),
        (CANCELLING, NOT_FOUND, Status.FAILED),
        (TimeoutError(), NOT_FOUND, Status.FAILED),
    ],
)
def test_a_cancellation_without_an_answer_is_repeated_after_the_order_has_failed(cancels, looks, status, system):
    pending(system)
    system.fulfiller = Scripted(TimeoutError(), looks=TimeoutError(), cancels=TimeoutError())
    deliver(system, message("ord_1"))
    Deliveries(system).cancel("ord_1", "customer", "by the customer")
    for _ in range(POLICY.max_attempts):
        deliver(system, message("ord_1"))
    assert system.store.get("ord_1").status is Status.FAILED
    system.fulfiller.cancels, system.fulfiller.looks = cancels, looks
    later(system, POLICY.recover_after)
    assert reconcile(system) == {"looked": 1}
    order = system.store.get("ord_1")
    assert (order.status, order.cancel_asked) == (status, int(status is not Status.CANCELLED))
    assert (system.store.get_failed("ord_1") is None) is (status is not Status.FAILED)


def test_a_leased_order_is_not_touched_however_old_it_is(system):
    """It was claimed when the configured lease was longer."""
    system.settings = replace(SETTINGS, visibility_timeout=2000, recover_after=3000, resend_after=4000)
    held = processing(system)
    system.settings = SETTINGS
    later(system, POLICY.recover_after)
    assert reconcile(system) == {}
    system.now.at = held.lease_until
    assert reconcile(system) == {}
    assert system.store.get("ord_1") == held
    system.now.forward(0.001)
    assert reconcile(system) == {"recovered": 1}


def test_a_pending_order_never_fails_because_of_its_age(system):
    pending(system)
    for _ in range(50):
        later(system, POLICY.backoff_ceiling)
        assert reconcile(system) == {"resent": 1}
    assert system.store.get("ord_1").status is Status.PENDING
    assert deliver(system, message("ord_1")) == []


@pytest.mark.parametrize(
    ("receive", "first", "outcome", "most"),
    [
        (MemorySystem.receive, POLICY.restart_after, "restarted", 6),
        (pending, POLICY.resend_after, "resent", 4),
    ],
)
def test_the_wait_between_interventions_doubles_up_to_the_ceiling(receive, first, outcome, most, system):
    receive(system)
    for times in range(most):
        wait = min(first * 2**times, POLICY.backoff_ceiling)
        system.now.forward(wait.total_seconds())
        assert reconcile(system) == {}, wait
        system.now.forward(0.001)
        assert reconcile(system) == {outcome: 1}, wait


def test_a_claim_resets_the_backoff(system):
    pending(system)
    for _ in range(3):
        later(system, POLICY.backoff_ceiling)
        reconcile(system)
    Deliveries(system).claim("ord_1")
    assert system.store.get("ord_1").resends == 0


@pytest.mark.parametrize("status", OPEN_STATES)
def test_a_run_handles_a_limited_number_of_orders_oldest_first(status):
    system = limited(3)
    for number in range(1, 6):
        standing(status, system, f"ord_{number}")
        system.now.forward(0.001)
    later(system, POLICY.resend_after)
    assert sum(reconcile(system).values()) == 3
    touched = [order.order_id for order in system.store.orders.values() if order.timeline[-1].actor == "reconciler"]
    assert touched == ["ord_1", "ord_2", "ord_3"]
    assert sum(reconcile(system).values()) == 2
    assert reconcile(system) == {}


def test_the_limit_applies_to_each_state():
    system = limited(1)
    for status in (Status.RECEIVED, Status.PROCESSING, Status.PENDING):
        for number in (1, 2):
            standing(status, system, f"{status}-{number}")
    later(system, POLICY.resend_after)
    assert reconcile(system) == {"restarted": 1, "recovered": 1, "resent": 1}


def test_orders_in_backoff_do_not_delay_newer_orders():
    """Orders in backoff come first in the index, because they are older, but they are due later."""
    system = limited(2)
    for number in (1, 2, 3):
        pending(system, f"ord_{number}")
    later(system, POLICY.resend_after)
    while reconcile(system):
        pass
    pending(system, "ord_young")
    later(system, POLICY.resend_after)
    assert reconcile(system) == {"resent": 1}
    assert system.queue.sent[-1] == "ord_young"


def test_a_run_reads_a_limited_number_of_open_orders(system):
    """The orders in backoff that a run passes over are limited, and so are the orders of one page."""
    system.settings = replace(SETTINGS, reconcile_limit=5)
    pages = []

    def read(store, status, *args):
        for page in store.list_waiting(status, *args):
            pages.append((status, len(page)))
            yield page

    for number in range(100):
        pending(system, f"ord_{number:03}")
    later(system, POLICY.resend_after)
    for _ in range(20):
        reconcile(system)
    system.now.forward(POLICY.resend_after.total_seconds() - 1)
    system.store = PatchedStore(system.store, list_waiting=read)
    later(system, timedelta(seconds=1))
    assert reconcile(system) == {}
    assert {status for status, _ in pages} == OPEN
    assert sum(count for _, count in pages) == LOOK_FURTHER * 5
    assert max(count for _, count in pages) == 5


def test_a_run_stops_before_its_deadline_and_the_next_one_continues(system):
    """No push begins in the last seconds. The clock moves with each push."""
    for number in (1, 2, 3):
        pending(system, f"ord_{number}")
    later(system, POLICY.resend_after)
    margin = POLICY.deadline_margin.total_seconds()
    system.queue.send = lambda message: system.queue.sent.append(message.order_id)
    done = run({}, system, lambda: margin + 2 - len(system.queue.sent))
    assert (done["resent"], done["out_of_time"], done["errors"]) == (2, 1, 0)
    assert system.metrics.counts[("ReconcilerRuns",)] == 1, "the alarm on missing runs must stay quiet"
    assert reconcile(system) == {"resent": 1}


def test_interventions_are_counted_by_reason_and_runs_in_total(system):
    reconcile(system)
    assert system.metrics.counts == {("ReconcilerRuns",): 1}
    for status in (Status.RECEIVED, Status.PROCESSING, Status.PENDING):
        for number in (1, 2):
            standing(status, system, f"{status}-{number}")
    processing(system, "spent", attempts=3)
    later(system, POLICY.resend_after)
    reconcile(system)
    reasons = {"restarted": 2, "recovered": 2, "resent": 2, "gave_up": 1}
    counted = {("ReconcilerInterventions", reason): count for reason, count in reasons.items()}
    found = {name: count for name, count in system.metrics.counts.items() if name[0].startswith("Reconciler")}
    assert found == {("ReconcilerRuns",): 2, **counted}


def test_the_reconciler_never_intervenes_without_faults(system):
    """The reconciler does not touch an order that moves in time, whenever it runs."""
    system.receive()
    for step in (lambda: store.run({"order_id": "ord_1"}, system), lambda: deliver(system, message("ord_1"))):
        system.now.forward(60)
        assert reconcile(system) == {}
        step()
        assert reconcile(system) == {}
    assert {entry.actor for entry in system.store.get("ord_1").timeline} == {"api", "workflow", "fulfillment"}
