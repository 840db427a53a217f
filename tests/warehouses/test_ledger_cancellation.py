"""The ledger of the simulated warehouse cancels accepted deliveries, at once, later or not."""

import pytest

from service.orders.warehouse import State
from tests.warehouses.working_ledger import ITEMS, KEY, WorkingLedger, lines


def test_a_delivery_without_a_parcel_is_cancelled():
    ledger = WorkingLedger()
    ledger.ask(KEY, ITEMS)
    cancelled = ledger.cancel(KEY)
    assert (cancelled.status, cancelled.parcels) == (State.CANCELLED, ())
    ledger.clock.move(1000)
    assert ledger.look(KEY) == ledger.ask(KEY, ITEMS) == ledger.cancel(KEY) == cancelled
    assert ledger.types() == ["accepted", "cancelled"]


def test_a_cancellation_ends_the_rest_of_a_delivery_and_its_list_of_parcels_grows_no_more():
    ledger = WorkingLedger()
    ledger.ask(KEY, ITEMS)
    ledger.clock.move(10)
    cancelled = ledger.cancel(KEY)
    assert (cancelled.status, lines(cancelled)) == (State.CANCELLED, [{"1": 1}])
    ledger.clock.move(1000)
    assert ledger.look(KEY) == cancelled
    assert ledger.types() == ["accepted", "shipped", "cancelled"]


def test_a_key_that_was_cancelled_first_stays_dead():
    ledger = WorkingLedger()
    cancelled = ledger.cancel(KEY, asked=1, refused=1)
    assert cancelled.status is State.CANCELLED
    ledger.ask(KEY, ITEMS)
    ledger.clock.move(1000)
    assert ledger.look(KEY) == cancelled


@pytest.mark.parametrize(
    ("shares", "state"), [({}, State.SHIPPED), ({"closed": 1}, State.CLOSED), ({"refused": 1}, State.REFUSED)]
)
def test_a_delivery_that_has_ended_is_not_cancelled(shares, state):
    ledger = WorkingLedger()
    ledger.ask(KEY, ITEMS, **shares)
    ledger.clock.move(1000)
    ended = ledger.look(KEY)
    assert ended.status is state
    for asked in (0, 1):
        assert ledger.cancel(KEY, asked=asked) == ended
    ledger.clock.move(1000)
    assert ledger.look(KEY) == ended
    assert "cancel_refused" not in ledger.types()


def test_a_refused_cancellation_changes_nothing():
    ledger = WorkingLedger()
    accepted = ledger.ask(KEY, ITEMS)
    assert ledger.cancel(KEY, refused=1) == accepted
    ledger.clock.move(1000)
    assert ledger.look(KEY).status is State.SHIPPED
    assert ledger.types() == ["accepted", *["shipped"] * 3]


def test_a_cancellation_that_is_asked_is_decided_half_a_pick_time_later():
    ledger = WorkingLedger()
    ledger.ask(KEY, ITEMS)
    asked = ledger.cancel(KEY, asked=1)
    assert (asked.status, asked.cancel_asked) == (State.ACCEPTED, True)
    ledger.clock.move(4)
    assert ledger.cancel(KEY, asked=1) == asked
    ledger.clock.move(1)
    decided = ledger.look(KEY)
    assert (decided.status, decided.cancel_asked, decided.parcels) == (State.CANCELLED, False, ())
    assert ledger.types() == ["accepted", "cancelled"]


@pytest.mark.parametrize("parcels", [1, 3])
def test_a_cancellation_that_is_asked_is_refused_if_a_parcel_is_shipped_before(parcels):
    ledger = WorkingLedger(parcels)
    ledger.ask(KEY, ITEMS)
    ledger.clock.move(6)
    for _ in range(2):
        ledger.cancel(KEY, asked=1)
    ledger.clock.move(1000)
    delivery = ledger.look(KEY)
    assert (delivery.status, len(delivery.parcels), delivery.cancel_asked) == (State.SHIPPED, parcels, False)
    assert ledger.types() == ["accepted", "shipped", "cancel_refused", *["shipped"] * (parcels - 1)]


def test_a_cancellation_can_be_asked_and_then_refused_without_a_parcel_and_asked_again():
    ledger = WorkingLedger()
    ledger.ask(KEY, ITEMS)
    for _ in range(2):
        assert ledger.cancel(KEY, asked=1, refused=1).cancel_asked
        ledger.clock.move(5)
    assert ledger.types()[:4] == ["accepted", "cancel_refused", "shipped", "cancel_refused"]
    assert len({event.id for event in ledger.events}) == len(ledger.events)
