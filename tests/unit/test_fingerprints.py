"""A document has the same fingerprint after a deployment; otherwise a retry with its idempotency key gets 422."""

import json
import re
from pathlib import Path

import pytest
from pydantic import Field

from service.orders import document, validation
from service.orders.errors import KeyReused
from service.orders.identity import order_id_for
from service.orders.orders import Orders
from service.orders.strict_json import MAX_SIZE, canonical_text, parse, parse_stored
from service.orders.submission import Submission, new_order
from tests.support import MemorySystem

OF_0_1_0 = json.loads(Path(__file__).with_name("fingerprints_0_1_0.json").read_text())
"""Documents and the fingerprints that version 0.1.0 stored with them. Never change or remove a row."""

TEXT = '{"customer_id":"c","items":[{"product_id":"p","quantity":2,"price":29.99}],"total_amount":59.98}'
KEY = "a-key-of-16-chars"


class LaterItemRequest(document.OrderItemRequest):
    """An item with optional fields that version 0.1.0 does not know."""

    color: str | None = None
    units_per_pack: int = 1


class LaterOrderRequest(document.OrderRequest):
    """An order with optional fields that version 0.1.0 does not know: no default, a constant, a factory."""

    items: list[LaterItemRequest]
    gift_note: str | None = None
    priority: int = 5
    tags: list[str] = Field(default_factory=list)


@pytest.fixture
def system():
    return MemorySystem()


@pytest.fixture
def with_optional_fields(monkeypatch):
    """A function that deploys a version whose orders and items have more optional fields."""
    return lambda: monkeypatch.setattr(validation, "OrderRequest", LaterOrderRequest)


def submitted(text, system, key=None):
    return Orders(system).submit(Submission(parse(text), "anonymous", lenient_bytes=MAX_SIZE, idempotency_key=key))


@pytest.mark.parametrize("row", OF_0_1_0, ids=lambda row: row["document"])
def test_a_document_has_the_fingerprint_that_version_0_1_0_stored(row, system):
    order, _ = submitted(row["text"], system)
    assert order.fingerprint == row["fingerprint"]


def test_the_example_of_the_readme_is_among_them():
    readme = Path(__file__).parents[2].joinpath("README.md").read_text()
    example = re.search(r"/order -H [^\n]* -d '(.*)'", readme)
    assert example
    assert example[1] in {row["text"] for row in OF_0_1_0}


@pytest.mark.parametrize("row", OF_0_1_0, ids=lambda row: row["document"])
def test_new_optional_fields_do_not_change_fingerprints(row, system, with_optional_fields):
    with_optional_fields()
    order, _ = submitted(row["text"], system)
    assert order.fingerprint == row["fingerprint"]


def test_a_retry_after_a_deployment_with_new_optional_fields_gets_the_first_order(system, with_optional_fields):
    first, _ = submitted(TEXT, system, KEY)
    with_optional_fields()
    assert submitted(TEXT, system, KEY) == (first, True)


def test_an_optional_field_that_is_not_given_is_not_stored(system, with_optional_fields):
    with_optional_fields()
    order, _ = submitted(TEXT, system)
    assert parse_stored(order.submission).keys() == {"customer_id", "items", "total_amount", "currency", "metadata"}
    assert parse_stored(order.submission)["items"][0].keys() == {"product_id", "quantity", "price"}


def test_an_optional_field_that_is_given_is_stored_and_makes_another_order(system, with_optional_fields):
    with_optional_fields()
    given = TEXT.replace('"price"', '"color":"red","price"')[:-1] + ',"gift_note":"For you","priority":5}'
    order, _ = submitted(given, system)
    document = parse_stored(order.submission)
    assert (document["gift_note"], document["priority"], document["items"][0]["color"]) == ("For you", 5, "red")
    assert order.fingerprint != submitted(TEXT, system)[0].fingerprint


@pytest.mark.parametrize(
    "given",
    [
        TEXT.replace("29.99", '"29.99"'),
        TEXT.replace(":2,", ":2.0,"),
        TEXT.replace('"c"', '"c d"'),
        TEXT[:-1] + ',"note":null}',
        TEXT[:-1] + ',"note":"Ring twice."}',
    ],
)
def test_a_repeat_of_an_order_that_version_0_1_0_rejected_gets_that_order(given, system):
    """Version 0.1.0 stored the document as it was sent, because it was not valid then."""
    order_id = order_id_for("anonymous", KEY, system.new_id)
    new = {"order_id": order_id, "owner": "anonymous", "actor": "api", "at": system.now(), "write_id": "w1"}
    stored = system.store.create(new_order(parse(given), **new))
    assert submitted(given, system, KEY) == (stored, True)
    with pytest.raises(KeyReused):
        submitted(given.replace("29.99", "29.98").replace("59.98", "59.96"), system, KEY)


def test_a_repeat_in_another_notation_of_an_order_that_is_not_valid_gets_that_order(system):
    text = TEXT.replace("59.98", "1.10")
    stored, _ = submitted(text, system, KEY)
    assert stored.submission == canonical_text(parse(text))  # as version 0.1.0 stores it
    assert submitted(TEXT.replace("59.98", "1.1"), system, KEY) == (stored, True)
    assert submitted(TEXT.replace("59.98", '"1.10"'), system, KEY) == (stored, True)
