"""Corrects generated requests where an OpenAPI document cannot describe the rule.

OpenAPI cannot express a total that is the sum of the items, one of two parameters, a cursor of an earlier answer, or
that an invalid order is accepted with ``Prefer: handling=lenient``.
Requests that should be refused are corrected too. Otherwise each would be refused for its total, and would prove
nothing about its intended defect.
"""

import re
from copy import deepcopy
from decimal import Decimal
from itertools import count, cycle
from typing import Any

from service.api.body import KEY_PATTERN, prefers_lenient
from service.orders.currencies import MINOR_UNITS
from service.orders.identity import ANONYMOUS, NAME_PATTERN
from service.orders.lifecycle import Status
from service.orders.money import DIGITS, MAX_AMOUNT, MAX_DIGITS
from service.orders.redrive import NOTE_PATTERN
from tests.hostile.logs import CANARY
from tests.support import ManualClock

FILTERS = {"customer_id": NAME_PATTERN, "reference": NAME_PATTERN, "status": "|".join(Status)}
"""The parameters that select a list, and their patterns."""

AMOUNTS = ("price", "amount", "total_amount")
NOT_ANY_TEXT = ("currency", "placed_at", "kind", "country", "line_id", *AMOUNTS)
"""Fields whose text has a form of its own."""


class Customer:
    """Points requests at existing orders, and puts the canary wherever it does not change their validity."""

    def __init__(self, order_ids: list[str], clock: ManualClock) -> None:
        self.clock = clock
        self.to_show, self.to_cancel = (
            cycle(order_ids),
            cycle(order_ids[::2]),
        )  # CANCELLED is terminal
        self.lists = cycle(
            [
                {},
                {"customer_id": CANARY},
                {"reference": CANARY},
                {"reference": CANARY, "owner": ANONYMOUS},
                {"customer_id": CANARY, "status": Status.RECEIVED.value},
                *({"status": status.value} for status in Status),
            ]
        )
        self.pages: dict[str, dict[str, Any]] = {}
        self.spans = 0  # lists within a time span
        self.keys = (f"{CANARY}-{number}" for number in count())
        self.repeat: tuple[str, Any] | None = None

    def before_call(self, _context: Any, case: Any, _kwargs: Any) -> None:
        self.clock.forward(0.001)
        case.headers["X-Note"] = CANARY
        if isinstance(case.body, dict) and "redrive" in case.operation.label:
            fix_redrive(case.body, of_many=case.operation.label.endswith("/failed-orders/redrive"))
        elif isinstance(case.body, dict):
            insert_canary(case.body)
            fix_order(case.body)
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
        """The next page of a list, or the first one of it, within the generated time span if the list can have it."""
        listing = next(self.lists)
        limit = {name: value for name, value in query.items() if name == "limit"}
        if page := self.pages.pop(str(listing), None):
            return page | limit
        time = "created" if {"customer_id", "reference"} & listing.keys() else "updated"
        span = {name: value for name, value in query.items() if name in (f"{time}_after", f"{time}_before")}
        self.spans += bool(span)
        return limit | listing | span

    def after_call(self, _context: Any, case: Any, response: Any) -> None:
        if case.operation.label == "GET /orders" and response.status_code == 200:
            listing = {name: case.query[name] for name in (*FILTERS, "owner") if name in case.query}
            if cursor := response.json()["next_cursor"]:
                self.pages[str(listing)] = case.query | {"cursor": cursor}


def ask_for_one_list(query: dict[str, Any]) -> None:
    """Keep one of the parameters that select a list, an invalid one if there is one, and no well-formed cursor."""
    given = [name for name in FILTERS if name in query]
    kept = next((name for name in given if not fits(FILTERS[name], query[name])), given[0] if given else None)
    for name in given:
        if name != kept:
            del query[name]
    if not given:
        query["status"] = Status.RECEIVED.value
    if fits("[A-Za-z0-9_-]+", query.get("cursor")):
        del query["cursor"]


def fix_redrive(redrive: dict[str, Any], *, of_many: bool) -> None:
    """Send order ids or a filter, not both, no cursor, and integers as integers; the note is the canary.

    A redrive of many is a dry run, so that the FAILED orders remain for other requests. New deliveries need order ids.
    """
    if of_many and redrive.get("dry_run", False) is False and not redrive.get("order_ids"):
        redrive["dry_run"] = True
    if of_many and not redrive.get("order_ids") and redrive.get("new_delivery") is True:
        del redrive["new_delivery"]
    for name in ("reason", "failed_after", "failed_before") if isinstance(redrive.get("order_ids"), list) else ():
        redrive.pop(name, None)
    if fits("[A-Za-z0-9_-]+", redrive.get("cursor")):
        del redrive["cursor"]
    for name in ("epoch", "limit"):
        if is_number(redrive.get(name)) and redrive[name] == int(redrive[name]):
            redrive[name] = int(redrive[name])
    if fits(NOTE_PATTERN, redrive.get("note")) and len(redrive["note"]) <= 200:
        redrive["note"] = CANARY


def insert_canary(part: Any) -> None:
    """Replace every valid text of a document by the canary, where the canary is valid too."""
    for name, value in part.items() if isinstance(part, dict) else ():
        if fits(NAME_PATTERN, value) and name not in NOT_ANY_TEXT:
            part[name] = CANARY
        insert_canary(value)
    for each in part if isinstance(part, list) else ():
        insert_canary(each)


def fix_order(order: dict[str, Any]) -> None:
    """Correct a valid order in the rules between fields. Invalid values stay, so that an invalid order stays invalid.

    Amounts are whole minor units of the currency, no adjustment is negative, and the total is their sum. The ids of the
    lines differ. The instant is one that can be stored.
    """
    if isinstance(order.get("placed_at"), str) and re.match("[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt]", order["placed_at"]):
        order["placed_at"] = "2026-01-31T09:30:00Z"
    items, adjustments = order.get("items"), order.get("adjustments") or []
    if not (items and isinstance(items, list) and isinstance(adjustments, list)):
        return
    fix_line_ids(items, adjustments)
    currency = order.get("currency")
    unit = 10 ** (MINOR_UNITS.get(currency, 2) if isinstance(currency, str) else 2)
    parts = [(item, "price") for item in items] + [(adjustment, "amount") for adjustment in adjustments]
    if all(_has_amount(part, name) for part, name in parts):
        total = sum(_fix_amount(part, name, unit, len(parts)) for part, name in parts)
        if is_amount(order.get("total_amount")):
            order["total_amount"] = _write(total, unit, order["total_amount"])


def fix_line_ids(items: list[Any], adjustments: list[Any]) -> None:
    """Give the lines different ids, and the adjustments that of the first line."""
    for number, part in enumerate([*items, *adjustments]):
        if isinstance(part, dict) and fits(NAME_PATTERN, part.get("line_id")):
            part["line_id"] = f"{CANARY}-{number if number < len(items) else 0}"
    if adjustments and isinstance(items[0], dict) and items[0].get("line_id") is None:
        items[0]["line_id"] = f"{CANARY}-0"


def _has_amount(part: Any, name: str) -> bool:
    return (
        isinstance(part, dict) and is_amount(part.get(name)) and (name == "amount" or is_number(part.get("quantity")))
    )


def _fix_amount(part: dict[str, Any], name: str, unit: int, parts: int) -> int:
    """Round an amount to whole minor units; return what it adds to the total."""
    quantity = 1
    if name == "price" and part["quantity"] == int(part["quantity"]):
        quantity = part["quantity"] = int(part["quantity"])
    most = min(int(MAX_AMOUNT * unit), 10**MAX_DIGITS - 1) // parts // max(1, quantity)
    units = min(int(abs(Decimal(str(part[name]))) * unit), most)
    part[name] = _write(units, unit, part[name])
    return units * quantity


def _write(units: int, unit: int, before: Any) -> Any:
    """An amount as a number or a string, as it was before."""
    exact = Decimal(units) / unit
    return f"{exact:f}" if isinstance(before, str) else float(exact)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e18


def is_amount(value: Any) -> bool:
    """Whether it is in the range of amounts, and has their form if it is a text."""
    return (is_number(value) or fits(f"-?{DIGITS}", value)) and abs(Decimal(str(value))) <= MAX_AMOUNT


def fits(pattern: str, value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(pattern, value) is not None
