"""Parcels in the answers and events of a warehouse: lines are read strictly, descriptions leniently."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from service.orders import strict_json
from service.orders.shipments import Shipment
from service.orders.warehouse import State
from service.warehouses.malformed import Malformed
from service.warehouses.shipments import read_shipment, read_shipments, read_time
from service.warehouses.wire import read_state, write_order
from tests.support import MemorySystem

ITEMS = [
    {"product_id": "p", "quantity": 2, "price": 1, "line_id": "shirt"},
    {"product_id": "q", "quantity": 1, "price": 1},
]
ORDER = MemorySystem().receive(items=ITEMS, total_amount=3)
PARCEL: dict[str, Any] = {
    "id": "s1",
    "carrier": "DHL",
    "tracking_number": "00340434",
    "tracking_url": "https://parcels.example/00340434",
    "shipped_at": "2026-01-31T10:00:00+01:00",
    "items": [{"line_id": "2", "quantity": 1}, {"line_id": "shirt", "quantity": 1}],
}


def state(status: str, **members: Any) -> bytes:
    return json.dumps({"order_id": "ord_1-d1", "status": status, **members}).encode()


def test_a_parcel_is_read_with_its_description_and_its_lines_in_the_order_of_the_document():
    assert read_shipment(PARCEL, ORDER, 3) == Shipment(
        delivery=3,
        id="s1",
        lines=((1, 1), (2, 1)),
        carrier="DHL",
        tracking_number="00340434",
        tracking_url="https://parcels.example/00340434",
        shipped_at=datetime(2026, 1, 31, 9, tzinfo=UTC),
    )


def test_a_line_that_is_named_twice_counts_with_both_quantities():
    twice = [{"line_id": "shirt", "quantity": 1}, {"line_id": "shirt", "quantity": 1}]
    assert read_shipment(PARCEL | {"items": twice}, ORDER, 1).lines == ((1, 2),)


def test_a_parcel_at_all_limits_is_read():
    url = "https://" + "x" * 504
    limits = {"id": "s" * 128, "carrier": "x" * 64, "tracking_number": "0" * 64, "tracking_url": url}
    found = read_shipment(PARCEL | limits | {"items": [{"line_id": "2", "quantity": 10**9}]}, ORDER, 1)
    assert {name: getattr(found, name) for name in limits} == limits
    assert found.lines == ((2, 10**9),)


def test_fifty_parcels_of_a_delivery_are_read():
    assert len(read_shipments([PARCEL | {"id": f"s{number}"} for number in range(50)], ORDER, 1)) == 50


def test_a_time_is_cut_to_the_millisecond_that_a_row_keeps():
    assert read_time("2026-01-31T10:00:00.123987Z") == datetime(2026, 1, 31, 10, 0, 0, 123000, UTC)


@pytest.mark.parametrize(
    "wrong",
    [
        *({"carrier": value} for value in (7, "", "x" * 65, "D\nHL", None)),
        *({"tracking_number": value} for value in (["00340434"], "0" * 65)),
        *(
            {"tracking_url": value}
            for value in (
                "javascript:alert(1)",
                "javascript://alert(1)",
                "parcels.example",
                "https://a b",
                'https://a"b',
                "https://" + "x" * 505,
            )
        ),
        *({"shipped_at": value} for value in ("yesterday", 1769851800, "2026-01-31T10:00:00")),
        *({"shipped_at": value} for value in ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00")),
    ],
)
def test_a_description_that_cannot_be_used_is_left_out(wrong):
    (name,) = wrong
    found = read_shipment(PARCEL | wrong, ORDER, 1)
    assert found == replace(read_shipment(PARCEL, ORDER, 1), **{name: None})


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("s1", "a shipment is not a JSON object"),
        *((PARCEL | {"id": value}, "the id of a shipment is not a text") for value in (None, "", 7, "x" * 129, "a\nb")),
        *((PARCEL | {"items": value}, "the items of a shipment are not a list") for value in (None, [], {}, "2")),
        (PARCEL | {"items": ["2"]}, "a line of a shipment is not a JSON object"),
        *(
            (PARCEL | {"items": [{"line_id": value, "quantity": 1}]}, "a line that the order does not have")
            for value in ("1", "3", 2, None)
        ),
        *(
            (PARCEL | {"items": [{"line_id": "2", "quantity": value}]}, "is not a whole number above 0")
            for value in (0, -1, 1.0, "1", True, None, 10**9 + 1)
        ),
    ],
)
def test_a_parcel_whose_lines_are_in_doubt_is_malformed(wrong, message):
    with pytest.raises(Malformed, match=message):
        read_shipment(wrong, ORDER, 1)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({}, "shipments is not a list"),
        ([PARCEL, PARCEL], "two shipments have the same id"),
        ([PARCEL | {"id": f"s{number}"} for number in range(51)], "more than 50 shipments"),
    ],
)
def test_a_list_of_parcels_that_is_in_doubt_is_malformed(wrong, message):
    with pytest.raises(Malformed, match=message):
        read_shipments(wrong, ORDER, 1)


def test_an_order_that_was_rejected_has_no_lines_that_can_be_shipped():
    for document in ("{}", "[]", '{"items":7}', '{"items":[7]}'):
        with pytest.raises(Malformed, match="the order has no lines"):
            read_shipment(PARCEL, replace(ORDER, submission=document), 1)


def test_the_state_of_a_delivery_has_its_parcels_and_its_due_date():
    answer = read_state(state("accepted", shipments=[PARCEL], due_at="2026-02-03T00:00:00Z"), ORDER)
    assert answer.shipments == (read_shipment(PARCEL, ORDER, 1),)
    assert answer.due_at == datetime(2026, 2, 3, tzinfo=UTC)


@pytest.mark.parametrize("status", sorted({"shipped", "closed", "cancelled", "declined", "refused"}))
def test_only_a_delivery_in_work_has_a_due_date(status):
    assert read_state(state(status, due_at="2026-02-03T00:00:00Z"), ORDER).due_at is None


def test_a_delivery_that_is_shipped_needs_no_parcels_but_if_it_has_them_they_have_all_lines():
    assert read_state(state("shipped"), ORDER).shipments == ()
    rest = PARCEL | {"id": "s2", "items": [{"line_id": "shirt", "quantity": 1}]}
    assert len(read_state(state("shipped", shipments=[PARCEL, rest]), ORDER).shipments) == 2
    with pytest.raises(Malformed, match="the shipments do not have all lines"):
        read_state(state("shipped", shipments=[PARCEL]), ORDER)


def test_a_delivery_that_is_shipped_may_have_more_than_it_was_asked_for():
    more = PARCEL | {"items": [{"line_id": "2", "quantity": 1}, {"line_id": "shirt", "quantity": 3}]}
    assert read_state(state("shipped", shipments=[more]), ORDER).shipments[0].lines == ((1, 3), (2, 1))


def test_a_delivery_of_some_lines_is_shipped_with_these():
    order = replace(ORDER, lines=((1, 1), (2, 1)))
    assert read_state(state("shipped", shipments=[PARCEL]), order).state is State.SHIPPED


@pytest.mark.parametrize("status", ["declined", "refused"])
def test_a_delivery_that_was_not_shipped_has_no_parcel(status):
    with pytest.raises(Malformed, match=f"the status is {status}, and there are shipments"):
        read_state(state(status, shipments=[PARCEL]), ORDER)


def test_the_request_asks_for_the_lines_of_the_delivery_under_their_ids():
    order = replace(ORDER, delivery=2, lines=((1, 1), (2, 1)))
    document = strict_json.parse(write_order(order))
    assert document["order_id"] == "ord_1-d2"
    items = [(item["line_id"], item["product_id"], item["quantity"]) for item in document["items"]]
    assert items == [("shirt", "p", 1), ("2", "q", 1)]


@pytest.mark.parametrize("value", [None, 7, "", "2026-01-31", "2026-01-31T10:00:00", "9999-12-31T23:59:59Z"])
def test_a_time_that_cannot_be_used_is_none(value):
    assert read_time(value) is None
