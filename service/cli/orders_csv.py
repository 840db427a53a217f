"""Reads orders from CSV: one row for each item. Rows with the same value in the ``order`` column are one order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from typing import Any

from service.cli.csv_numbers import NotANumber, parse_number, without_apostrophe
from service.cli.csv_table import Columns, Row, read_table
from service.cli.order_entry import Entry

OF_ITEMS = ("line_id", "name", "sku")
OF_ORDERS = ("currency", "service_level", "note", "placed_at")
ADJUSTMENTS = ("tax", "shipping", "discount", "fee")
"""Amounts of an order. A discount may be written with or without its sign."""
REQUIRED = ("customer_id", "product_id", "quantity", "price")
COLUMNS = Columns(
    REQUIRED,
    ("order", "total_amount", *OF_ORDERS, *ADJUSTMENTS, *OF_ITEMS),
    ("ship_to.", "metadata."),
    {
        **dict.fromkeys(("orderid", "ordernumber", "orderno", "reference", "ponumber"), "order"),
        **dict.fromkeys(("customer", "customeremail", "email", "buyer"), "customer_id"),
        **dict.fromkeys(("product", "item", "itemid", "article", "variantid"), "product_id"),
        **dict.fromkeys(("qty", "count", "units"), "quantity"),
        **dict.fromkeys(("unitprice", "itemprice", "priceeach"), "price"),
        **dict.fromkeys(("total", "ordertotal", "grandtotal"), "total_amount"),
        **dict.fromkeys(("currencycode",), "currency"),
        **dict.fromkeys(("itemname", "productname", "title", "description"), "name"),
        **dict.fromkeys(("shippingmethod",), "service_level"),
        **dict.fromkeys(("orderdate", "date", "createdat"), "placed_at"),
        **dict.fromkeys(("comment", "customernote"), "note"),
    },
    substitutes={"product_id": "sku"},
    ids=("order", "customer_id", "product_id", "sku", "line_id"),
)


class _RowError(Exception):
    """A row is not valid. The message is for the user."""


@dataclass(slots=True)
class _OrderRows:
    """The rows of one order that were read so far. ``value_lines`` is the line that set each value."""

    line: int
    label: str = ""
    document: dict[str, Any] = field(default_factory=dict)
    items: list[dict[str, Any]] = field(default_factory=list)
    amounts: dict[str, Any] = field(default_factory=dict)
    value_lines: dict[str, int] = field(default_factory=dict)
    error: str | None = None

    @property
    def entry(self) -> Entry:
        if self.error is not None:
            return Entry(self.line, error=self.error, label=self.label)
        adjustments = [{"kind": kind, "amount": amount} for kind, amount in self.amounts.items() if amount]
        document = {**self.document, "items": self.items, **({"adjustments": adjustments} if adjustments else {})}
        document.setdefault("total_amount", _sum_of(self.items, adjustments))
        return Entry(self.line, document, label=self.label)


def read_csv(
    text: str, name: str, *, delimiter: str | None = None, mapping: Mapping[str, str] | None = None
) -> list[Entry]:
    """Read the orders of a CSV file.

    Args:
        text: the text of the file; its first row names the columns.
        name: the file's name, for error messages.
        delimiter: the separator; found by the headings if None.
        mapping: headings of the file by the column that they name.

    Returns:
        The orders, each with the line of its first row. The default of ``total_amount`` is the exact sum of the items
        and the adjustments.

    Raises:
        CliError: a column is missing, unknown or repeated.
    """
    orders: dict[tuple[str, object], _OrderRows] = {}
    for row in read_table(text, name, COLUMNS, delimiter=delimiter, mapping=mapping):
        _add_row(row, orders)
    return [order.entry for order in orders.values()]


def _add_row(row: Row, orders: dict[tuple[str, object], _OrderRows]) -> None:
    """Add a row to its order. An invalid row makes the whole order invalid: part of an order must not be sent."""
    label = row.cells.get("order", "")
    rows = orders.setdefault(("order", label) if label else ("line", row.line), _OrderRows(row.line, label))
    try:
        if row.error:
            raise _RowError(row.error)
        _add_cells(row.line, row.cells, rows)
    except (_RowError, NotANumber) as error:
        if rows.error is None:
            rows.error = str(error) if row.line == rows.line else f"line {row.line}: {error}"


def _add_cells(line: int, cells: dict[str, str], rows: _OrderRows) -> None:
    for name, text in cells.items():
        if text and name not in (*REQUIRED[1:], *OF_ITEMS):
            _add_value(line, name, text, rows)
    item: dict[str, Any] = {name: cells[name] for name in OF_ITEMS if cells.get(name)}
    if product := cells.get("product_id") or cells.get("sku"):
        item["product_id"] = product
    item["quantity"] = parse_number("quantity", cells["quantity"])
    item["price"] = parse_number("price", cells["price"])
    rows.items.append(item)


def _add_value(line: int, name: str, text: str, rows: _OrderRows) -> None:
    """Add a value of the whole order, which all of its rows may repeat."""
    value: Any = parse_number(name, text) if name in ("total_amount", *ADJUSTMENTS) else text
    if name in ("ship_to.postal_code", "ship_to.phone"):
        value = without_apostrophe(text)
    group, _, member = name.rpartition(".")
    if name == "discount":
        value = -abs(value)
    if name in ADJUSTMENTS:
        target = rows.amounts
    elif group:
        target = rows.document.setdefault(group, {})
    else:
        target = rows.document
    if target.setdefault("reference" if name == "order" else member, value) != value:
        raise _RowError(f"{name} differs from line {rows.value_lines[name]} of the same order")
    rows.value_lines.setdefault(name, line)


def _sum_of(items: list[dict[str, Any]], adjustments: list[dict[str, Any]]) -> int | Decimal:
    with localcontext() as context:
        context.prec = 1000  # more digits than any sum of numbers that parse() accepts
        goods = sum((Decimal(item["quantity"]) * Decimal(item["price"]) for item in items), Decimal(0))
        return goods + sum((Decimal(each["amount"]) for each in adjustments), Decimal(0))
