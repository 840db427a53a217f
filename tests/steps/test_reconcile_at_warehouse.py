"""The reconciler looks at orders that are at the warehouse, so a warehouse that never calls back works, too."""

import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from service.orders.deliveries import Deliveries
from service.orders.errors import DeliveryOpen, NotAtWarehouse
from service.orders.lifecycle import Status
from service.orders.model import FailureKind
from service.orders.orders import Orders
from service.orders.warehouse import Answer, State
from tests.steps.doubles import (
    CLOSED,
    DECLINED,
    DONE,
    IN_WORK,
    NOT_FOUND,
    PARCEL,
    REFUSED,
    Scripted,
    deliver,
    later,
    message,
    pending,
    reconcile,
    standing,
)
from tests.support import SETTINGS, MemorySystem
from tests.warehouse_answers import CANCELLED, CANCELLING, TOO_LATE

POLICY = SETTINGS.policy
OVERDUE = ("WarehouseOverdue",)
PART = replace(IN_WORK, shipments=(PARCEL,))


@pytest.fixture
def system():
    return MemorySystem(fulfiller=Scripted(IN_WORK, looks=IN_WORK))


def looks_at(system, hours):
    """The minutes at which the reconciler looks, if it runs once a minute."""
    found = []
    for minute in range(1, hours * 60 + 1):
        system.now.forward(60)
        if reconcile(system):
            found.append(minute)
    return found


def test_an_order_at_the_warehouse_needs_no_message(system):
    pending(system)
    assert deliver(system, message("ord_1")) == []
    order = system.store.get("ord_1")
    assert (order.status, order.asked, order.due_at) == (Status.AT_WAREHOUSE, 1, system.now() + POLICY.due_after)
    assert deliver(system, message("ord_1")) == []
    assert system.store.get("ord_1") == order


def test_the_warehouse_may_name_the_due_date(system):
    due_at = system.now() + timedelta(hours=5)
    system.fulfiller.answers = [replace(IN_WORK, due_at=due_at)]
    assert standing_at(system).due_at == due_at


def standing_at(system):
    pending(system)
    deliver(system, message("ord_1"))
    return system.store.get("ord_1")


def test_looks_without_news_become_rarer_up_to_a_twelfth_of_the_time_until_the_due_date(system):
    standing_at(system)
    found = looks_at(system, 30)
    assert found == [6, 17, 38, 79, 160, 321, 642, 1003, 1364, 1725]
    assert POLICY.due_after.total_seconds() / 60 / 12 + 1 == 1725 - 1364


def test_an_overdue_order_is_looked_at_as_often_as_the_ceiling_says(system):
    system.fulfiller.answers = [replace(IN_WORK, due_at=system.now() + timedelta(hours=6))]
    standing_at(system)
    assert looks_at(system, 10) == [6, 17, 38, 79, 160, 321, 382, 443, 504, 565]


def test_news_make_looks_frequent_again(system):
    standing_at(system)
    looks_at(system, 3)
    system.fulfiller.looks = PART
    later(system, POLICY.due_after / 12)
    assert reconcile(system) == {"checked": 1}
    order = system.store.get("ord_1")
    assert (order.looks, order.shipments) == (0, (PARCEL,))
    assert looks_at(system, 1) == [6, 17, 38]


@pytest.mark.parametrize(
    ("answer", "status", "kind"),
    [
        (DONE, Status.FULFILLED, None),
        (PART, Status.AT_WAREHOUSE, None),
        (CLOSED, Status.PARTLY_FULFILLED, FailureKind.CLOSED),
        (Answer(State.CLOSED), Status.FAILED, FailureKind.REFUSED),
        (REFUSED, Status.FAILED, FailureKind.REFUSED),
        (DECLINED, Status.PENDING, None),
        (CANCELLED, Status.CANCELLED, None),
        (replace(CANCELLED, shipments=(PARCEL,)), Status.PARTLY_FULFILLED, FailureKind.CANCELLED),
        (NOT_FOUND, Status.FAILED, FailureKind.UNKNOWN),
        (Answer(State.NOT_TAKEN), Status.AT_WAREHOUSE, None),
        (TimeoutError(), Status.AT_WAREHOUSE, None),
    ],
    ids=str,
)
def test_a_look_moves_the_order_by_the_whole_answer(answer, status, kind, system):
    standing_at(system)
    system.fulfiller.looks = answer
    later(system, POLICY.look_after)
    reconcile(system)
    order, failed = system.store.get("ord_1"), system.store.get_failed("ord_1")
    assert (order.status, failed and failed.kind) == (status, kind)
    assert system.metrics.counts["OrdersFailedAtWarehouse",] == (status is Status.FAILED)
    assert system.metrics.counts["ReconcilerInterventions", "gave_up"] == (answer is NOT_FOUND)
    assert system.metrics.counts["ReconcilerInterventions", "looked"] == 0
    assert order.shipments == (getattr(answer, "shipments", ()) if answer is not DONE else order.shipments)


def test_a_look_at_an_order_that_the_warehouse_works_on_is_no_intervention(system, caplog):
    standing_at(system)
    later(system, POLICY.look_after)
    with caplog.at_level(logging.INFO):
        assert reconcile(system) == {"checked": 1}
    assert not [name for name in system.metrics.counts if name[0] == "ReconcilerInterventions"]
    assert [record.levelname for record in caplog.records if record.getMessage() == "order ord_1: checked"] == ["INFO"]


@pytest.mark.parametrize(
    ("answer", "status"), [(IN_WORK, "FAILED"), (PART, "PARTLY_FULFILLED")], ids=["none", "a part"]
)
def test_an_order_that_the_warehouse_has_lost_is_given_up(answer, status, system, caplog):
    system.fulfiller.answers = [answer]
    standing_at(system)
    system.fulfiller.looks = NOT_FOUND
    later(system, POLICY.look_after)
    assert reconcile(system) == {"gave_up": 1}
    assert f"order ord_1: {status}, the warehouse accepted it, and does not have it any more" in caplog.text


def test_a_declined_delivery_is_asked_for_again_under_the_next_number(system):
    standing_at(system)
    system.fulfiller.looks, system.fulfiller.answers = DECLINED, [DONE]
    later(system, POLICY.look_after)
    reconcile(system)
    later(system, POLICY.resend_after)
    assert reconcile(system) == {"resent": 1}
    deliver(system, message("ord_1"))
    assert system.fulfiller.keys == ["ord_1-d1", "ord_1-d2"]
    assert system.store.get("ord_1").status is Status.FULFILLED


def test_an_overdue_delivery_is_reported_at_each_look_and_fails_by_no_age(system, caplog):
    due_at = standing_at(system).due_at
    system.now.at = due_at - timedelta(seconds=1)
    assert reconcile(system) == {"checked": 1}
    assert system.metrics.counts[OVERDUE] == 0
    with caplog.at_level(logging.WARNING):
        later(system, POLICY.backoff_ceiling)
        assert reconcile(system) == {"checked": 1}
    assert system.metrics.counts[OVERDUE] == 1
    assert any("should have ended delivery ord_1-d1" in record.getMessage() for record in caplog.records)
    system.now.forward(timedelta(days=400).total_seconds())
    reconcile(system)
    assert system.metrics.counts[OVERDUE] == 2
    assert system.store.get("ord_1").status is Status.AT_WAREHOUSE


def test_a_delivery_that_has_ended_is_not_overdue(system):
    due_at = standing_at(system).due_at
    system.now.at = due_at + timedelta(seconds=1)
    system.fulfiller.looks = DONE
    reconcile(system)
    assert system.metrics.counts[OVERDUE] == 0


@pytest.mark.parametrize(
    ("answer", "looks", "status", "asked"),
    [
        (CANCELLED, NOT_FOUND, Status.CANCELLED, 0),
        (replace(CANCELLED, shipments=(PARCEL,)), NOT_FOUND, Status.PARTLY_FULFILLED, 0),
        (CANCELLING, IN_WORK, Status.AT_WAREHOUSE, 1),
        (TOO_LATE, IN_WORK, Status.AT_WAREHOUSE, 0),
        (TOO_LATE, DONE, Status.FULFILLED, 0),
    ],
    ids=["granted", "granted for the rest", "asked", "refused", "raced by the last parcel"],
)
def test_the_reconciler_repeats_a_cancellation_at_the_warehouse(answer, looks, status, asked, system):
    standing_at(system)
    system.fulfiller.cancels = TimeoutError()
    assert Deliveries(system).cancel("ord_1", "customer", "changed my mind").cancel_asked
    system.fulfiller.cancels, system.fulfiller.looks = answer, looks
    later(system, POLICY.look_after)
    reconcile(system)
    later(system, POLICY.backoff_ceiling)
    reconcile(system)
    order = system.store.get("ord_1")
    assert (order.status, order.cancel_asked) == (status, asked)
    assert system.metrics.counts["ReconcilerInterventions", "looked"] == 0, "its state needs no intervention"


def test_an_operator_gives_up_an_order_and_looks_go_on(system):
    standing_at(system)
    order = Deliveries(system).give_up("ord_1", "operator:jo", "the warehouse burnt down")
    failed = system.store.get_failed("ord_1")
    assert (order.status, order.delivery, order.asked) == (Status.FAILED, 1, 1)
    assert (failed.kind, failed.detail) == ("unknown", "given up at the warehouse: the warehouse burnt down")
    system.fulfiller.looks = DONE
    later(system, POLICY.recover_after)
    assert reconcile(system) == {"looked": 1}
    assert system.store.get("ord_1").status is Status.FULFILLED


def test_an_order_with_a_parcel_that_is_given_up_is_partly_fulfilled(system):
    system.fulfiller.answers = [PART]
    standing_at(system)
    order = Deliveries(system).give_up("ord_1", "operator:jo", "no longer made")
    assert (order.status, order.delivery, order.asked) == (Status.PARTLY_FULFILLED, 1, 1)


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.AT_WAREHOUSE}))
def test_only_an_order_at_the_warehouse_can_be_given_up(status, system):
    before = standing(status, system)
    with pytest.raises(NotAtWarehouse, match=f"order ord_1 is {status}"):
        Deliveries(system).give_up("ord_1", "operator:jo", "too late")
    assert system.store.get("ord_1") == before


def test_a_new_delivery_asks_only_for_lines_that_the_cancelled_one_did_not_ship(system):
    """The warehouse shipped a parcel that the row did not know when the operator asked for a new delivery."""
    standing_at(system)
    Deliveries(system).give_up("ord_1", "operator:jo", "no word for a week")
    system.fulfiller.cancels = replace(CANCELLED, shipments=(PARCEL,))
    order = Orders(system).new_delivery("ord_1", "operator:jo", "send the rest")
    assert (order.status, order.delivery, order.lines, order.shipments) == (Status.PENDING, 2, ((1, 1),), (PARCEL,))


def test_a_rest_that_was_not_asked_for_is_cancelled_at_once(system):
    standing(Status.PARTLY_FULFILLED, system)
    Orders(system).redrive("ord_1", "operator:jo", "in stock again")
    order = Deliveries(system).cancel("ord_1", "customer", "changed my mind")
    failed = system.store.get_failed("ord_1")
    assert (order.status, failed.kind) == (Status.PARTLY_FULFILLED, FailureKind.CANCELLED)
    assert order.lines == ((1, 1),)


def test_a_cancellation_is_asked_for_again_soon_after_many_looks_without_news(system):
    standing_at(system)
    looks_at(system, 30)
    system.fulfiller.cancels = TimeoutError()
    assert Deliveries(system).cancel("ord_1", "customer", "changed my mind").cancel_asked
    system.fulfiller.cancels = CANCELLED
    later(system, POLICY.look_after)
    reconcile(system)
    assert system.store.get("ord_1").status is Status.CANCELLED


TWICE = Answer(State.SHIPPED, shipments=tuple(replace(PARCEL, id=name, lines=((1, 2),)) for name in ("s1", "s2")))


def test_a_look_that_finds_more_than_was_ordered_raises_an_alarm(system, caplog):
    standing_at(system)
    system.fulfiller.looks = TWICE
    later(system, POLICY.look_after)
    reconcile(system)
    assert system.metrics.counts["UnexpectedParcels",] == 1
    assert "order ord_1: the warehouse has shipped it, and nobody expected it (delivery 1)" in caplog.text


def test_an_attempt_whose_answer_has_more_than_was_ordered_raises_an_alarm(system):
    system.fulfiller.answers = [TWICE]
    assert standing_at(system).status is Status.FULFILLED
    assert system.metrics.counts["UnexpectedParcels",] == 1


def test_no_new_delivery_asks_again_for_parcels_that_are_too_many_to_write_down(system):
    standing_at(system)
    failed = Deliveries(system).give_up("ord_1", "operator:jo", "it is lost")
    long = replace(PARCEL, tracking_url="https://parcels.example/" + "x" * 480)
    system.fulfiller.cancels = replace(CANCELLED, shipments=tuple(replace(long, id=f"s{n}") for n in range(50)))
    with pytest.raises(DeliveryOpen, match="more parcels than an order can have"):
        Orders(system).new_delivery("ord_1", "operator:jo", "send it")
    order = system.store.get("ord_1")
    assert (order.status, order.delivery, order.asked) == (Status.FAILED, failed.delivery, 1)
