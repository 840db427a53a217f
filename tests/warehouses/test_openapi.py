"""docs/warehouse.openapi.yaml describes the requests of DOFS and the answers of the simulated warehouse."""

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

from service.orders import strict_json
from service.orders.callbacks import EventType
from service.orders.shipments import MAX_SHIPMENTS
from service.warehouses.ledger import Ledger
from service.warehouses.ledger_entries import Item
from service.warehouses.server.views import show_state
from service.warehouses.shipments import MAX_DESCRIPTION, MAX_ID
from service.warehouses.wire import WIRE_STATES, write_order
from tests.warehouses.support import order, state

ROOT = Path(__file__).parents[2]
DOCUMENT: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "warehouse.openapi.yaml").read_text())
SCHEMAS = DOCUMENT["components"]["schemas"]
PARCEL = {"id": "s1", "items": [{"line_id": "1", "quantity": 1}]}


def check(name: str, document: Any) -> None:
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(schema).validate(document)


def test_the_document_is_valid():
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_the_request_for_a_delivery_has_the_documented_form():
    check("Delivery", strict_json.parse(write_order(order())))


def test_the_states_and_the_types_of_events_are_those_that_the_service_reads():
    assert set(SCHEMAS["State"]["properties"]["status"]["enum"]) == set(map(str, WIRE_STATES))
    assert set(SCHEMAS["Event"]["properties"]["type"]["enum"]) == set(map(str, EventType))


def test_the_limits_are_those_of_the_service():
    shipment = SCHEMAS["Shipment"]["properties"]
    assert SCHEMAS["State"]["properties"]["shipments"]["maxItems"] == MAX_SHIPMENTS
    assert shipment["id"]["maxLength"] == MAX_ID
    assert {name: shipment[name]["maxLength"] for name in MAX_DESCRIPTION} == MAX_DESCRIPTION


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_the_simulated_warehouse_answers_in_the_documented_form(rate: float):
    check("State", show_state(Ledger("seed", rate).ask("ord_1-d1", (Item("1", "prod_456", 2),))))


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("State", state("vanished")),
        ("State", state("refused", shipments=[PARCEL])),
        ("State", state("shipped", shipments=[{**PARCEL, "items": []}])),
        ("State", {"status": "shipped"}),
        ("Event", {"id": "evt_1", "type": "shipped", "order_id": "ord_1-d1"}),
        ("Event", {"id": "evt_1", "type": "lost", "order_id": "ord_1-d1"}),
        ("Delivery", {"order_id": "ord_1-d1", "items": [], "metadata": {}}),
        ("Key", "ord_1"),
    ],
)
def test_other_forms_are_not_documented(name: str, wrong: Any):
    with pytest.raises(jsonschema.ValidationError):
        check(name, wrong)


def test_each_path_of_the_document_is_explained():
    text = (ROOT / "docs" / "warehouse.md").read_text()
    for path, item in DOCUMENT["paths"].items():
        for method in set(item) & {"get", "put", "post"}:
            assert re.search(rf"`{method.upper()} {re.escape(path)}`", text)
    assert "warehouse.openapi.yaml" in text
