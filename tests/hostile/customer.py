"""Corrects generated requests where an OpenAPI document cannot describe the rule.

OpenAPI cannot express a total that is the sum of the items, one of two parameters, a cursor of an earlier answer, or
that an invalid order is accepted with ``Prefer: handling=lenient``.
Requests that should be refused are corrected too. Otherwise each would be refused for its total, and would prove
nothing about its intended defect.
"""

import re
from copy import deepcopy
from itertools import count, cycle
from typing import Any

from service.api.body import KEY_PATTERN, prefers_lenient
from service.api.failed_orders import NOTE_PATTERN
from service.orders.lifecycle import Status
from service.orders.validation import ID_PATTERN, MAX_AMOUNT
from tests.hostile.logs import CANARY
from tests.support import ManualClock

NAMED = {"customer_id": ID_PATTERN, "status": "|".join(Status)}


class Customer:
    """Points requests at existing orders, and puts the canary wherever it does not change their validity."""

    def __init__(self, order_ids: list[str], clock: ManualClock) -> None:
        self.clock = clock
        self.to_show, self.to_cancel = (
            cycle(order_ids),
            cycle(order_ids[::2]),
        )  # CANCELLED is terminal
        self.lists = cycle([{"customer_id": CANARY}, *({"status": status.value} for status in Status)])
        self.cursors: dict[str, str] = {}
        self.keys = (f"{CANARY}-{number}" for number in count())
        self.repeat: tuple[str, Any] | None = None

    def before_call(self, _context: Any, case: Any, _kwargs: Any) -> None:
        self.clock.forward(0.001)
        case.headers["X-Note"] = CANARY
        if isinstance(case.body, dict) and "redrive" in case.operation.label:
            fix_redrive(case.body, of_many=case.operation.label.endswith("/failed-orders/redrive"))
        elif isinstance(case.body, dict):
            insert_canary(case.body)
            fix_amounts(case.body)
        if fits(KEY_PATTERN, case.headers.get("Idempotency-Key")):
            case.headers["Idempotency-Key"] = next(self.keys)
        if case.operation.label == "GET /failed-orders" and fits("[A-Za-z0-9_-]+", case.query.get("cursor")):
            del case.query["cursor"]
        listing = case.operation.label == "GET /orders"
        if case.meta is None or not case.meta.generation.mode.is_positive:
            # Hypothesis also generates strings that it finds in our source code.
            if prefers_lenient([case.headers.get("Prefer", "")]):
                del case.headers["Prefer"]
            if listing:
                ask_for_one_list(case.query)
            return
        if "Idempotency-Key" in case.headers:
            self._send_it_twice(case)
        if listing:
            case.query = self._page_of_a_list(case.query)
        if "order_id" in case.path_parameters and case.meta.phase.name != "stateful":
            ids = self.to_cancel if case.operation.label.endswith(("/cancel", "/redrive")) else self.to_show
            case.path_parameters["order_id"] = next(ids)

    def _send_it_twice(self, case: Any) -> None:
        if self.repeat:
            case.headers["Idempotency-Key"], case.body = self.repeat
            self.repeat = None
        else:
            self.repeat = case.headers["Idempotency-Key"], deepcopy(case.body)

    def _page_of_a_list(self, query: dict[str, Any]) -> dict[str, Any]:
        listing = next(self.lists)
        cursor = self.cursors.pop(str(listing), None)
        limit = {name: value for name, value in query.items() if name == "limit"}
        return limit | listing | ({"cursor": cursor} if cursor else {})

    def after_call(self, _context: Any, case: Any, response: Any) -> None:
        if case.operation.label == "GET /orders" and response.status_code == 200:
            listing = {name: case.query[name] for name in NAMED if name in case.query}
            if cursor := response.json()["next_cursor"]:
                self.cursors[str(listing)] = cursor


def ask_for_one_list(query: dict[str, Any]) -> None:
    """Keep one of the two parameters of a list, the invalid one if there is one, and no well-formed cursor."""
    if "customer_id" in query and "status" in query:
        del query["customer_id" if fits(NAMED["customer_id"], query["customer_id"]) else "status"]
    elif "customer_id" not in query and "status" not in query:
        query["status"] = Status.RECEIVED.value
    if fits("[A-Za-z0-9_-]+", query.get("cursor")):
        del query["cursor"]


def fix_redrive(redrive: dict[str, Any], *, of_many: bool) -> None:
    """Send order ids or a filter, not both, no cursor, and integers as integers; the note is the canary.

    A redrive of many is a dry run, so that the FAILED orders remain for other requests.
    """
    if of_many and redrive.get("dry_run", False) is False and not redrive.get("order_ids"):
        redrive["dry_run"] = True
    for name in ("reason", "failed_after", "failed_before") if isinstance(redrive.get("order_ids"), list) else ():
        redrive.pop(name, None)
    if fits("[A-Za-z0-9_-]+", redrive.get("cursor")):
        del redrive["cursor"]
    for name in ("epoch", "limit"):
        if is_number(redrive.get(name)) and redrive[name] == int(redrive[name]):
            redrive[name] = int(redrive[name])
    if fits(NOTE_PATTERN, redrive.get("note")) and len(redrive["note"]) <= 200:
        redrive["note"] = CANARY


def insert_canary(order: dict[str, Any]) -> None:
    """Replace every valid text by the canary, where the canary is valid too."""
    items, metadata = order.get("items"), order.get("metadata")
    _mark(order, "customer_id")
    for item in items if isinstance(items, list) else ():
        _mark(item, "product_id")
    for name, value in metadata.items() if isinstance(metadata, dict) else ():
        if isinstance(value, str) and len(value) <= 256:
            metadata[name] = CANARY


def _mark(place: Any, name: str) -> None:
    if isinstance(place, dict) and fits(ID_PATTERN, place.get(name)):
        place[name] = CANARY


def fix_amounts(order: dict[str, Any]) -> None:
    """Round the valid prices to cents, and set a valid total to the sum."""
    items = order.get("items")
    if not (isinstance(items, list) and items and all(_has_numbers(item) for item in items)):
        return
    most, total = int(MAX_AMOUNT * 100) // len(items), 0.0
    for item in items:
        if 1 <= item["quantity"] <= 10_000 and item["quantity"] == int(item["quantity"]):
            item["quantity"] = int(item["quantity"])
        if is_amount(item["price"]):
            item["price"] = min(int(item["price"] * 100), int(most // max(1, item["quantity"]))) / 100
        total += round(item["price"] * 100) * item["quantity"]
    if is_amount(order.get("total_amount")):
        order["total_amount"] = total / 100


def _has_numbers(item: Any) -> bool:
    return isinstance(item, dict) and is_number(item.get("quantity")) and is_number(item.get("price"))


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e18


def is_amount(value: Any) -> bool:
    return is_number(value) and 0 <= value <= float(MAX_AMOUNT)


def fits(pattern: str, value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(pattern, value) is not None
