"""An operator sends a failed order again: once, on record, and only if it is still FAILED."""

import pytest

from service.orders.lifecycle import Status
from service.orders.model import TimelineEntry
from service.orders.ports import OrderUnknown
from service.orders.redrive import NotFailed, redrive
from tests.steps.doubles import DECLINED, Interposed, Scripted, deliver, later, message, reconcile, standing
from tests.support import SETTINGS, MemorySystem


@pytest.fixture
def system():
    return MemorySystem()


def send_again(system):
    return redrive("ord_1", "jo", "the warehouse is open again", system)


def test_a_failed_order_waits_again_with_all_its_attempts_and_is_sent(system):
    failed = standing(Status.FAILED, system)
    order = send_again(system)
    assert order == system.store.get("ord_1")
    assert (order.status, order.epoch, order.attempts, order.version) == (Status.PENDING, 1, 0, failed.version + 1)
    assert order.timeline[-1] == TimelineEntry(
        system.now(), Status.FAILED, Status.PENDING, "jo", "the warehouse is open again"
    )
    assert system.store.failed("ord_1") is None
    assert system.queue.sent == ["ord_1"]


def test_it_has_three_attempts_more(system):
    standing(Status.FAILED, system)
    send_again(system)
    system.fulfiller = Scripted(DECLINED)
    for _ in range(3):
        assert system.store.get("ord_1").status is Status.PENDING
        deliver(system, message("ord_1"))
    assert (system.store.get("ord_1").status, system.store.failed("ord_1").epoch) == (Status.FAILED, 1)


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.FAILED])
def test_an_order_that_is_not_failed_is_left_as_it_is(status, system):
    before = standing(status, system)
    with pytest.raises(NotFailed, match=f"order ord_1 is {status}"):
        send_again(system)
    assert (system.store.get("ord_1"), system.queue.sent) == (before, [])


def test_two_operators_at_once_send_it_once(system):
    standing(Status.FAILED, system)
    real = system.store

    def faster(store, order_id):
        seen = store.get(order_id)
        system.store = real
        send_again(system)
        return seen

    system.store = Interposed(real, get=faster)
    with pytest.raises(NotFailed, match="is PENDING"):
        send_again(system)
    assert (real.get("ord_1").epoch, system.queue.sent) == (1, ["ord_1"])


def test_an_unknown_order_is_an_error_that_names_it(system):
    with pytest.raises(OrderUnknown, match="ord_1"):
        send_again(system)


def test_an_order_that_could_not_be_sent_is_sent_by_the_reconciler(system, caplog):
    standing(Status.FAILED, system)
    system.queue.broken = ConnectionError("canary")
    assert send_again(system).status is Status.PENDING
    assert "order ord_1: not sent (ConnectionError); the reconciler will send it" in caplog.text
    system.queue.broken = None
    later(system, SETTINGS.policy.resend_after)
    assert reconcile(system) == {"resent": 1}
    assert system.queue.sent == ["ord_1"]
