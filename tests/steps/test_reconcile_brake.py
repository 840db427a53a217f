"""The reconciler while the warehouse takes nothing, and after it takes orders again."""

from dataclasses import replace
from datetime import timedelta

import pytest

from service.orders.brake import LONGEST_PAUSE, PROBE_EVERY, Brake
from service.orders.lifecycle import Status
from service.orders.ports import Unavailable
from service.orders.warehouse import Answer, State
from service.settings import Settings
from tests.steps.doubles import DONE, Scripted, deliver, later, message, pending, processing, reconcile
from tests.support import SETTINGS, START, MemorySystem

POLICY = SETTINGS.policy
NOT_TAKEN = Answer(State.NOT_TAKEN, "HTTP 503")
HOUR = timedelta(hours=1)


@pytest.fixture
def system() -> MemorySystem:
    system = MemorySystem()
    system.fulfiller = Scripted(NOT_TAKEN, looks=NOT_TAKEN)
    return system


def put_on(system: MemorySystem, probe_in: timedelta = PROBE_EVERY) -> None:
    system.brake.row = Brake(refusals=3, since=system.now(), probe_at=system.now() + probe_in, version=1)


def test_no_waiting_order_is_sent_between_two_probes(system):
    for number in range(3):
        pending(system, f"ord_{number}")
    put_on(system, probe_in=HOUR + LONGEST_PAUSE)
    later(system, HOUR)
    assert reconcile(system) == {}
    assert system.queue.sent == []


def test_the_oldest_waiting_order_is_sent_as_a_probe_and_the_next_one_in_the_next_run(system):
    for number in range(3):
        pending(system, f"ord_{number}")
        system.now.forward(1)
    put_on(system)
    for sent in (["ord_0"], ["ord_0", "ord_1"]):
        later(system, PROBE_EVERY)
        assert reconcile(system) == {"resent": 1}
        assert system.queue.sent == sent


def test_an_order_that_this_run_has_recovered_is_not_sent_again_as_a_probe(system):
    processing(system)
    later(system, max(POLICY.recover_after, POLICY.lease))
    put_on(system, probe_in=timedelta(0))
    clock = system.now

    def tick():
        clock.forward(0.001)
        return clock()

    system.now = tick
    assert reconcile(system) == {"recovered": 1}
    assert system.queue.sent == ["ord_1"]


def test_orders_that_waited_for_the_warehouse_are_sent_in_the_first_run_after_it_takes_one(system):
    for number in range(50):
        pending(system, f"ord_{number}")
    put_on(system)
    later(system, PROBE_EVERY)
    system.fulfiller = Scripted(DONE)
    deliver(system, message("ord_0"))
    system.now.forward(1)
    pending(system, "ord_new")
    assert reconcile(system) == {"resent": 49}
    assert sorted(system.queue.sent) == sorted(f"ord_{number}" for number in range(1, 50))
    assert reconcile(system) == {}, "each is sent once"


def test_ten_thousand_waiting_orders_are_sent_within_fifteen_minutes(caplog):
    caplog.set_level("ERROR")
    default = Settings.__dataclass_fields__["reconcile_limit"].default
    system = MemorySystem(settings=replace(SETTINGS, reconcile_limit=default))
    waiting, minutes = 10_000, 15
    first = pending(system, "ord_0")
    for number in range(1, waiting):
        system.store.orders[f"ord_{number}"] = replace(first, order_id=f"ord_{number}")
    system.now.forward(1)
    system.brake.row = Brake(released_at=system.now(), version=5)
    for _ in range(minutes):
        system.now.forward(60)
        reconcile(system)
    assert len(system.queue.sent) == len(set(system.queue.sent)) == waiting


def test_an_order_without_attempts_left_is_not_failed_by_a_warehouse_that_takes_nothing(system):
    processing(system, attempts=3)
    later(system, POLICY.recover_after)
    put_on(system)
    reconcile(system)
    assert system.store.get("ord_1").status is Status.PROCESSING
    system.fulfiller = Scripted(NOT_TAKEN, looks=DONE)
    reconcile(system)
    assert system.store.get("ord_1").status is Status.FULFILLED


def test_a_run_under_the_brake_is_counted_for_the_alarm(system):
    reconcile(system)
    assert ("WarehouseBrake",) not in system.metrics.counts
    put_on(system)
    reconcile(system)
    assert system.metrics.counts["WarehouseBrake",] == 1


def test_a_brake_that_cannot_be_read_stops_no_run(system):
    pending(system)
    system.brake.broken = Unavailable("dynamodb GetItem: ThrottlingException")
    later(system, POLICY.resend_after)
    assert reconcile(system) == {"resent": 1}


def test_a_released_brake_makes_only_older_orders_due(system):
    system.brake.row = Brake(released_at=START - timedelta(days=1), version=5)
    pending(system)
    system.now.forward(1)
    assert reconcile(system) == {}
