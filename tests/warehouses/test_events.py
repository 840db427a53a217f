"""Events of the warehouse are read strictly; a parcel is compared with the order's lines."""

import json
from datetime import UTC, datetime

import pytest

from service.orders.callbacks import Event, EventType
from service.orders.shipments import Shipment
from service.warehouses.events import read_event
from service.warehouses.malformed import Malformed
from tests.warehouses.support import PRIVATE, order

PARCEL = {"id": "p1", "items": [{"line_id": "1", "quantity": 2}], "carrier": "DHL", "tracking_number": "00340"}


def event(kind: str = "accepted", **members: object) -> bytes:
    shipment = {"shipment": PARCEL} if kind == "shipped" else {}
    return json.dumps({"id": "evt_1", "type": kind, "order_id": "ord_1-d1", **shipment, **members}).encode()


@pytest.mark.parametrize("kind", [each for each in EventType if each is not EventType.SHIPPED])
def test_an_event_has_a_type_a_delivery_and_a_reason(kind: EventType):
    found = read_event(event(kind, id="e" * 128, reason=" sold\nout ", order_id="ord_1-d12"))
    assert (found.order_id, found.delivery) == ("ord_1", 12)
    assert found.about(order()) == Event(kind, "ord_1", 12, None, "sold out")


def test_a_parcel_has_the_lines_of_the_order_and_its_description():
    found = read_event(event("shipped", shipment={**PARCEL, "shipped_at": "2026-01-31T10:00:00+01:00"}))
    lines, at = ((1, 2),), datetime(2026, 1, 31, 9, tzinfo=UTC)
    shipment = Shipment(
        delivery=1, id="p1", lines=lines, carrier="DHL", tracking_number="00340", tracking_url=None, shipped_at=at
    )
    assert found.about(order()) == Event(EventType.SHIPPED, "ord_1", 1, shipment)


def test_a_parcel_of_an_older_delivery_keeps_its_number():
    assert read_event(event("shipped")).about(order(delivery=2)).shipment.key == (1, "p1")


def test_unknown_members_and_members_that_are_null_are_ignored():
    found = read_event(event("closed", shipment=None, reason=None, occurred_at="soon", weight={"kg": 1}))
    assert found.about(order()) == Event(EventType.CLOSED, "ord_1", 1)


def test_a_reason_shows_nothing_of_the_address():
    private = order(submission=json.dumps({**order().document, "ship_to": {"line1": PRIVATE}}, default=str))
    found = read_event(event("refused", reason=f"nobody at {PRIVATE} " + "x" * 300)).about(private)
    assert PRIVATE not in found.reason
    assert len(found.reason) == 200


@pytest.mark.parametrize(
    ("key", "order_id", "delivery"),
    [
        ("ord_1-d1", "ord_1", 1),
        ("ord_1-d999999999", "ord_1", 999_999_999),
        ("a-d1-d2", "a-d1", 2),
        *((key, "", 0) for key in ("", "ord_1", "ord_1-d", "ord_1-d0", "ord_1-d01", "-d1", "ord_1-d1 ", "ord_1-d1\n")),
        *((key, "", 0) for key in ("ord_1-d١", "ord/1-d1", "x" * 65 + "-d1", "ord_1-d1000000000", "ORD_1-D1")),
    ],
)
def test_a_key_names_an_order_and_a_delivery_or_none(key: str, order_id: str, delivery: int):
    found = read_event(event(order_id=key))
    assert (found.order_id, found.delivery) == (order_id, delivery)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[]", "not a JSON object"),
        (event()[:-1] + b',"id":"evt_2"}', "two members of the same name"),
        *((event(id=value), "id is not") for value in (None, 1, "", "x" * 129)),
        *((event(type=value), "type is not") for value in (None, 1, [], "", "Shipped", "declined")),
        *((event(order_id=value), "order_id is not") for value in (None, 1, {})),
        (event("shipped", shipment=None), "shipment must be there"),
        (event("accepted", shipment=PARCEL), "shipment must be there"),
        (event("closed", shipment={}), "shipment must be there"),
        *((event(reason=value), "reason is not") for value in (1, ["x"], False)),
    ],
)
def test_any_other_body_is_refused_with_the_name_of_the_member(body: bytes, named: str):
    with pytest.raises(Malformed, match=named):
        read_event(body)


@pytest.mark.parametrize(
    "shipment",
    [
        PRIVATE,
        {**PARCEL, "id": ""},
        {**PARCEL, "items": []},
        {**PARCEL, "items": [{"line_id": PRIVATE, "quantity": 1}]},
        {**PARCEL, "items": [{"line_id": "1", "quantity": 0}]},
    ],
)
def test_a_parcel_that_is_none_of_the_order_is_refused_without_being_quoted(shipment: object):
    found = read_event(event("shipped", shipment=shipment))
    with pytest.raises(Malformed) as refused:
        found.about(order())
    assert PRIVATE not in str(refused.value)
