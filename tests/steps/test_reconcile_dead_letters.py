"""The reconciler looks at the dead-letter queue, and closes what a message left open that died before its order did."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from service.orders.lifecycle import Status
from service.orders.model import FailureKind
from tests.steps.doubles import later, message, pending, processing, reconcile, standing
from tests.support import SETTINGS, MemorySystem
from tests.transition_table import OPEN_STATES, TERMINAL_STATES

POLICY = SETTINGS.policy


@pytest.fixture
def system():
    system = MemorySystem()
    system.dead_letters.put(message("ord_1"))
    return system


def test_an_order_whose_last_attempt_never_ended_is_given_up_as_soon_as_its_lease_is_over(system):
    held = processing(system, attempts=3)
    system.now.at = held.lease_until
    assert reconcile(system) == {}
    system.now.forward(0.001)
    assert reconcile(system) == {"gave_up": 1}
    assert system.store.failed("ord_1").kind is FailureKind.ABANDONED
    assert system.queue.sent == []


def test_an_order_that_lost_its_holder_and_its_message_is_sent_again_as_soon_as_its_lease_is_over(system):
    processing(system, attempts=2)
    later(system, POLICY.lease)
    assert reconcile(system) == {"recovered": 1}
    assert (system.store.get("ord_1").status, system.queue.sent) == (Status.PENDING, ["ord_1"])


def test_a_pending_order_is_sent_again_sooner_than_one_whose_message_may_be_on_its_way(system):
    """Every receive of its message came to nothing before it was claimed, as when the function is throttled."""
    pending(system)
    system.now.forward(POLICY.recover_after.total_seconds())
    assert reconcile(system) == {}
    system.now.forward(0.001)
    assert POLICY.recover_after < POLICY.resend_after
    assert reconcile(system) == {"resent": 1}
    assert system.queue.sent == ["ord_1"]


def test_a_pending_order_without_attempts_left_is_given_up_at_once(system):
    """As after an operator lowered the number of attempts."""
    processing(system, attempts=2)
    later(system, POLICY.lease)
    assert reconcile(system) == {"recovered": 1}
    assert reconcile(system) == {}
    system.settings = replace(SETTINGS, max_attempts=2)
    assert reconcile(system) == {"gave_up": 1}
    assert system.store.get("ord_1").status is Status.FAILED


def test_a_received_order_that_is_named_has_its_workflow_started_again_no_sooner_than_others(system):
    """Its workflow sends its message only after the order is stored, so somebody has sent this one by hand."""
    system.settings = replace(SETTINGS, restart_after=3000)
    system.receive()
    later(system, POLICY.recover_after)
    assert reconcile(system) == {}
    later(system, system.policy.restart_after)
    assert reconcile(system) == {"restarted": 1}


def test_a_dead_letter_that_stays_does_not_have_its_order_sent_every_time(system):
    pending(system)
    sent = []
    for _ in range(60):
        system.now.forward(60)
        sent += [system.now.at] if reconcile(system) else []
    waits = [next_ - earlier for earlier, next_ in pairwise(sent)]
    assert len(sent) == 3
    assert waits == sorted(waits)
    assert waits[0] > 2 * POLICY.recover_after - timedelta(seconds=60)


@pytest.mark.parametrize("status", TERMINAL_STATES)
def test_the_dead_letter_of_a_terminal_order_changes_nothing(status, system):
    before = standing(status, system)
    later(system, timedelta(days=13))
    assert reconcile(system) == {}
    assert (system.store.get("ord_1"), system.queue.sent) == (before, [])


@pytest.mark.parametrize("status", OPEN_STATES)
def test_a_dead_letter_of_before_changes_nothing_for_an_order_that_is_on_its_way(status, system):
    """As after a redrive, whose order has a message of its own."""
    before = standing(status, system)
    later(system, POLICY.lease - timedelta(seconds=1))
    assert reconcile(system) == {}
    assert system.store.get("ord_1") == before


@pytest.mark.parametrize("body", ["", "poison", "[]", '{"order_id": 5}', message("ord_unknown")])
def test_a_poison_letter_is_passed_over(body, system):
    processing(system, attempts=3)
    later(system, POLICY.lease)
    system.dead_letters.put(body)
    system.dead_letters.messages.reverse()
    assert reconcile(system) == {"gave_up": 1}


def test_a_queue_that_cannot_be_looked_at_does_not_stop_the_rest(system):
    pending(system)
    later(system, POLICY.resend_after)
    system.dead_letters.broken = ConnectionError("canary")
    assert reconcile(system) == {"resent": 1, "errors": 1}
