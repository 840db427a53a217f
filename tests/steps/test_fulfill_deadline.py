"""The deadline of a batch: exactly the messages that are not finished in time stay on the queue."""

from dataclasses import replace
from threading import Event

import pytest

from service.orders.lifecycle import Status
from service.settings import SettingsError
from service.steps import batch, fulfill
from tests.polling import PATIENCE, eventually
from tests.steps.doubles import (
    DONE,
    CallbackFulfiller,
    PatchedStore,
    Scripted,
    deliver,
    later,
    message,
    pending,
    processing,
)
from tests.support import SETTINGS, MemorySystem, sqs_event

MARGIN = 1.0  # seconds; the batch waits for running attempts until half of it is left


@pytest.fixture
def system():
    system = MemorySystem(settings=replace(SETTINGS, deadline_margin=MARGIN))
    system.fulfiller = Scripted(DONE)
    return system


def deliver_until(system, seconds_left, *order_ids):
    answer = fulfill.run(sqs_event(*map(message, order_ids))["Records"], system, seconds_left)
    return sorted(failure["itemIdentifier"] for failure in answer["batchItemFailures"])


@pytest.mark.parametrize("seconds", [MARGIN, MARGIN / 2, 0.001, 0, -1])
def test_near_the_deadline_no_record_is_started_and_all_stay(seconds, system):
    before = [pending(system, order_id) for order_id in ("ord_1", "ord_2")]
    assert deliver(system, message("ord_1"), message("ord_2"), seconds=seconds) == ["m1", "m2"]
    assert [system.store.get("ord_1"), system.store.get("ord_2")] == before
    assert system.fulfiller.asked == []


def test_a_deadline_margin_as_long_as_the_timeout_is_refused():
    """The function would never start a record, and every message would end in the dead-letter queue."""
    with pytest.raises(SettingsError, match="DOFS_DEADLINE_MARGIN"):
        replace(SETTINGS, function_timeout=5, deadline_margin=5)


def test_just_before_the_margin_records_are_started(system):
    pending(system)
    assert deliver(system, message("ord_1"), seconds=MARGIN + 0.1) == []


def test_no_record_is_started_once_time_runs_short(system, monkeypatch):
    """Ten attempts end when the time has run short: the eleventh and the twelfth record must not start then."""
    ids = [f"ord_{number}" for number in range(1, 13)]
    before = [pending(system, order_id) for order_id in ids]
    left, batch_waits, wait = [30.0], Event(), batch.wait

    def wait_for_attempts(*args):
        batch_waits.set()
        return wait(*args)

    def end_when_time_runs_short(_order):
        batch_waits.wait(PATIENCE)
        left[0] = MARGIN

    monkeypatch.setattr(batch, "wait", wait_for_attempts)
    system.fulfiller = CallbackFulfiller(end_when_time_runs_short)
    reported = deliver_until(system, lambda: left[0], *ids)
    assert set(reported) >= {"m11", "m12"}
    assert [system.store.get(order_id) for order_id in ids[10:]] == before[10:]


def test_only_records_still_running_at_the_deadline_stay(system):
    for order_id in ("ord_fast", "ord_slow", "ord_fast_too"):
        pending(system, order_id)
    released = Event()
    fast = ("ord_fast", "ord_fast_too")

    def seconds_left():
        finished = all(system.store.get(order_id).status is Status.FULFILLED for order_id in fast)
        return MARGIN if finished else 30

    system.fulfiller = CallbackFulfiller(lambda order: order.order_id == "ord_slow" and released.wait(PATIENCE))
    try:
        assert deliver_until(system, seconds_left, "ord_fast", "ord_slow", "ord_fast_too") == ["m2"]
        assert system.store.get("ord_slow").status is Status.PROCESSING
    finally:
        released.set()
    eventually(lambda: system.store.get("ord_slow").status is Status.FULFILLED)
    assert deliver(system, message("ord_slow")) == []  # the redelivered message is acknowledged
    assert system.store.get("ord_slow").attempts == 1


def test_a_batch_returns_half_a_margin_before_its_deadline(system, monkeypatch):
    """At the deadline Lambda ends the function, and then the whole batch is delivered again."""
    pending(system)
    left, released = [30.0], Event()

    def wait_on_a_clock_of_its_own(running, seconds, _until):
        left[0] -= seconds
        return set(), running

    monkeypatch.setattr(batch, "wait", wait_on_a_clock_of_its_own)
    system.fulfiller = CallbackFulfiller(lambda order: released.wait(PATIENCE))
    try:
        assert deliver_until(system, lambda: left[0], "ord_1") == ["m1"]
        assert left[0] == MARGIN / 2
    finally:
        released.set()


def test_an_attempt_that_never_ends_is_taken_over_after_its_lease(system):
    pending(system)
    asked, released = Event(), Event()
    system.fulfiller = CallbackFulfiller(lambda order: asked.set() or released.wait(PATIENCE))
    try:
        assert deliver_until(system, lambda: MARGIN if asked.is_set() else 30, "ord_1") == ["m1"]
        later(system, system.policy.lease)
        system.fulfiller = Scripted(DONE)
        assert deliver(system, message("ord_1")) == []
        order = system.store.get("ord_1")
        assert (order.status, order.attempts) == (Status.FULFILLED, 2)
    finally:
        released.set()


def test_the_time_limit_of_an_attempt_is_before_the_deadline(system):
    pending(system)
    deliver(system, message("ord_1"), seconds=10)
    assert system.fulfiller.seconds == [10 - MARGIN]


def test_the_time_limit_of_a_look_is_before_the_deadline(system):
    processing(system, attempts=3)
    later(system, system.policy.lease)
    seconds = []
    system.fulfiller.look = lambda _, left: seconds.append(left) or DONE
    deliver(system, message("ord_1"), seconds=10)
    assert seconds == [10 - MARGIN]


def test_the_time_limit_of_an_attempt_is_what_is_left_after_the_claim(system):
    pending(system)
    left = [10.0]

    def claim_slowly(store, write):
        left[0] -= 3.5 if write.name == "claim" else 0
        return store.apply(write)

    system.store = PatchedStore(system.store, apply=claim_slowly)
    assert deliver_until(system, lambda: left[0], "ord_1") == []
    assert system.fulfiller.seconds == [6.5 - MARGIN]


def test_the_time_limit_of_an_attempt_is_before_the_end_of_its_lease(system):
    """The deadline comes first, unless the clock jumps or the claim hangs."""
    pending(system)

    def claim_slowly(store, write):
        if write.name == "claim":
            system.now.forward(system.policy.lease.total_seconds() - 4)
        return store.apply(write)

    system.store = PatchedStore(system.store, apply=claim_slowly)
    assert deliver(system, message("ord_1"), seconds=30) == []
    assert system.fulfiller.seconds == [4 - MARGIN]


def test_an_attempt_whose_claim_leaves_no_time_asks_nothing_and_does_not_count(system):
    pending(system)
    left = [10.0]

    def claim_slowly(store, write):
        left[0] -= 9.5 if write.name == "claim" else 0
        return store.apply(write)

    system.store = PatchedStore(system.store, apply=claim_slowly)
    assert deliver_until(system, lambda: left[0], "ord_1") == ["m1"]
    order = system.store.get("ord_1")
    assert (order.status, order.asked, order.attempts) == (Status.PENDING, 0, 0)
    assert (system.fulfiller.asked, system.brake.row.refusals) == ([], 0)
