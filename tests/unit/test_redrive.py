"""An operator redrives failed orders: each once, with a note in its timeline, and only while it is FAILED."""

from dataclasses import replace

import pytest

from service.orders.deliveries import Deliveries
from service.orders.errors import DeliveryOpen, NotFailed, OrderUnknown
from service.orders.lifecycle import UNSUCCESSFUL, Status
from service.orders.model import FailureKind, TimelineEntry
from service.orders.orders import Orders
from service.orders.redrive import Outcome, Pace, Result, Selection, redrive_many, select, validate_note
from service.orders.warehouse import Answer, State
from tests.steps.doubles import (
    DECLINED,
    DONE,
    PARCEL,
    REFUSED,
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
from tests.warehouse_answers import CANCELLED, TOO_LATE


@pytest.fixture
def system():
    return MemorySystem()


def send_again(system):
    return Orders(system).redrive("ord_1", "jo", "the warehouse is open again")


def test_a_redriven_order_is_pending_with_all_its_attempts_and_is_sent(system):
    failed = standing(Status.FAILED, system)
    order = send_again(system)
    assert order == system.store.get("ord_1")
    assert (order.status, order.epoch, order.attempts, order.version) == (Status.PENDING, 1, 0, failed.version + 1)
    assert order.timeline[-1] == TimelineEntry(
        system.now(), Status.FAILED, Status.PENDING, "jo", "the warehouse is open again"
    )
    assert system.store.get_failed("ord_1") is None
    assert system.queue.sent == ["ord_1"]


def test_a_redriven_order_gets_three_more_attempts(system):
    standing(Status.FAILED, system)
    send_again(system)
    system.fulfiller = Scripted(DECLINED)
    for _ in range(3):
        assert system.store.get("ord_1").status is Status.PENDING
        deliver(system, message("ord_1"))
    assert (system.store.get("ord_1").status, system.store.get_failed("ord_1").epoch) == (Status.FAILED, 1)


@pytest.mark.parametrize("status", sorted(set(Status) - UNSUCCESSFUL))
def test_only_a_failed_order_can_be_redriven(status, system):
    before = standing(status, system)
    with pytest.raises(NotFailed, match=f"order ord_1 is {status}"):
        send_again(system)
    assert (system.store.get("ord_1"), system.queue.sent) == (before, [])


def test_two_redrives_at_the_same_time_send_one_message(system):
    standing(Status.FAILED, system)
    real = system.store

    def faster(store, order_id):
        seen = store.get(order_id)
        system.store = real
        send_again(system)
        return seen

    system.store = PatchedStore(real, get=faster)
    with pytest.raises(NotFailed, match="is PENDING"):
        send_again(system)
    assert (real.get("ord_1").epoch, system.queue.sent) == (1, ["ord_1"])


def may_be_shipped(system):
    """Put an order into the store that failed without an answer of the warehouse."""
    processing(system, attempts=3)
    later(system, SETTINGS.policy.recover_after)
    system.fulfiller = Scripted(TimeoutError(), looks=TimeoutError())
    reconcile(system)
    assert system.store.get("ord_1").asked


@pytest.mark.parametrize(
    ("look", "new_delivery", "delivery"), [(TimeoutError(), False, 1), (TimeoutError(), True, 2), (REFUSED, True, 2)]
)
def test_a_redrive_goes_through_although_the_reconciler_looks_at_the_same_time(look, new_delivery, delivery, system):
    may_be_shipped(system)
    real = system.store

    def look_first(store, write):
        system.store = real
        system.fulfiller = Scripted(DONE, looks=look)
        later(system, SETTINGS.policy.backoff_ceiling)
        assert reconcile(system) == {"looked": 1}
        return store.apply(write)

    system.store = PatchedStore(real, apply=look_first)
    system.fulfiller = Scripted(DONE, cancels=CANCELLED)
    redrive = Orders(system).new_delivery if new_delivery else Orders(system).redrive
    order = redrive("ord_1", "jo", "the warehouse is open again", 0)
    assert (order.status, order.epoch, order.delivery) == (Status.PENDING, 1, delivery)
    assert real.get("ord_1") == order


def test_a_redrive_of_an_unknown_order_names_the_order(system):
    with pytest.raises(OrderUnknown, match="ord_1"):
        send_again(system)


def test_the_reconciler_sends_a_redriven_order_after_a_failed_send(system, caplog):
    standing(Status.FAILED, system)
    system.queue.broken = ConnectionError("canary")
    assert send_again(system).status is Status.PENDING
    assert "order ord_1: not sent (ConnectionError); the reconciler will send it" in caplog.text
    system.queue.broken = None
    later(system, SETTINGS.policy.resend_after)
    assert reconcile(system) == {"resent": 1}
    assert system.queue.sent == ["ord_1"]


def fail_again(system):
    system.fulfiller = Scripted(DECLINED)
    for _ in range(3):
        deliver(system, message("ord_1"))
    assert system.store.get("ord_1").status is Status.FAILED


def test_a_repeated_redrive_of_an_epoch_does_not_redrive_a_later_failure(system):
    standing(Status.FAILED, system)
    Orders(system).redrive("ord_1", "jo", "once", epoch=0)
    fail_again(system)
    with pytest.raises(NotFailed) as refused:
        Orders(system).redrive("ord_1", "jo", "once", epoch=0)
    assert refused.value.redriven
    assert system.store.get("ord_1").epoch == 1
    assert Orders(system).redrive("ord_1", "jo", "twice", epoch=1).epoch == 2


def test_a_redrive_of_a_future_epoch_is_not_a_repeat(system):
    standing(Status.FAILED, system)
    with pytest.raises(NotFailed) as refused:
        Orders(system).redrive("ord_1", "jo", "too early", epoch=1)
    assert not refused.value.redriven


@pytest.mark.parametrize("state", State)
def test_a_new_delivery_needs_an_answer_that_has_ended_the_old_one(state, system):
    """The warehouse does not cancel it; the look says why."""
    system.fulfiller = Scripted(TimeoutError(), looks=TimeoutError(), cancels=TOO_LATE)
    pending(system)
    for _ in range(4):
        deliver(system, message("ord_1"))
    failed = system.store.get("ord_1")
    system.fulfiller.looks = Answer(state)
    if state in (State.DECLINED, State.REFUSED, State.CLOSED, State.CANCELLED):
        order = Orders(system).new_delivery("ord_1", "jo", "send it")
        assert (order.status, order.delivery, order.asked) == (Status.PENDING, 2, 0)
    else:
        with pytest.raises(DeliveryOpen, match=f"the warehouse says: {state}"):
            Orders(system).new_delivery("ord_1", "jo", "send it")
        assert system.store.get("ord_1") == failed


def test_no_new_delivery_if_the_order_changes_while_the_parcels_of_the_old_one_are_written(system):
    system.fulfiller = Scripted(TimeoutError(), looks=TimeoutError())
    pending(system)
    for _ in range(4):
        deliver(system, message("ord_1"))

    def change_and_cancel(order, _):
        system.store.orders["ord_1"] = replace(order, version=order.version + 1)
        return Answer(State.CANCELLED, shipments=(PARCEL,))

    system.fulfiller.cancel = change_and_cancel
    with pytest.raises(DeliveryOpen, match="the order has changed meanwhile"):
        Orders(system).new_delivery("ord_1", "jo", "send it")


def many(system, *order_ids, dry_run=False):
    pace = Pace(per_second=20, seconds=20, clock=lambda: 0.0, wait=lambda _: None)
    selection = Selection(order_ids)
    return redrive_many(selection, "jo", "all of them", pace, system, dry_run=dry_run).results


def one(system, order_id="ord_1", **how):
    return many(system, order_id, **how)[0]


def test_a_bulk_redrive_reports_a_result_for_each_order(system):
    standing(Status.FAILED, system)
    assert one(system) == Result("ord_1", Outcome.REDRIVEN)
    assert one(system) == Result("ord_1", Outcome.ALREADY_REDRIVEN, "it is PENDING")
    assert one(system, "ord_2") == Result("ord_2", Outcome.UNKNOWN, "there is no such order")
    standing(Status.CANCELLED, system, "ord_3")
    assert one(system, "ord_3") == Result("ord_3", Outcome.NOT_FAILED, "it is CANCELLED")


def test_a_result_names_the_reference_of_an_order_that_was_read(system):
    receive = system.receive
    system.receive = lambda order_id: receive(order_id, reference="#1001")
    standing(Status.FAILED, system)
    standing(Status.CANCELLED, system, "ord_2")
    results = [one(system, dry_run=True), one(system), one(system), *many(system, "ord_2", "ord_3")]
    assert [(each.outcome, each.reference) for each in results] == [
        (Outcome.WOULD_REDRIVE, "#1001"),
        (Outcome.REDRIVEN, "#1001"),
        (Outcome.ALREADY_REDRIVEN, "#1001"),
        (Outcome.NOT_FAILED, "#1001"),
        (Outcome.UNKNOWN, None),
    ]


def test_the_rest_of_an_order_that_was_cancelled_is_redriven_only_on_request(system):
    standing(Status.PARTLY_FULFILLED, system, "ord_1")
    Orders(system).redrive("ord_1", "jo", "in stock again")
    Deliveries(system).cancel("ord_1", "customer", "changed my mind")
    standing(Status.FAILED, system, "ord_2")
    assert select(Selection(), system.store)[0] == [("ord_2", 0)]
    assert select(Selection(kind=FailureKind.CANCELLED), system.store)[0] == [("ord_1", 1)]
    assert select(Selection(("ord_1",)), system.store)[0] == [("ord_1", None)]


def test_a_dry_run_changes_nothing(system):
    before = standing(Status.FAILED, system)
    assert one(system, dry_run=True) == Result("ord_1", Outcome.WOULD_REDRIVE)
    assert one(system, "ord_2", dry_run=True) == Result("ord_2", Outcome.UNKNOWN, "there is no such order")
    assert (system.store.get("ord_1"), system.queue.sent) == (before, [])


def test_an_error_in_a_bulk_redrive_is_reported_without_its_text(system):
    standing(Status.FAILED, system)
    system.store = PatchedStore(system.store, get=failing)
    assert one(system) == Result("ord_1", Outcome.ERROR, "a part of the system does not answer; try again")


def failing(store, order_id):
    raise ConnectionError("canary")


def test_a_bulk_redrive_keeps_its_pace_and_stops_at_its_time_limit(system):
    for order_id in ("ord_1", "ord_2", "ord_3"):
        standing(Status.FAILED, system, order_id)
    clock, slept = [0.0], []

    def sleep(seconds):
        slept.append(seconds)
        clock[0] += 15

    pace = Pace(per_second=4, seconds=20, clock=lambda: clock[0], wait=sleep)
    done = redrive_many(Selection(("ord_1", "ord_2", "ord_3")), "jo", "all of them", pace, system)
    late = Result("ord_3", Outcome.ERROR, "no time was left for it; try again")
    assert done.results == (Result("ord_1", Outcome.REDRIVEN), Result("ord_2", Outcome.REDRIVEN), late)
    assert slept == [0.25, 0.25]


@pytest.mark.parametrize("note", ["", "  ", "two\nlines", "x" * 201, "\x1b[2J", "half a \ud83d pair"])
def test_a_note_is_one_line_of_text(note):
    with pytest.raises(ValueError, match="must"):
        validate_note(note)


@pytest.mark.parametrize("note", ["a", " the warehouse is open again ", "x" * 200, "wieder geöffnet 📦"])
def test_a_note_is_kept_without_surrounding_white_space(note):
    assert validate_note(note) == note.strip()
