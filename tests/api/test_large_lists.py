"""Lists of orders of the largest size: each page is small enough for Lambda, and together they are whole."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from service.orders.lifecycle import Status
from service.orders.model import TimelineEntry
from service.orders.strict_json import MAX_SIZE
from service.steps import reject
from tests.api.proxy import Gateway, content
from tests.support import START, valid_order

LAMBDA_ANSWER = 6_291_556
"""https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

ITEM = {"product_id": "p" * 128, "name": "é😀" * 120, "quantity": 1, "price": 1}
REJECTED_DOCUMENTS: dict[str, Any] = {
    "the most errors": {"customer_id": "a", "items": [{"a": 1}]},
    "quotes": {"customer_id": "a", "note": '"'},
    "control characters": {"customer_id": "a", "note": "\x01"},
    "line separators": {"customer_id": "a", "note": "\u2028"},
    "other letters": {"customer_id": "a", "note": "é"},
    "emoji": {"customer_id": "a", "note": "😀"},
    "items and errors": {"customer_id": "a", "items": [{"x" * 100: 1}]},
}


def largest(document: dict[str, Any], repeated: str) -> str:
    """The document whose member is repeated until it has the largest size that is accepted."""
    size = len(written({**document, repeated: document[repeated] * 0}).encode())
    one = len(written({repeated: document[repeated] * 2}).encode()) - len(
        written({repeated: document[repeated]}).encode()
    )
    return written({**document, repeated: document[repeated] * ((MAX_SIZE - size) // one - 1)})


def written(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def fill(gateway: Gateway, body: str, orders: int, *, rejected: bool = False) -> None:
    """Submit one order, and store it many times: with a full timeline, two in each millisecond."""
    answer = gateway.post(body=body, headers={"Prefer": "handling=lenient"} if rejected else {})
    order_id = content(answer)["order_id"]
    if rejected:
        reject.run({"task": "reject", "execution": order_id, "input": {"order_id": order_id}}, gateway.system)
    order = gateway.system.store.get(order_id)
    assert (order.status is Status.REJECTED) is rejected
    del gateway.system.store.orders[order_id]
    entry = TimelineEntry(START, Status.PENDING, Status.PROCESSING, "operator:" + "a" * 200, "é" * 200)
    for number in range(orders):
        at = START + timedelta(milliseconds=number // 2)
        ids = {"order_id": f"ord_{number:03}", "write_id": f"w{number}"}
        gateway.system.store.create(replace(order, **ids, timeline=(entry,) * 100, created_at=at, updated_at=at))


def pages(gateway: Gateway) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """The size of Lambda's answer for each page of the list, and the orders of the page."""
    query: dict[str, list[str]] = {"customer_id": ["a"], "limit": ["100"]}
    while True:
        answer = gateway.get("/orders", multiValueQueryStringParameters=query)
        page = content(answer)
        yield len(json.dumps(answer)), page["orders"]
        if page["next_cursor"] is None:
            return
        query["cursor"] = [page["next_cursor"]]


def assert_whole_in_small_pages(gateway: Gateway, orders: int) -> None:
    sizes, shown = zip(*pages(gateway), strict=True)
    found = [order for page in shown for order in page]
    stamps = [order["created_at"] for order in found]
    assert max(sizes) < LAMBDA_ANSWER < sum(sizes), sizes
    assert sorted(order["order_id"] for order in found) == [f"ord_{number:03}" for number in range(orders)]
    assert stamps == sorted(stamps, reverse=True)


def test_a_hundred_orders_of_the_largest_size_are_listed_in_pages_that_lambda_can_return(gateway):
    items = MAX_SIZE // (len(written(ITEM).encode()) + 1) - 1
    fill(gateway, written(valid_order(customer_id="a", items=[ITEM] * items, total_amount=items)), 100)
    assert_whole_in_small_pages(gateway, 100)


@pytest.mark.parametrize("name", REJECTED_DOCUMENTS)
def test_rejected_orders_of_the_largest_size_are_listed_in_pages_that_lambda_can_return(name, event_loop):
    gateway = Gateway(lenient_bytes=MAX_SIZE, api_auth="iam", operator_api="on")
    gateway.caller = {"identity": {"userArn": "arn:aws:iam::123456789012:user/" + "ann" * 20}}
    document = REJECTED_DOCUMENTS[name]
    fill(gateway, largest(document, list(document)[-1]), 25, rejected=True)
    assert_whole_in_small_pages(gateway, 25)
