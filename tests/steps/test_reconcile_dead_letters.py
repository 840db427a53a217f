"""The reconciler moves the open orders that messages in the dead-letter queue name."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from service.orders.lifecycle import Status
from service.orders.model import FailureKind
from tests.steps.doubles import DONE, Scripted, later, message, pending, processing, reconcile, standing
from tests.support import SETTINGS, MemorySystem
from tests.transition_table import OPEN_STATES, TERMINAL_STATES

POLICY = SETTINGS.policy


@pytest.fixture
def system():
    system = MemorySystem(fulfiller=Scripted(DONE))
    system.dead_letters.put(message("ord_1"))
    return system


def test_a_dead_letter_message_gives_up_an_order_as_soon_as_its_lease_expires(system):
    held = processing(system, attempts=3)
    system.now.at = held.lease_until
    assert reconcile(system) == {}
    system.now.forward(0.001)
    assert reconcile(system) == {"gave_up": 1}
    assert system.store.get_failed("ord_1").kind is FailureKind.ABANDONED
    assert system.queue.sent == []


def test_a_dead_letter_message_resends_an_order_as_soon_as_its_lease_expires(system):
    processing(system, attempts=2)
    later(system, POLICY.lease)
    assert reconcile(system) == {"recovered": 1}
    assert (system.store.get("ord_1").status, system.queue.sent) == (Status.PENDING, ["ord_1"])


def test_a_dead_letter_message_resends_a_pending_order_earlier(system):
    """Its message was received without a claim until it was dead, for example because Lambda throttled the function."""
    pending(system)
    system.now.forward(POLICY.recover_after.total_seconds())
    assert reconcile(system) == {}
    system.now.forward(0.001)
    assert POLICY.recover_after < POLICY.resend_after
    assert reconcile(system) == {"resent": 1}
    assert system.queue.sent == ["ord_1"]


def test_a_pending_order_without_attempts_left_is_given_up_at_once(system):
    """An operator can lower the maximum of attempts."""
    processing(system, attempts=2)
    later(system, POLICY.lease)
    assert reconcile(system) == {"recovered": 1}
    assert reconcile(system) == {}
    system.settings = replace(SETTINGS, max_attempts=2)
    assert reconcile(system) == {"gave_up": 1}
    assert system.store.get("ord_1").status is Status.FAILED


def test_a_dead_letter_message_does_not_restart_a_received_order_earlier(system):
    """A workflow sends the message only after the order is PENDING, so this message was sent by hand."""
    system.settings = replace(SETTINGS, restart_after=3000)
    system.receive()
    later(system, POLICY.recover_after)
    assert reconcile(system) == {}
    later(system, system.policy.restart_after)
    assert reconcile(system) == {"restarted": 1}


def test_resends_for_a_remaining_dead_letter_message_have_backoff(system):
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
def test_the_dead_letter_message_of_a_terminal_order_changes_nothing(status, system):
    before = standing(status, system)
    later(system, timedelta(days=13))
    assert reconcile(system) == {}
    assert (system.store.get("ord_1"), system.queue.sent) == (before, [])


@pytest.mark.parametrize("status", OPEN_STATES)
def test_an_old_dead_letter_message_does_not_change_an_open_order(status, system):
    """After a redrive, the order has a new message."""
    before = standing(status, system)
    later(system, POLICY.lease - timedelta(seconds=1))
    assert reconcile(system) == {}
    assert system.store.get("ord_1") == before


@pytest.mark.parametrize("body", ["", "poison", "[]", '{"order_id": 5}', message("ord_unknown")])
def test_a_poison_message_in_the_dead_letter_queue_is_skipped(body, system):
    processing(system, attempts=3)
    later(system, POLICY.lease)
    system.dead_letters.put(body)
    system.dead_letters.messages.reverse()
    assert reconcile(system) == {"gave_up": 1}


def test_an_unavailable_dead_letter_queue_does_not_stop_a_run(system):
    pending(system)
    later(system, POLICY.resend_after)
    system.dead_letters.broken = ConnectionError("canary")
    assert reconcile(system) == {"resent": 1, "errors": 1}
