"""The largest orders fit into one row of DynamoDB, one request, and one input of an execution."""

import json
from dataclasses import replace
from typing import Any

import pytest

from service.aws.records import from_order
from service.orders import strict_json
from service.orders.document import AddressRequest
from service.orders.lifecycle import Status
from service.orders.model import TIMELINE_LIMIT, Order, TimelineEntry
from service.orders.shipments import MAX_BYTES, MAX_SHIPMENTS, Shipment, TooManyShipments, merge
from service.orders.strict_json import MAX_SIZE, MalformedDocument
from service.orders.submission import new_order
from service.orders.validation import MAX_ERRORS, validate
from service.warehouses.server.http import MAX_BODY
from service.warehouses.shipments import MAX_DESCRIPTION, MAX_ID, MAX_QUANTITY
from service.warehouses.wire import MAX_REASON, write_order
from tests.benchmarks.cost.dynamodb import size
from tests.support import START, valid_order

ROW = 400 * 1024
"""https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-items"""
INPUT = 256 * 1024
"""https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html"""

LINE = {
    "product_id": "prod_" + "x" * 59,
    "quantity": 12,
    "price": 1234.99,
    "line_id": "gid://shopify/LineItem/12345678901234",
    "name": "Merino sweater, crew neck, navy blue, size M (organic)",
    "sku": "SWEATER-NAVY-M-ORGANIC",
}


def row_size(order: Order) -> int:
    return size(from_order(order, 8))


def order_of(document: Any, **changes: Any) -> Order:
    order = new_order(document, order_id="ord_" + "0" * 32, owner="o" * 220, actor="api", at=START, write_id="w" * 32)
    return replace(order, **changes)


def order_of_500_lines(**changes: Any) -> dict[str, Any]:
    order = valid_order(
        items=[{**LINE, "line_id": f"{LINE['line_id']}{number}"} for number in range(500)],
        adjustments=[
            {"kind": "tax", "amount": 0.25, "label": "VAT 19 %", "line_id": f"{LINE['line_id']}{number}"}
            for number in range(500)
        ],
        reference="#1001",
        ship_to=dict.fromkeys(AddressRequest.model_fields, "Hauptstraße 1, 3. Hof") | {"country": "DE"},
        service_level="express",
        note="Bitte zweimal klingeln. " * 20,
        placed_at="2026-01-31T09:30:00Z",
        metadata={f"key {number}": "value" * 10 for number in range(50)},
    )
    order["total_amount"] = float(round(500 * 12 * 1234.99 + 500 * 0.25, 2))
    return {**order, **changes}


def history(entries: int) -> tuple[TimelineEntry, ...]:
    entry = TimelineEntry(START, Status.PROCESSING, Status.PROCESSING, "operator:" + "a" * 220, "😀" * MAX_REASON)
    return (entry,) * entries


def test_500_lines_with_all_of_their_fields_fit_into_a_body_written_with_spaces():
    text = json.dumps(order_of_500_lines(), indent=2)
    assert 160 * 1024 < len(text.encode()) <= MAX_SIZE
    verdict = validate(strict_json.parse(text))
    assert verdict.errors == ()
    order = order_of(verdict.document)
    assert row_size(replace(order, timeline=history(TIMELINE_LIMIT))) < ROW
    assert len(write_order(order)) < 300_000 < MAX_BODY
    assert len(json.dumps({"order": verdict.document}, default=float, ensure_ascii=False).encode()) <= INPUT


@pytest.mark.parametrize("character", ["x", "é", "😀"])
def test_the_largest_document_fits_into_a_row_with_the_longest_timeline(character: str):
    frame = len(strict_json.canonical_text({"x": ""}))
    document = {"x": character * ((MAX_SIZE - frame) // len(character.encode()))}
    assert row_size(order_of(document, timeline=history(TIMELINE_LIMIT))) < ROW


def largest_parcels(character: str) -> tuple[Shipment, ...]:
    """Parcels with as many bytes as an order may have."""
    parcels: tuple[Shipment, ...] = ()
    for number in range(MAX_SHIPMENTS):
        parcel = Shipment(
            delivery=99,
            id=character * 10 + str(number),
            lines=tuple((position, MAX_QUANTITY) for position in range(100, 120)),
            carrier=character * 10,
            tracking_number="x" * 12,
            tracking_url="https://parcels.example/",
            shipped_at=START,
        )
        try:
            parcels = merge(parcels, (parcel,))
        except TooManyShipments:
            break
    return parcels


@pytest.mark.parametrize("character", ["x", "é", "😀"])
def test_the_largest_document_fits_into_a_row_with_its_parcels_and_the_lines_that_are_left(character: str):
    frame = len(strict_json.canonical_text({"x": ""}))
    document = {"x": "x" * (MAX_SIZE - frame)}
    parcels = largest_parcels(character)
    lines = tuple((position, MAX_QUANTITY) for position in range(1, 501))
    order = order_of(document, timeline=history(TIMELINE_LIMIT))
    row = row_size(replace(order, shipments=parcels, parcels=len(parcels), lines=lines, due_at=START))
    grown = row_size(replace(order, shipments=parcels)) - row_size(order)
    assert grown <= sum(parcel.size for parcel in parcels) <= MAX_BYTES
    assert row + MAX_BYTES - grown < ROW


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"id": "😀" * MAX_ID, **{name: "😀" * most for name, most in MAX_DESCRIPTION.items()}},
        {"lines": tuple((position, MAX_QUANTITY) for position in range(1, 501))},
    ],
    ids=["short", "long texts", "many lines"],
)
def test_a_parcel_needs_no_more_bytes_than_are_counted(changes: dict[str, Any]):
    one, two = (
        Shipment(
            delivery=99,
            lines=((1, MAX_QUANTITY),),
            id=id_,
            **dict.fromkeys(MAX_DESCRIPTION, "x"),  # type: ignore[arg-type]
            shipped_at=START,
        )
        for id_ in "12"
    )
    parcel, order = replace(two, **changes), order_of({})
    grown = row_size(replace(order, shipments=(one, parcel))) - row_size(replace(order, shipments=(one,)))
    assert grown <= parcel.size


@pytest.mark.parametrize("width", [1, 100, 200, 5_000, 250_000])
def test_the_largest_invalid_document_fits_into_a_row_with_its_errors(width: int):
    document: dict[str, Any] = {}
    left = MAX_SIZE - 100
    while left > 2 * width:
        name = f"{len(document):x}".rjust(width, "é" if width > 1 else "0")
        left -= len(name.encode()) + len('"":1,')
        document[name] = 1
    errors = validate(document).errors
    assert sum(len((error.pointer + error.detail).encode()) for error in errors) < 33_000
    assert len(errors) <= MAX_ERRORS + 1
    assert row_size(order_of(document, errors=errors, timeline=history(4))) < ROW


def test_a_document_that_grows_when_it_is_written_in_its_one_form_is_refused():
    document = strict_json.parse('{"x":[' + ",".join(["1e5"] * 60_000) + "]}")
    with pytest.raises(MalformedDocument, match="larger than 262,144 bytes"):
        order_of(document)
