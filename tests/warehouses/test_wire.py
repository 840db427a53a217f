"""The body that asks for a delivery, and the header ``Retry-After``."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from service.orders import strict_json
from service.orders.submission import new_order
from service.warehouses.wire import read_retry_after, write_order
from tests.support import START

NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 120 ", 120),
        ("3600", 3600),
        ("3601", 3600),
        ("9" * 100, 3600),
        ("Sat, 31 Jan 2026 09:30:30 GMT", 30),
        ("Saturday, 31-Jan-26 09:31:00 GMT", 60),
        ("Sat, 31 Jan 2026 09:29:00 GMT", 0),
        ("Sun, 01 Feb 2026 09:30:00 GMT", 3600),
    ],
)
def test_seconds_and_dates_are_read_and_bounded_by_an_hour(header, seconds):
    assert read_retry_after(header, NOW) == seconds


@pytest.mark.parametrize(
    "header",
    [
        *(None, "", "-1", "1.5", "soon", "1, 2", "9" * 101, "٣", "inf", "nan", "2026-01-31T09:30:30Z"),
        "Sat, 31 Jan 2026 09:30:30",
        "Sat, 31 Foo 2026 09:30:30 GMT",
        "Sat, 99 Jan 2026 99:99:99 GMT",
        "Sat, 31 Jan 2026 :::::::: GMT",
        "Sat, 00 Jan 0000 00:00:00 GMT",
    ],
)
def test_anything_else_is_ignored(header):
    assert read_retry_after(header, NOW) is None


def body(document):
    order = new_order(document, order_id="ord_1", owner="a", actor="api", at=START, write_id="w1")
    return strict_json.parse(write_order(order))


def test_the_body_has_what_shipping_needs_and_no_more():
    address = {"name": "Anna Schmidt", "line1": "Hauptstraße 1", "city": "Berlin", "country": "DE"}
    shipped = {"reference": "#1001", "ship_to": address, "service_level": "express", "note": "Ring twice."}
    line = {"product_id": "p", "quantity": 2, "line_id": "a", "name": "Blue shirt", "sku": "SKU 12"}
    document = {
        **shipped,
        "customer_id": "c",
        "items": [{**line, "price": Decimal("29.99"), "metadata": {"color": "blue"}}, {**line, "line_id": None}],
        "adjustments": [{"kind": "tax", "amount": Decimal("1.00")}],
        "total_amount": Decimal("60.98"),
        "currency": "USD",
        "placed_at": "2026-01-31T09:30:00.000Z",
        "metadata": {"gift": "yes"},
    }
    expected = {"order_id": "ord_1-d1", "items": [line, {**line, "line_id": "2"}], "metadata": {"gift": "yes"}}
    assert body(document) == expected | shipped


def test_an_order_that_another_version_stored_as_it_was_sent_is_asked_for_in_the_form_of_the_contract():
    nulls = dict.fromkeys(("reference", "service_level", "note", "metadata"))
    nulls["ship_to"] = {"name": "Anna Schmidt", "company": None}
    line = {"product_id": "p", "quantity": Decimal("2.0"), "line_id": None, "name": None, "sku": None}
    found = body({"items": [line], **nulls})
    assert found == {
        "order_id": "ord_1-d1",
        "items": [{"line_id": "1", "product_id": "p", "quantity": 2}],
        "metadata": {},
        "ship_to": {"name": "Anna Schmidt"},
    }
    assert type(found["items"][0]["quantity"]) is int
