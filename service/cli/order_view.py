"""Shows an order on the terminal.

The document of a REJECTED order is shown as it was sent, so any of its fields may have any type.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from service.cli.render import cell, status_cell, table, to_json
from service.orders.currencies import MINOR_UNITS

if TYPE_CHECKING:
    from rich.console import RenderableType

MAX_DIGITS = 20  # of an amount that is written without an exponent
ADDRESS = ("name", "company", "line1", "line2", "city", "region", "postal_code", "country", "phone", "email")


def render_order(order: Mapping[str, Any]) -> "list[RenderableType]":
    """Render an order with its address, items, adjustments, errors and timeline."""
    from rich.text import Text

    head = Text.assemble(cell(order.get("order_id"), "bold"), "  ", status_cell(order.get("status")))
    parts: list[RenderableType] = [head, Text(), table(("", ""), [*_facts(order)])]
    for headings, rows in (
        (("metadata", ""), list(_mapping(order.get("metadata")).items())),
        (("ship to", ""), _address(order.get("ship_to"))),
        (("note", ""), [(line, "") for line in str(order.get("note") or "").splitlines()]),
    ):
        if rows:
            parts += [Text(), table(headings, rows)]
    parts += [*_items(order), *_parcels(order)]
    if errors := _mappings(order.get("errors")):
        parts += [Text(), table(("field", "error"), [(e.get("pointer"), e.get("detail")) for e in errors])]
    if submission := _mapping(order.get("submission")):
        parts += [Text(), table(("sent", ""), [(to_json({name: value}), "") for name, value in submission.items()])]
    timeline = [each for each in order.get("timeline") or () if isinstance(each, Mapping)]
    rows = [[e.get("at"), status_cell(e.get("to")), e.get("actor"), e.get("reason")] for e in timeline]
    return [*parts, Text(), table(("at", "status", "actor", "reason"), rows)]


def format_amount(order: Mapping[str, Any]) -> str:
    """Format the total amount of an order."""
    currency = order.get("currency")
    parts = (format_money(order.get("total_amount"), currency), currency)
    return " ".join(str(part) for part in parts if part is not None) or "–"


def format_money(amount: object, currency: object) -> object:
    """Format an amount with the decimals of its currency, or with more if it needs them."""
    if isinstance(amount, bool) or not isinstance(amount, int | Decimal):
        return amount
    number = Decimal(amount).normalize()
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) > MAX_DIGITS:
        return amount
    return f"{number:.{max(-exponent, MINOR_UNITS.get(str(currency), 2))}f}"


def _facts(order: Mapping[str, Any]) -> Iterable[tuple[object, object]]:
    yield "customer", order.get("customer_id")
    for name, noun in (("reference", "reference"), ("service_level", "service level"), ("placed_at", "placed")):
        if order.get(name) is not None:
            yield noun, order[name]
    if order.get("owner") is not None:  # the API shows it to operators
        yield "owner", order["owner"]
    yield "amount", format_amount(order)
    yield "attempts", order.get("attempts")
    if delivery := _mapping(order.get("delivery")):  # earlier versions of the API show no delivery
        may_have = delivery.get("asked") and order.get("status") not in ("FULFILLED", "CANCELLED")
        yield "delivery", f"{delivery.get('key')}{', the warehouse may have it' if may_have else ''}"
        if delivery.get("lines"):
            yield "asks for", _quantities(delivery["lines"])
        if delivery.get("at_warehouse_since"):
            yield "at warehouse", f"since {delivery['at_warehouse_since']}, looks without news: {delivery.get('looks')}"
    if order.get("due_at"):
        yield "due", cell(f"{order['due_at']}, overdue", "red") if delivery.get("overdue") else order["due_at"]
    if order.get("shipped"):
        yield "shipped", "{} of {} lines".format(*count_shipped(order))
    if order.get("cancel_asked"):
        yield "cancellation", "asked for; the warehouse has not answered yet"
    yield "created", order.get("created_at")
    yield "updated", order.get("updated_at")


def _address(address: object) -> Sequence[Sequence[object]]:
    given = _mapping(address)
    return [(name.replace("_", " "), given[name]) for name in ADDRESS if given.get(name) is not None]


def _items(order: Mapping[str, Any]) -> "list[RenderableType]":
    """The items and the adjustments, with those optional columns that have a value."""
    from rich.text import Text

    currency = order.get("currency")
    sent = _shipped(order)
    parts: list[RenderableType] = []
    for name, first, columns in (
        ("items", ("product_id", "quantity", "price"), ("shipped", "line_id", "sku", "name")),
        ("adjustments", ("kind", "amount"), ("line_id", "label")),
    ):
        rows = _mappings(order.get(name))
        if name == "items" and sent:
            rows = [{**row, "shipped": sent.get(_line_id(row, position), 0)} for position, row in enumerate(rows, 1)]
        shown = [*first, *(column for column in columns if any(row.get(column) is not None for row in rows))]
        headings = [column.removesuffix("_id").replace("kind", "adjustment") for column in shown]
        cells = [
            [
                format_money(row.get(column), currency) if column in ("price", "amount") else row.get(column)
                for column in shown
            ]
            for row in rows
        ]
        if rows:
            parts += [Text(), table(headings, cells, numbers=range(1, len(first)))]
    return parts


def _parcels(order: Mapping[str, Any]) -> "list[RenderableType]":
    """The parcels, with their tracking."""
    from rich.text import Text

    rows = [
        [
            *(parcel.get(name) for name in ("id", "shipped_at", "carrier", "tracking_number")),
            _quantities(parcel.get("items")),
            parcel.get("tracking_url"),
        ]
        for parcel in _mappings(order.get("shipments"))
    ]
    headings = ("parcel", "shipped at", "carrier", "tracking number", "lines", "tracking")
    return [Text(), table(headings, rows, optional=(1, 2))] if rows else []


def _quantities(lines: object) -> str:
    return ", ".join(f"{line.get('line_id')} × {line.get('quantity')}" for line in _mappings(lines))


def count_shipped(order: Mapping[str, Any]) -> tuple[int, int]:
    """Count the lines of an order that were shipped as a whole, and all its lines."""
    sent, items = _shipped(order), _mappings(order.get("items"))
    whole = [_is_whole(item, sent.get(_line_id(item, position), 0)) for position, item in enumerate(items, 1)]
    return sum(whole), len(items)


def _is_whole(item: Mapping[str, Any], sent: int) -> bool:
    quantity = item.get("quantity")
    return isinstance(quantity, int | Decimal) and sent >= quantity


def _shipped(order: Mapping[str, Any]) -> dict[str, Any]:
    """The quantity that was shipped of each line, by the line's id."""
    return {str(line.get("line_id")): line.get("quantity") for line in _mappings(order.get("shipped"))}


def _line_id(item: Mapping[str, Any], position: int) -> str:
    return str(item.get("line_id") or position)


def _mapping(value: object) -> Mapping[Any, Any]:
    return value if isinstance(value, Mapping) else {}


def _mappings(value: object) -> list[Mapping[Any, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list | tuple) else []
