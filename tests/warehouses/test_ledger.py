"""The ledger of the simulated warehouse keeps the promises of the warehouse contract."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from service.orders.warehouse import OtherItems, State
from service.warehouses.decision import decide, draw, ships
from service.warehouses.ledger import Ledger, LedgerFull
from service.warehouses.ledger_entries import Item, order_of

ITEMS = [Item("1", "prod_456", 2), Item("2", "prod_789", 1)]


def create_ledger(success_rate: float = 1, capacity: int = 1000) -> Ledger:
    return Ledger("seed", success_rate, capacity, now=lambda: datetime(2026, 1, 31, 9, 30, tzinfo=UTC))


def test_a_shipped_delivery_has_one_parcel_with_all_its_lines():
    delivery = create_ledger().ask("ord_1-d1", ITEMS)
    assert delivery.status is State.SHIPPED
    (parcel,) = delivery.parcels
    assert parcel.lines == {"1": 2, "2": 1}
    assert (parcel.key, parcel.order_id) == ("ord_1-d1", "ord_1")


def test_the_answer_of_each_kind_is_replayed_under_its_key():
    for rates in ({}, {"declined": 1.0}, {"refused": 1.0}):
        ledger = create_ledger()
        first = ledger.ask("ord_1-d1", ITEMS, **rates)
        assert ledger.ask("ord_1-d1", ITEMS) == first
        assert ledger.ask("ord_1-d1", ITEMS, declined=1, refused=1) == first
        assert ledger.look("ord_1-d1") == first


def test_a_replay_ships_nothing():
    ledger = create_ledger()
    for _ in range(3):
        ledger.ask("ord_1-d1", ITEMS)
    assert ledger.read(10).parcel_count == 1


def test_other_items_under_a_key_are_refused_and_change_nothing():
    ledger = create_ledger()
    first = ledger.ask("ord_1-d1", ITEMS)
    changes = ([Item("1", "prod_456", 3), ITEMS[1]], [Item("1", "prod_457", 2), ITEMS[1]], ITEMS[:1])
    for other in (*changes, [Item("3", "prod_456", 2), ITEMS[1]]):
        with pytest.raises(OtherItems):
            ledger.ask("ord_1-d1", other)
    assert ledger.look("ord_1-d1") == first


def test_other_items_are_refused_under_a_declined_key_too():
    ledger = create_ledger(success_rate=0)
    ledger.ask("ord_1-d1", ITEMS)
    with pytest.raises(OtherItems):
        ledger.ask("ord_1-d1", ITEMS[:1])


def test_the_same_items_in_another_order_are_the_same_items():
    ledger = create_ledger()
    assert ledger.ask("ord_1-d1", ITEMS) == ledger.ask("ord_1-d1", ITEMS[::-1])


def test_a_key_that_was_never_asked_for_is_unknown():
    assert create_ledger().look("ord_1-d1") is None


def test_a_cancelled_unknown_key_is_dead():
    ledger = create_ledger()
    assert ledger.cancel("ord_1-d1").status is State.CANCELLED
    late = ledger.ask("ord_1-d1", ITEMS)
    assert late.status is State.CANCELLED
    assert late.parcels == ()
    assert ledger.look("ord_1-d1") == ledger.cancel("ord_1-d1") == late
    assert ledger.read(10).parcel_count == 0


@pytest.mark.parametrize(
    ("rates", "state"), [({}, State.SHIPPED), ({"declined": 1}, State.DECLINED), ({"refused": 1}, State.REFUSED)]
)
def test_a_delivery_that_has_ended_is_not_cancelled(rates, state):
    ledger = create_ledger()
    ended = ledger.ask("ord_1-d1", ITEMS, **rates)
    assert ended.status is state
    assert ledger.cancel("ord_1-d1") == ended
    assert ledger.ask("ord_1-d1", ITEMS) == ended


def test_declined_and_refused_deliveries_have_no_parcel():
    ledger = create_ledger(success_rate=0.5)
    deliveries = [ledger.ask(f"ord_{number}-d1", ITEMS, refused=0.3) for number in range(200)]
    assert {delivery.status for delivery in deliveries} == {State.SHIPPED, State.DECLINED, State.REFUSED}
    assert all(bool(delivery.parcels) is (delivery.status is State.SHIPPED) for delivery in deliveries)


def test_the_decision_about_a_delivery_is_that_of_the_simulated_warehouse():
    for number in range(100):
        key = f"ord_{number}-d1"
        expected = State.SHIPPED if ships("seed", 0.5, key) else State.DECLINED
        assert decide("seed", 0.5, key) is create_ledger(0.5).ask(key, ITEMS).status is expected


def test_decisions_do_not_depend_on_the_order_of_the_requests():
    keys = [f"ord_{number}-d1" for number in range(100)]
    one, other = create_ledger(0.5), create_ledger(0.5)
    forth = {key: one.ask(key, ITEMS, refused=0.2).status for key in keys}
    back = {key: other.ask(key, ITEMS, refused=0.2).status for key in reversed(keys)}
    assert forth == back


def test_the_shares_of_decisions_equal_the_rates():
    states = [decide("seed", 0.7, f"ord_{number}-d1", refused=0.2) for number in range(10_000)]
    assert states.count(State.REFUSED) / 10_000 == pytest.approx(0.2, abs=0.02)
    assert states.count(State.SHIPPED) / 10_000 == pytest.approx(0.8 * 0.7, abs=0.02)


def test_a_draw_depends_on_each_of_its_values_and_is_below_one():
    assert draw("a", 1) == draw("a", 1)
    assert len({draw("a", 1), draw("a", 2), draw("b", 1)}) == 3
    assert all(0 <= draw("a", number) < 1 for number in range(1000))


def test_shipment_ids_are_the_same_in_each_run():
    one, other = (create_ledger().ask("ord_1-d1", ITEMS).parcels[0] for _ in range(2))
    assert (one.shipment_id, one.tracking_number) == (other.shipment_id, other.tracking_number)


def test_tracking_numbers_are_unique():
    ledger = create_ledger()
    numbers = {ledger.ask(f"ord_{number}-d1", ITEMS).parcels[0].tracking_number for number in range(500)}
    assert len(numbers) == 500


def test_an_order_that_shipped_twice_under_two_keys_is_found():
    ledger = create_ledger()
    ledger.ask("ord_1-d1", ITEMS)
    ledger.ask("ord_2-d1", ITEMS)
    assert ledger.find_doubled() == ()
    ledger.ask("ord_1-d2", ITEMS[:1])
    (doubled,) = ledger.find_doubled()
    assert (doubled.order_id, doubled.line_id, doubled.ordered, doubled.shipped) == ("ord_1", "1", 2, 4)
    assert [parcel.key for parcel in doubled.parcels] == ["ord_1-d1", "ord_1-d2"]
    assert ledger.read(10).doubled == (doubled,)


def test_a_larger_quantity_in_a_later_delivery_does_not_hide_a_second_parcel():
    ledger = create_ledger()
    ledger.ask("ord_1-d1", [Item("1", "prod_456", 1)])
    ledger.ask("ord_1-d2", [Item("1", "prod_456", 2)], declined=1)
    ledger.ask("ord_1-d3", [Item("1", "prod_456", 1)])
    assert [(doubled.ordered, doubled.shipped) for doubled in ledger.find_doubled()] == [(1, 2)]
    ledger.ask("ord_1-d4", [Item("1", "prod_456", 9)])
    assert [(doubled.ordered, doubled.shipped) for doubled in ledger.find_doubled()] == [(1, 11)]


def test_a_new_delivery_after_a_declined_one_is_not_doubled():
    ledger = create_ledger()
    ledger.ask("ord_1-d1", ITEMS, declined=1)
    ledger.ask("ord_1-d2", ITEMS)
    assert ledger.read(10).parcel_count == 1
    assert ledger.find_doubled() == ()


def test_doubled_orders_are_counted_once_however_many_lines_they_have():
    ledger = create_ledger()
    for key in ("ord_1-d1", "ord_1-d2", "ord_1-d3"):
        ledger.ask(key, ITEMS)
    extract = ledger.read(10)
    assert (extract.doubled_orders, len(extract.doubled)) == (1, 2)


@pytest.mark.parametrize(
    ("key", "order_id"),
    [("ord_1-d1", "ord_1"), ("ord_1-d12", "ord_1"), ("ord-d1-d2", "ord-d1"), ("ord_1", "ord_1"), ("a-dx", "a-dx")],
)
def test_the_order_of_a_key_is_the_key_without_the_number_of_the_delivery(key, order_id):
    assert order_of(key) == order_id


def test_a_full_ledger_takes_no_new_key_and_forgets_none():
    ledger = create_ledger(capacity=2)
    first = ledger.ask("ord_1-d1", ITEMS)
    ledger.cancel("ord_2-d1")
    for change in (lambda: ledger.ask("ord_3-d1", ITEMS), lambda: ledger.cancel("ord_3-d1")):
        with pytest.raises(LedgerFull):
            change()
    assert ledger.look("ord_3-d1") is None
    assert ledger.ask("ord_1-d1", ITEMS) == first
    assert ledger.ask("ord_2-d1", ITEMS).status is State.CANCELLED


def test_a_part_of_the_ledger_is_read_newest_first():
    ledger = create_ledger()
    for number in range(1, 6):
        ledger.ask(f"ord_{number}-d1", ITEMS, declined=number == 5)
    extract = ledger.read(2)
    assert [delivery.number for delivery in extract.deliveries] == [5, 4]
    assert [parcel.number for parcel in extract.parcels] == [4, 3]
    assert (extract.counts[State.SHIPPED], extract.counts[State.DECLINED], extract.parcel_count) == (4, 1, 4)
    older = ledger.read(10, deliveries_before=4, parcels_before=3)
    assert [delivery.number for delivery in older.deliveries] == [3, 2, 1]
    assert [parcel.number for parcel in older.parcels] == [2, 1]
    assert ledger.read(10, deliveries_before=1).deliveries == ()


def test_threads_that_ask_under_one_key_get_one_parcel():
    ledger = create_ledger(capacity=10_000)
    threads = 8
    barrier = threading.Barrier(threads)

    def ask_all(_: int) -> None:
        barrier.wait()
        for number in range(300):
            ledger.ask(f"ord_{number}-d1", ITEMS)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(ask_all, range(threads)))
    finally:
        sys.setswitchinterval(interval)
    extract = ledger.read(1000)
    assert extract.parcel_count == extract.counts[State.SHIPPED] == 300
    assert sorted(parcel.number for parcel in extract.parcels) == list(range(1, 301))
    assert ledger.find_doubled() == ()
