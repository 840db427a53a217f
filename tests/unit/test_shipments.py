"""The parcels of an order, and the lines that are left."""

from dataclasses import replace

import pytest

from service.orders.lines import asked_for, exceeds, left, ordered, unnamed
from service.orders.shipments import MAX_SHIPMENTS, Shipment, TooManyShipments, merge, shipped
from tests.support import MemorySystem

ITEMS = [{"product_id": "p", "quantity": 2, "price": 1}, {"product_id": "q", "quantity": 1, "price": 1}]
ORDER = MemorySystem().receive(items=ITEMS, total_amount=3)


def parcel(id_: str = "s1", *lines: tuple[int, int], delivery: int = 1) -> Shipment:
    return Shipment(delivery=delivery, id=id_, lines=lines or ((1, 1),))


def test_a_parcel_that_is_reported_again_changes_nothing():
    known = (parcel(),)
    assert merge(known, (parcel(), parcel("s1", (1, 2)))) == known


def test_parcels_of_two_deliveries_with_one_id_are_two_parcels():
    assert len(merge((parcel(),), (parcel(delivery=2),))) == 2


@pytest.mark.parametrize("first", [0, 1, 2])
def test_the_parcels_are_the_same_whatever_the_order_of_the_reports(first: int):
    parcels = [parcel("s2"), parcel("s1", delivery=2), parcel("s1")]
    reported = parcels[first:] + parcels[:first]
    found: tuple[Shipment, ...] = ()
    for each in reported:
        found = merge(found, (each,))
    assert found == (parcel("s1"), parcel("s2"), parcel("s1", delivery=2))


def test_an_order_has_fifty_parcels_at_most():
    fifty = merge((), (parcel(f"s{number:02}") for number in range(MAX_SHIPMENTS)))
    assert len(merge(fifty, fifty)) == MAX_SHIPMENTS == 50
    with pytest.raises(TooManyShipments, match="more than 50 parcels, or more than 30,000 bytes"):
        merge(fifty, (parcel("one more"),))


def test_parcels_with_long_descriptions_are_limited_by_their_bytes():
    url = "https://parcels.example/" + "x" * 480
    long = [replace(parcel(f"s{number:02}"), tracking_url=url) for number in range(MAX_SHIPMENTS)]
    fitting = merge((), long[:40])
    with pytest.raises(TooManyShipments):
        merge(fitting, long)


def test_the_lines_of_an_order_are_numbered_from_one():
    assert ordered(ORDER.document) == ((1, 2), (2, 1))
    assert ordered({"items": [{"quantity": "2"}]}) == ((1, 2),)


def test_a_delivery_asks_for_the_whole_order_unless_its_lines_are_named():
    assert asked_for(ORDER) == ((1, 2), (2, 1))
    assert asked_for(replace(ORDER, lines=((2, 1),))) == ((2, 1),)


def test_an_unnamed_parcel_has_the_lines_of_the_delivery_that_no_known_parcel_has():
    assert unnamed(replace(ORDER, lines=((2, 1),), delivery=3)) == (parcel("*", (2, 1), delivery=3),)
    known = parcel("s1", (1, 1))
    assert unnamed(replace(ORDER, shipments=(known,))) == (parcel("*", (1, 1), (2, 1)),)
    second = replace(ORDER, lines=((2, 1),), delivery=2, shipments=(known,))
    assert unnamed(second) == (parcel("*", (2, 1), delivery=2),)
    assert unnamed(replace(ORDER, shipments=(parcel("s1", (1, 2), (2, 1)),))) == ()
    early = replace(ORDER, lines=((1, 1), (2, 1)), shipments=(known,))  # the parcel came before the request
    assert unnamed(early) == (parcel("*", (1, 1), (2, 1)),)
    both = replace(second, shipments=(parcel("s1", (1, 2), (2, 1)),))  # delivery 1 shipped the line, too
    assert unnamed(both) == (parcel("*", (2, 1), delivery=2),)


def test_the_quantities_of_all_parcels_are_added():
    parcels = (parcel("a", (1, 1), (2, 1)), parcel("b", (1, 1), delivery=2))
    assert shipped(parcels) == {1: 2, 2: 1}


@pytest.mark.parametrize(
    ("parcels", "rest", "too_much"),
    [
        ((), ((1, 2), (2, 1)), False),
        ((parcel("a", (1, 1)),), ((1, 1), (2, 1)), False),
        ((parcel("a", (1, 2)),), ((2, 1),), False),
        ((parcel("a", (1, 2), (2, 1)),), (), False),
        ((parcel("a", (1, 3)),), ((2, 1),), True),
        ((parcel("a", (1, 2), (2, 1)), parcel("b", (2, 1))), (), True),
    ],
)
def test_the_lines_that_are_left(parcels, rest, too_much):
    assert left(ORDER, parcels) == rest
    assert exceeds(ORDER, parcels) is too_much
