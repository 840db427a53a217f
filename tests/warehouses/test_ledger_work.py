"""The ledger of the simulated warehouse works on accepted deliveries: parcels, ends and events."""

from collections import Counter
from datetime import timedelta

import pytest

from service.orders.warehouse import OtherItems, State
from service.warehouses.ledger_entries import Event, Item
from tests.warehouses.clock import START
from tests.warehouses.working_ledger import ITEMS, KEY, WorkingLedger, lines

KEYS = [f"ord_{number}-d1" for number in range(60)]
ENDED = (State.SHIPPED, State.DECLINED, State.REFUSED, State.CLOSED, State.CANCELLED)


def test_an_accepted_delivery_ships_one_parcel_after_each_pick_time():
    ledger = WorkingLedger()
    states = [(ledger.ask(KEY, ITEMS).status, 0)]
    for seconds in (9, 1, 9, 1, 9, 1, 100):
        ledger.clock.move(seconds)
        delivery = ledger.look(KEY)
        states.append((delivery.status, len(delivery.parcels)))
    working, done = State.ACCEPTED, (State.SHIPPED, 3)
    assert states == [(working, 0), (working, 0), (working, 1), (working, 1), (working, 2), (working, 2), done, done]
    assert lines(delivery) == [{"1": 1}, {"1": 1}, {"2": 1}]
    assert [parcel.shipment_id for parcel in delivery.parcels] == ["s1", "s2", "s3"]


def test_work_that_was_due_long_ago_has_the_time_for_which_it_was_planned():
    ledger = WorkingLedger()
    ledger.ask(KEY, ITEMS)
    ledger.clock.move(1000)
    shipped = [parcel.shipped_at for parcel in ledger.look(KEY).parcels]
    assert shipped == [START + timedelta(seconds=seconds) for seconds in (10, 20, 30)]
    assert [event.occurred_at for event in ledger.events[1:]] == shipped


@pytest.mark.parametrize(
    "call",
    [
        lambda ledger: ledger.ask(KEY, ITEMS),
        lambda ledger: ledger.look(KEY),
        lambda ledger: ledger.cancel(KEY),
        lambda ledger: ledger.read(1),
        lambda ledger: ledger.find_doubled(),
        lambda ledger: ledger.advance(),
    ],
)
def test_each_method_does_the_work_that_is_due_first(call):
    ledger = WorkingLedger(parcels=1)
    ledger.ask(KEY, ITEMS)
    ledger.clock.move(10)
    call(ledger)
    assert [event.type for event in ledger.events] == ["accepted", "shipped"]


def test_parcels_of_several_deliveries_are_shipped_in_the_order_of_their_times():
    ledger = WorkingLedger(parcels=2)
    ledger.ask("ord_1-d1", ITEMS)
    ledger.clock.move(5)
    ledger.ask("ord_2-d1", ITEMS)
    ledger.clock.move(100)
    keys = [parcel.key for parcel in reversed(ledger.read(10).parcels)]
    assert keys == ["ord_1-d1", "ord_2-d1", "ord_1-d1", "ord_2-d1"]


def test_a_delivery_that_is_not_accepted_first_ships_all_its_parcels_at_once():
    ledger = WorkingLedger(accepted=0)
    delivery = ledger.ask(KEY, ITEMS)
    assert (delivery.status, len(delivery.parcels)) == (State.SHIPPED, 3)
    assert ledger.types() == ["shipped"] * 3


def test_several_parcels_of_a_delivery_are_not_doubled_and_those_of_two_deliveries_are():
    ledger = WorkingLedger()
    ledger.ask("ord_1-d1", ITEMS)
    ledger.clock.move(100)
    assert ledger.find_doubled() == ()
    ledger.ask("ord_1-d2", ITEMS[:1])
    ledger.clock.move(10)
    [doubled] = ledger.find_doubled()
    assert (doubled.line_id, doubled.ordered, doubled.shipped) == ("1", 2, 3)
    assert [(parcel.key, parcel.shipment_id) for parcel in doubled.parcels] == [
        ("ord_1-d1", "s1"),
        ("ord_1-d1", "s2"),
        ("ord_1-d2", "s1"),
    ]


def test_the_rest_of_a_delivery_that_was_closed_short_is_not_doubled_when_it_is_asked_for_again():
    ledger = WorkingLedger(accepted=0)
    first = ledger.ask("ord_1-d1", ITEMS, closed=1)
    assert first.status is State.CLOSED
    shipped = sum(map(Counter, lines(first)), Counter())
    rest = [
        Item(item.line_id, item.product_id, item.quantity - shipped[item.line_id])
        for item in ITEMS
        if item.quantity > shipped[item.line_id]
    ]
    assert ledger.ask("ord_1-d2", rest).status is State.SHIPPED
    assert ledger.find_doubled() == ()
    ledger.ask("ord_1-d3", rest)
    assert ledger.find_doubled()


def test_an_accepted_delivery_is_closed_with_its_last_parcel():
    ledger = WorkingLedger(parcels=1)
    ledger.ask(KEY, ITEMS, closed=1)
    ledger.clock.move(10)
    delivery = ledger.look(KEY)
    assert (delivery.status, len(delivery.parcels)) == (State.CLOSED, 1)
    assert 0 < sum(delivery.parcels[0].lines.values()) < 3
    assert ledger.types() == ["accepted", "shipped", "closed"]
    assert ledger.events[-1].reason == delivery.reason != ""


def test_a_delivery_of_one_unit_is_never_closed_short():
    ledger = WorkingLedger(accepted=0)
    assert all(ledger.ask(key, [Item("1", "p", 1)], closed=1).status is State.SHIPPED for key in KEYS)


def test_an_accepted_delivery_is_refused_after_a_pick_time():
    ledger = WorkingLedger()
    ledger.ask(KEY, ITEMS, refused=1)
    ledger.clock.move(9)
    assert ledger.look(KEY).status is State.ACCEPTED
    ledger.clock.move(1)
    delivery = ledger.look(KEY)
    assert (delivery.status, delivery.parcels) == (State.REFUSED, ())
    assert ledger.types() == ["accepted", "refused"]


def test_a_delivery_is_declined_at_once_and_has_no_event():
    ledger = WorkingLedger(success_rate=0)
    assert ledger.ask(KEY, ITEMS).status is State.DECLINED
    assert ledger.types() == []


def test_only_an_accepted_delivery_has_a_due_time_and_only_with_the_option():
    due = START + timedelta(seconds=3600)
    assert WorkingLedger(due=3600).ask(KEY, ITEMS).due_at == due
    assert WorkingLedger().ask(KEY, ITEMS).due_at is None
    assert WorkingLedger(due=3600, accepted=0).ask(KEY, ITEMS).due_at is None


def test_other_items_under_the_key_of_an_accepted_delivery_are_a_conflict():
    ledger = WorkingLedger()
    ledger.ask(KEY, ITEMS)
    with pytest.raises(OtherItems):
        ledger.ask(KEY, ITEMS[:1])


def test_the_events_of_a_delivery_have_its_parcels():
    ledger = WorkingLedger()
    ledger.ask(KEY, ITEMS)
    ledger.clock.move(1000)
    parcels = ledger.look(KEY).parcels
    assert [event.parcel for event in ledger.events] == [None, *parcels]
    assert {event.key for event in ledger.events} == {KEY}
    assert [event.occurred_at for event in ledger.events] == [START, *(parcel.shipped_at for parcel in parcels)]


def test_counts_follow_the_states():
    ledger = WorkingLedger()
    for key in KEYS[:4]:
        ledger.ask(key, ITEMS)
    assert ledger.read(1).counts[State.ACCEPTED] == 4
    ledger.cancel(KEYS[0])
    ledger.clock.move(1000)
    counts = {state: count for state, count in ledger.read(1).counts.items() if count}
    assert counts == {State.SHIPPED: 3, State.CANCELLED: 1}


def test_the_order_of_the_requests_changes_no_state_and_no_event():
    shares = {"declined": 0.2, "refused": 0.2, "closed": 0.3}

    def run(keys: list[str]) -> tuple[dict[str, object], list[Event]]:
        ledger = WorkingLedger(accepted=0.5)
        for key in keys:
            ledger.ask(key, ITEMS, **shares)
        ledger.clock.move(15)
        for key in keys:
            ledger.cancel(key, asked=0.5, refused=0.3)
        ledger.clock.move(1000)
        deliveries = {key: ledger.look(key) for key in keys}
        return (
            {key: (each.status, lines(each), each.reason) for key, each in deliveries.items()},
            sorted((event.id, event.type, event.key, event.occurred_at) for event in ledger.events),
        )

    forth, back = run(KEYS), run(KEYS[::-1])
    assert forth == back
    assert {status for status, _, _ in forth[0].values()} == set(ENDED)
    assert {kind for _, kind, _, _ in forth[1]} == {
        *("accepted", "shipped", "refused", "closed", "cancelled", "cancel_refused")
    }
