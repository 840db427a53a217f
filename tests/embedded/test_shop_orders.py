"""Orders of four shops from their files to the ledger of the warehouse, by the command line."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.cli.commands import run
from tests.documents import DIRECTORY, FILES, ORDERS
from tests.embedded.support import running_cloud, serving


@pytest.fixture(scope="module")
def urls() -> Iterator[tuple[str, str]]:
    """The URLs of an embedded cloud and of its warehouse, which ships every order."""
    settings = {"embedded_warehouse": "http", "embedded_warehouse_args": "--port 0", "fulfillment_success_rate": 1}
    with running_cloud(**settings) as cloud, serving(cloud) as api:
        yield api, cloud.warehouse.url


@pytest.fixture(scope="module")
def submitted(urls: tuple[str, str]) -> dict[str, dict[str, Any]]:
    """The report of each file, after all of its orders have reached a terminal state."""
    reports = {}
    for file in FILES:
        ran = run(
            "--api", urls[0], "--json", "submit", str(DIRECTORY / file), "--from", file.partition("_")[0], "--wait"
        )
        assert ran.code == 0, ran.err
        reports[file] = ran.json
    return reports


def test_all_orders_of_each_file_are_fulfilled(submitted):
    for file, report in submitted.items():
        references = [order.reference for order in ORDERS if order.file == file]
        assert [each["reference"] for each in report["orders"]] == references
        assert (report["accepted"], report["ended"]) == (len(references), {"FULFILLED": len(references)})


@pytest.mark.parametrize("expected", ORDERS, ids=lambda order: f"{order.file}-{order.reference}")
def test_an_order_is_found_by_its_reference_and_in_the_ledger_with_its_address_and_lines(urls, submitted, expected):
    api, warehouse = urls
    [order_id] = [
        each["order_id"] for each in submitted[expected.file]["orders"] if each["reference"] == expected.reference
    ]
    [found] = httpx.get(f"{api}/orders", params={"reference": expected.reference}).json()["orders"]
    assert (found["order_id"], found["status"]) == (order_id, "FULFILLED")
    assert run("--api", api, "--json", "list", "--reference", expected.reference).lines == [
        found | {"sorted_by": "created_at"}
    ]
    assert Decimal(str(found["total_amount"])) == Decimal(expected.total)
    ledger = httpx.get(f"{warehouse}/ledger", params={"limit": 1000}).json()
    [delivery] = [each for each in ledger["deliveries"] if each["order_id"] == order_id]
    assert (delivery["status"], delivery["reference"]) == ("shipped", expected.reference)
    assert delivery["ship_to"] == expected.ship_to
    lines = [(item["product_id"], item["quantity"]) for item in delivery["items"]]
    assert sorted(lines) == sorted((product, quantity) for product, quantity, _ in expected.lines)
    assert all(item["name"] for item in delivery["items"])


def test_a_file_that_is_submitted_again_creates_no_order(urls, submitted):
    for file, report in submitted.items():
        ran = run("--api", urls[0], "--json", "submit", str(DIRECTORY / file), "--from", file.partition("_")[0])
        assert (ran.code, ran.json["accepted"], ran.json["already_there"]) == (0, 0, report["accepted"])
