"""How the simulated warehouse divides a delivery among parcels."""

from collections import Counter

import pytest

from service.orders.warehouse import State
from service.warehouses.ledger_entries import Item
from service.warehouses.picking import Picking

ITEMS = [Item("1", "prod_456", 2), Item("2", "prod_789", 1), Item("3", "prod_000", 4)]
KEYS = [f"ord_{number}-d1" for number in range(300)]


def split(parcels: int, items=ITEMS, end=State.SHIPPED, key: str = "ord_1-d1") -> list[dict[str, int]]:
    return Picking(parcels=parcels).split("seed", key, items, end)


def units_of(parcels: list[dict[str, int]]) -> int:
    return sum(sum(parcel.values()) for parcel in parcels)


@pytest.mark.parametrize(
    ("parcels", "expected"),
    [
        (1, [{"1": 2, "2": 1, "3": 4}]),
        (2, [{"1": 2, "2": 1}, {"3": 4}]),
        (3, [{"1": 2}, {"2": 1, "3": 1}, {"3": 3}]),
        (7, [{"1": 1}, {"1": 1}, {"2": 1}, {"3": 1}, {"3": 1}, {"3": 1}, {"3": 1}]),
    ],
)
def test_the_units_are_divided_in_the_order_of_the_lines(parcels, expected):
    assert split(parcels) == expected


def test_no_parcel_is_empty_if_there_are_fewer_units_than_parcels():
    assert split(500) == split(7)
    assert split(500, [Item("1", "prod_456", 1)]) == [{"1": 1}]


@pytest.mark.parametrize("parcels", range(1, 40))
def test_all_parcels_together_have_each_unit_once(parcels):
    items = [Item(str(number), "p", number) for number in range(1, 9)]
    made = split(parcels, items)
    assert len(made) == min(parcels, 36)
    assert all(quantity > 0 for parcel in made for quantity in parcel.values())
    assert sum(map(Counter, made), Counter()) == {item.line_id: item.quantity for item in items}


def test_large_quantities_are_divided_exactly():
    huge = 10**400
    assert split(3, [Item("1", "p", huge)]) == [{"1": huge // 3}, {"1": huge // 3}, {"1": huge - 2 * (huge // 3)}]
    assert 0 < units_of(split(3, [Item("1", "p", huge)], State.CLOSED)) < huge


@pytest.mark.parametrize("parcels", [1, 3])
@pytest.mark.parametrize("quantity", [2, 3, 1000])
def test_a_delivery_that_is_closed_short_ships_at_least_one_unit_and_not_all(parcels, quantity):
    shipped = {units_of(split(parcels, [Item("1", "p", quantity)], State.CLOSED, key)) for key in KEYS}
    assert shipped <= set(range(1, quantity))
    assert len(shipped) >= min(quantity - 1, 100)


@pytest.mark.parametrize("end", [State.DECLINED, State.REFUSED])
def test_a_delivery_that_is_not_shipped_has_no_parcel(end):
    assert split(2, end=end) == []


def test_the_share_of_accepted_deliveries_equals_its_rate():
    accepted = [Picking(accepted=0.3).accepts_first("seed", key) for key in KEYS]
    assert sum(accepted) / len(KEYS) == pytest.approx(0.3, abs=0.07)
    assert not any(Picking().accepts_first("seed", key) for key in KEYS)
    assert all(Picking(accepted=1).accepts_first("seed", key) for key in KEYS)
