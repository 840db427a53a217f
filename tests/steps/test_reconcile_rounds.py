"""Each state has its share of a run's time, and pushes run side by side; a state that hangs stops no other."""

import time
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from threading import Barrier, Event, Lock

import pytest

from service.orders.lifecycle import Status
from service.orders.ports import Unavailable
from service.steps import reconcile as step
from service.steps.reconcile import run
from service.steps.rounds import STOP_AFTER
from tests.polling import PATIENCE
from tests.simulation.virtual import VirtualClock
from tests.steps.doubles import (
    DONE,
    NOT_FOUND,
    PatchedStore,
    Scripted,
    later,
    pending,
    processing,
    reconcile,
    standing,
)
from tests.support import SETTINGS, CountingMetrics, MemorySystem
from tests.transition_table import OPEN_STATES

POLICY = SETTINGS.policy
MARGIN = POLICY.deadline_margin.total_seconds()
DOWN = Unavailable("states StartExecution: ReadTimeoutError")
THROTTLED = Unavailable("states StartExecution: ThrottlingException", throttled=True)


def parallel(count, **changes):
    """A system whose reconciler pushes some orders of a state at the same time."""
    return MemorySystem(settings=replace(SETTINGS, reconcile_parallel=count, **changes))


def received(system, count):
    for number in range(count):
        system.receive(f"ord_{number:03}")
    later(system, POLICY.restart_after)


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.mark.parametrize("count", [1, 3])
def test_a_hanging_workflow_start_leaves_time_for_every_other_state(count, clock):
    system = parallel(count)
    for status in OPEN_STATES:
        for number in range(5):
            standing(status, system, f"{status}-{number}")
    later(system, POLICY.resend_after)
    system.workflow.start = clock.hang
    done = clock.run(lambda: run({}, system, clock.left_of(30)))
    assert (done["restarted"], done["recovered"], done["resent"], done["out_of_time"]) == (0, 5, 5, 1)
    assert sorted(system.queue.sent) == sorted(f"{each}-{n}" for each in ("PENDING", "PROCESSING") for n in range(5))


def test_an_order_whose_start_hangs_stops_no_other_order_of_its_state(clock):
    system = parallel(1)
    received(system, 5)
    started = []
    system.workflow.start = lambda order_id, *_: (
        clock.hang() if order_id == "ord_000" else started.append(order_id) or True
    )
    done = clock.run(lambda: run({}, system, clock.left_of(30)))
    assert (done["restarted"], done["out_of_time"]) == (4, 1)


@pytest.mark.parametrize("port", ["workflow", "queue", "warehouse", "dead letters", "lists"])
def test_a_run_returns_before_its_deadline_whatever_hangs(port, clock):
    system = parallel(2)
    system.fulfiller = Scripted(DONE)
    for status in OPEN_STATES:
        standing(status, system, f"{status}-1")
    processing(system, "spent", attempts=3)
    later(system, POLICY.resend_after)
    match port:
        case "workflow":
            system.workflow.start = clock.hang
        case "queue":
            system.queue.send = clock.hang
        case "warehouse":
            system.fulfiller.look = clock.hang
        case "dead letters":
            system.dead_letters.peek = clock.hang
        case _:
            system.store = PatchedStore(system.store, list_waiting=clock.hang)
    done = clock.run(lambda: run({}, system, clock.left_of(30)))
    assert 25 <= clock.now <= 30 - MARGIN / 2
    assert done["out_of_time"] == 1
    assert system.metrics.counts["ReconcilerRuns",] == 1


def test_a_state_that_hangs_uses_no_more_than_its_share_before_the_others(clock):
    system = parallel(2)
    system.receive()
    pending(system, "ord_pending")
    later(system, POLICY.resend_after)
    system.workflow.start = clock.hang
    sent = []
    system.queue.send = lambda message: sent.append(clock.now)
    clock.run(lambda: run({}, system, clock.left_of(25 + MARGIN)))
    assert sent == [pytest.approx(25 / 6, abs=0.01)], "a sixth of the time, as there are six rounds"


def test_a_thread_that_hangs_is_left_behind():
    """With real threads."""
    system, release = parallel(3, deadline_margin=0.2), Event()
    received(system, 10)
    system.workflow.start = lambda *_: release.wait(PATIENCE)
    ends = time.monotonic() + 0.4
    try:
        assert run({}, system, lambda: ends - time.monotonic())["out_of_time"] == 1
    finally:
        release.set()


def test_the_time_that_the_others_leave_is_used(clock):
    """The first state needs more than its share, and gets it after the others had theirs."""
    system = parallel(1)
    received(system, 20)
    system.workflow.start = lambda *_: clock.sleep(1) or True
    done = clock.run(lambda: run({}, system, clock.left_of(25 + MARGIN)))
    assert (done["restarted"], done["out_of_time"]) == (20, 0)


def test_a_state_with_many_orders_does_not_use_up_the_time_of_the_others(clock):
    system = parallel(1)
    for number in range(3):
        pending(system, f"pending-{number}")
    received(system, 90)
    later(system, POLICY.resend_after)
    system.workflow.start = lambda *_: clock.sleep(1) or True
    system.queue.send = lambda _: clock.sleep(1)
    done = clock.run(lambda: run({}, system, clock.left_of(25 + MARGIN)))
    assert (done["resent"], done["out_of_time"]) == (3, 1)
    assert 20 <= done["restarted"] <= 24


def test_no_push_begins_after_the_deadline(clock):
    system, began = parallel(2), []
    received(system, 90)

    def start(order_id, name, traceparent):
        began.append(clock.now)
        clock.sleep(1)
        return True

    system.workflow.start = start
    clock.run(lambda: run({}, system, clock.left_of(10 + MARGIN)))
    clock.run(lambda: clock.sleep(60))
    assert 18 <= len(began) <= 24
    assert max(began) < 10


def test_a_push_that_outlives_its_turn_is_counted(clock):
    system = parallel(1)
    system.fulfiller = Scripted(DONE)
    processing(system, attempts=3)
    later(system, POLICY.recover_after)
    system.fulfiller.look = lambda *_: clock.sleep(12) or NOT_FOUND
    done = clock.run(lambda: run({}, system, clock.left_of(25 + MARGIN)))
    assert (done["gave_up"], done["out_of_time"]) == (1, 0)


def test_a_push_that_outlives_the_last_turn_is_counted(clock):
    """A run waits for running pushes until half of the margin is left."""
    system = parallel(1)
    processing(system, attempts=3)
    later(system, POLICY.recover_after)
    system.fulfiller = Scripted(DONE)
    system.fulfiller.look = lambda *_: clock.sleep(25 + MARGIN / 4) or NOT_FOUND
    done = clock.run(lambda: run({}, system, clock.left_of(25 + MARGIN)))
    assert (done["gave_up"], done["out_of_time"]) == (1, 0)


def test_pushes_of_one_state_run_side_by_side():
    system = parallel(4)
    received(system, 8)
    together = Barrier(4)

    def start(order_id, name, traceparent):
        together.wait(PATIENCE)
        return True

    system.workflow.start = start
    assert reconcile(system) == {"restarted": 8}


def test_no_more_pushes_than_the_setting_run_at_the_same_time():
    system, lock, now, most = parallel(3), Lock(), set(), []
    received(system, 12)

    def start(order_id, name, traceparent):
        with lock:
            now.add(order_id)
            most.append(len(now))
        time.sleep(0.001)
        with lock:
            now.remove(order_id)
        return True

    system.workflow.start = start
    assert reconcile(system) == {"restarted": 12}
    assert max(most) <= 3


def test_a_service_that_does_not_answer_is_asked_a_few_times_in_a_run():
    """Each call can take seconds, and the others wait for them."""
    system, asked = parallel(1), []
    received(system, 50)
    pending(system, "ord_pending")
    later(system, POLICY.resend_after)

    def start(order_id, name, traceparent):
        asked.append(order_id)
        raise DOWN

    system.workflow.start = start
    assert reconcile(system) == {"errors": STOP_AFTER, "resent": 1}
    assert asked == [f"ord_{number:03}" for number in range(STOP_AFTER)]
    assert {order.version for order in system.store.orders.values() if order.status is Status.RECEIVED} == {1}


def test_orders_that_fail_for_a_reason_of_their_own_do_not_end_the_round():
    system = parallel(1, restart_limit=3)
    received(system, 20)

    def start(order_id, name, traceparent):
        if order_id < "ord_010":
            raise ValueError("canary")
        return True

    system.workflow.start = start
    assert reconcile(system) == {"errors": 10, "restarted": 3}, "failures do not use up the limit"


def test_single_missing_answers_do_not_end_the_round():
    system = parallel(1)
    received(system, 20)
    numbers = iter(range(20))

    def start(order_id, name, traceparent):
        if next(numbers) % 2:
            raise DOWN
        return True

    system.workflow.start = start
    assert reconcile(system) == {"restarted": 10, "errors": 10}


def test_throttling_slows_a_round_down_and_does_not_end_it(clock):
    """A service that admits ten calls a second is asked little more often, and all of its quota is used."""
    system, asked, bucket = parallel(20), [], [10.0, 0.0]
    received(system, 100)

    def start(order_id, name, traceparent):
        asked.append(clock.now)
        clock.sleep(0.02)
        bucket[:] = [min(10.0, bucket[0] + 10 * (clock.now - bucket[1])), clock.now]
        if bucket[0] < 1:
            raise THROTTLED
        bucket[0] -= 1
        return True

    system.workflow.start = start
    done = clock.run(lambda: run({}, system, clock.left_of(30)))
    assert done["restarted"] + done["errors"] == 100
    assert done["restarted"] >= 0.6 * (10 + 10 * asked[-1])
    assert asked[-1] > 3, "without a pause, a hundred calls take a tenth of a second"


def test_throttled_starts_write_nothing_and_are_due_in_the_next_run(monkeypatch):
    monkeypatch.setattr(step, "sleep", lambda _: None)
    system = parallel(1)
    received(system, 3)
    system.workflow.broken = THROTTLED
    assert reconcile(system) == {"errors": 3}
    system.workflow.broken = None
    assert reconcile(system) == {"restarted": 3}
    assert Counter(name for _, name in system.workflow.started) == Counter(f"ord_{number:03}-1" for number in range(3))


def test_throttling_halves_the_pushes_at_a_time(monkeypatch):
    monkeypatch.setattr(step, "sleep", lambda _: None)
    system = parallel(8)
    received(system, 30)
    alone = []
    lock, running = Lock(), set()

    def start(order_id, name, traceparent):
        with lock:
            running.add(order_id)
            alone.append(len(running))
        time.sleep(0.002)
        with lock:
            running.remove(order_id)
        raise THROTTLED

    system.workflow.start = start
    assert reconcile(system) == {"errors": 30}
    assert set(alone[-10:]) == {1}


def test_pushes_run_side_by_side_again_when_the_throttling_is_over(clock):
    system, began = parallel(4), []
    received(system, 30)

    def start(order_id, name, traceparent):
        began.append(clock.now)
        clock.sleep(1)
        if len(began) <= 8:
            raise THROTTLED
        return True

    system.workflow.start = start
    clock.run(lambda: run({}, system, clock.left_of(100)))
    assert [began.count(second) for second in sorted(set(began))[-3:-1]] == [4, 4]


def test_pages_are_read_while_orders_are_due_and_up_to_the_limit():
    system = parallel(4, restart_limit=250)
    for number in range(1_000):
        system.receive(f"ord_{number:03}")
        system.now.forward(0.001)
    later(system, POLICY.restart_after)
    pages = []

    def read(store, *args):
        for page in store.list_waiting(*args):
            pages.append(len(page))
            yield page

    system.store = PatchedStore(system.store, list_waiting=read)
    assert reconcile(system) == {"restarted": 250}
    assert sum(pages) <= 300 + 100, "a page is read ahead"
    started = sorted(order_id for order_id, _ in system.workflow.started)
    assert started == [f"ord_{number:03}" for number in range(250)], "the longest waiting first"


def test_an_order_that_raises_anything_stops_no_other():
    system = parallel(2)
    system.metrics = CountingMetrics()
    received(system, 4)
    system.workflow.start = lambda *_: 1 / 0
    pending(system, "ord_pending")
    later(system, POLICY.resend_after + timedelta(seconds=1))
    assert reconcile(system) == {"errors": 4, "resent": 1}
