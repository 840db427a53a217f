"""Reads orders from CSV: one row for each item. Rows with the same value in the ``order`` column are one order."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from typing import Any

from service.cli.errors import CliError, ExitCode
from service.cli.order_entry import Entry
from service.orders.strict_json import MalformedDocument, parse

REQUIRED = ("customer_id", "product_id", "quantity", "price")
COLUMNS = ("order", *REQUIRED, "total_amount", "currency")
METADATA_PREFIX = "metadata."


class _RowError(Exception):
    """A row is not valid. The message is for the user."""


@dataclass(slots=True)
class _OrderRows:
    """The rows of one order that were read so far. ``value_lines`` is the line that set each value."""

    line: int
    label: str = ""
    document: dict[str, Any] = field(default_factory=dict)
    items: list[dict[str, Any]] = field(default_factory=list)
    value_lines: dict[str, int] = field(default_factory=dict)
    error: str | None = None

    @property
    def entry(self) -> Entry:
        if self.error is not None:
            return Entry(self.line, error=self.error)
        total = self.document.get("total_amount", _sum_of(self.items))
        return Entry(self.line, {**self.document, "items": self.items, "total_amount": total}, label=self.label)


def read_csv(text: str, name: str) -> list[Entry]:
    """Read the orders of a CSV file.

    Args:
        text: the text of the file; its first row names the columns.
        name: the file's name, for error messages.

    Returns:
        The orders, each with the line of its first row. The default of ``total_amount`` is the exact sum of the items.

    Raises:
        CliError: a column is missing, unknown or repeated.
    """
    rows = _read_rows(csv.reader(io.StringIO(text, newline=""), strict=True))
    _, first = next(rows, (0, []))
    if isinstance(first, str):
        raise CliError(ExitCode.USAGE, f"{name}: {first}")
    columns = [heading.strip() for heading in first]
    _check_columns(columns, name)
    orders: dict[tuple[str, object], _OrderRows] = {}
    for line, row in rows:
        _add_row(line, row, columns, orders)
    return [order.entry for order in orders.values()]


def _read_rows(reader: Any) -> Iterator[tuple[int, list[str] | str]]:
    """Read each row that is not empty, with the line on which it begins. An invalid row is an error message."""
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, f"the row is not valid CSV ({error})"
            continue
        if any(cell.strip() for cell in row):
            yield line, row


def _check_columns(columns: list[str], name: str) -> None:
    known = [
        each for each in columns if each in COLUMNS or (each.startswith(METADATA_PREFIX) and each != METADATA_PREFIX)
    ]
    unknown = [each or "(empty)" for each in columns if each not in known]
    missing = [each for each in REQUIRED if each not in columns]
    repeated = sorted({each for each in known if known.count(each) > 1})
    problems = [
        f"{problem} {', '.join(found)}"
        for problem, found in (("missing", missing), ("unknown", unknown), ("repeated", repeated))
        if found
    ]
    if problems:
        raise CliError(
            ExitCode.USAGE,
            f"{name}: columns {'; '.join(problems)}. The columns are {', '.join(COLUMNS)} and metadata.NAME.",
        )


def _add_row(line: int, row: list[str] | str, columns: list[str], orders: dict[tuple[str, object], _OrderRows]) -> None:
    """Add a row to its order. An invalid row makes the whole order invalid: part of an order must not be sent."""
    cells = {} if isinstance(row, str) else dict(zip(columns, (cell.strip() for cell in row), strict=False))
    key = ("order", cells["order"]) if cells.get("order") else ("line", line)
    rows = orders.setdefault(key, _OrderRows(line, cells.get("order", "")))
    try:
        if isinstance(row, str):
            raise _RowError(row)
        if len(row) != len(columns):
            raise _RowError(f"the row has {len(row)} cells, but the file has {len(columns)} columns")
        _add_cells(line, cells, rows)
    except _RowError as error:
        if rows.error is None:
            rows.error = str(error) if line == rows.line else f"line {line}: {error}"


def _add_cells(line: int, cells: dict[str, str], rows: _OrderRows) -> None:
    for name, text in cells.items():
        if not text or name in ("order", "product_id", "quantity", "price"):
            continue
        value: Any = _parse_number(name, text) if name == "total_amount" else text
        target = rows.document.setdefault("metadata", {}) if name.startswith(METADATA_PREFIX) else rows.document
        if target.setdefault(name.removeprefix(METADATA_PREFIX), value) != value:
            raise _RowError(f"{name} differs from line {rows.value_lines[name]} of the same order")
        rows.value_lines.setdefault(name, line)
    item: dict[str, Any] = {"product_id": cells["product_id"]} if cells["product_id"] else {}
    item["quantity"] = _parse_number("quantity", cells["quantity"])
    item["price"] = _parse_number("price", cells["price"])
    rows.items.append(item)


def _parse_number(name: str, text: str) -> int | Decimal:
    """Parse a number in JSON's syntax, without a change of its digits."""
    if not text:
        raise _RowError(f"{name} is empty")
    if not re.match(r"-?[0-9]", text):
        raise _RowError(f"{name} is not a number")
    try:
        number: int | Decimal = parse(text)
    except MalformedDocument:
        raise _RowError(f"{name} is not a number such as 2 or 29.99") from None
    return number


def _sum_of(items: list[dict[str, Any]]) -> int | Decimal:
    with localcontext() as context:
        context.prec = 1000  # more digits than any sum of numbers that parse() accepts
        return sum((Decimal(item["quantity"]) * Decimal(item["price"]) for item in items), Decimal(0))
