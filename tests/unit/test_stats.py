"""Statistics of a running system: counts, the oldest open order, and the terminal orders of the last hour."""

from datetime import timedelta

import pytest

from service.orders import stats
from service.orders.brake import Brake
from service.orders.counts import Tally
from service.orders.lifecycle import Status
from service.orders.model import FailureKind
from tests.steps.doubles import message, pending, standing
from tests.support import START, MemorySystem


@pytest.fixture
def system():
    return MemorySystem()


def test_statistics_of_an_empty_system_are_zero(system):
    taken = stats.take(system)
    assert set(taken.orders.values()) == set(taken.failed.values()) == {Tally(0, exact=True)}
    assert taken.orders.keys() == set(Status)
    assert taken.oldest_open is None
    assert (taken.last_hour.success_rate, taken.last_hour.to_fulfillment) == (None, None)
    assert len(taken.last_hour.minutes) == 60


def test_orders_are_counted_by_status_and_failed_ones_by_reason(system):
    for number, status in enumerate((*Status, Status.FAILED)):
        standing(status, system, f"ord_{number}")
    taken = stats.take(system)
    assert {status: tally.count for status, tally in taken.orders.items()} == {
        status: 2 if status is Status.FAILED else 1 for status in Status
    }
    assert taken.failed[FailureKind.DECLINED].count + taken.failed[FailureKind.REFUSED].count == 2


def test_the_oldest_open_order_has_been_unchanged_the_longest(system):
    standing(Status.FULFILLED, system, "ord_done")
    system.now.forward(1)
    standing(Status.PENDING, system, "ord_old")
    system.now.forward(1)
    standing(Status.RECEIVED, system, "ord_new")
    system.now.forward(1)
    assert stats.take(system).oldest_open.order_id == "ord_old"


def test_the_depth_of_each_queue_is_shown(system):
    pending(system)
    system.queue.sent = ["ord_1", "ord_2"]
    system.dead_letters.put(message("ord_3"))
    taken = stats.take(system)
    assert (taken.queue.visible, taken.dead_letters.visible) == (2, 1)


def test_the_brake_is_shown(system):
    system.brake.row = Brake(refusals=3, since=START, probe_at=START)
    assert stats.take(system).brake == system.brake.row


def test_the_last_hour_counts_terminal_orders_by_minute(system):
    standing(Status.FULFILLED, system, "ord_too_old")
    system.now.at = START + timedelta(hours=2)
    standing(Status.FULFILLED, system, "ord_1")
    system.now.forward(600)
    standing(Status.FULFILLED, system, "ord_2")
    standing(Status.FAILED, system, "ord_3")
    hour = stats.take(system).last_hour
    assert (hour.since, hour.fulfilled, hour.failed) == (system.now() - timedelta(hours=1), 2, 1)
    assert hour.success_rate == pytest.approx(2 / 3)
    busy = [minute for minute in hour.minutes if minute.fulfilled or minute.failed]
    assert [(minute.fulfilled, minute.failed) for minute in busy] == [(1, 0), (1, 1)]
    assert busy[1].at - busy[0].at == timedelta(minutes=10)
    assert hour.minutes[-1].at == system.now().replace(second=0, microsecond=0)
    assert hour.to_fulfillment.orders == 2


def test_too_many_terminal_orders_shorten_the_span_for_both_statuses(system, monkeypatch):
    monkeypatch.setattr(stats, "LOOKED_AT", 3)
    for number in range(5):
        system.now.forward(60)
        standing(Status.FULFILLED, system, f"ord_good_{number}")
        standing(Status.FAILED, system, f"ord_bad_{number}")
    standing(Status.FAILED, system, "ord_bad_5")
    hour = stats.take(system).last_hour
    assert hour.since > system.now() - timedelta(hours=1)
    assert sum(minute.fulfilled for minute in hour.minutes) == hour.fulfilled
    assert sum(minute.failed for minute in hour.minutes) == hour.failed
    assert hour.fulfilled + hour.failed <= 6


def test_a_redriven_order_counts_by_its_final_status(system):
    from service.orders.orders import Orders
    from tests.steps.doubles import deliver

    standing(Status.FAILED, system)
    assert stats.take(system).last_hour.failed == 1
    Orders(system).redrive("ord_1", "jo", "again")
    assert stats.take(system).last_hour.success_rate is None
    assert deliver(system, message("ord_1")) == []
    assert stats.take(system).last_hour.success_rate == 1


@pytest.mark.parametrize(
    ("count", "wanted"),
    [(1, (1, 1, 1)), (2, (1, 2, 2)), (20, (10, 19, 20)), (100, (50, 95, 99)), (200, (100, 190, 198))],
)
def test_percentiles_use_the_nearest_rank(count, wanted):
    found = stats.percentiles([timedelta(seconds=number) for number in reversed(range(1, count + 1))])
    assert tuple(each.total_seconds() for each in (found.p50, found.p95, found.p99)) == wanted
    assert found.orders == count


def test_no_durations_have_no_percentiles():
    assert stats.percentiles([]) is None
