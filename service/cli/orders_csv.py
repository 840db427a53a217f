"""Orders as a table: one row for each item; rows of one ``order`` are one order."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from typing import Any

from service.cli.errors import CliError, ExitCode
from service.cli.orders_file import Entry
from service.orders.strict_json import MalformedDocument, parse

NEEDED = ("customer_id", "product_id", "quantity", "price")
COLUMNS = ("order", *NEEDED, "total_amount", "currency")
METADATA = "metadata."


class _Wrong(Exception):
    """What is wrong with a row."""


@dataclass(slots=True)
class _Rows:
    """The rows of one order."""

    line: int
    label: str = ""
    document: dict[str, Any] = field(default_factory=dict)
    items: list[dict[str, Any]] = field(default_factory=list)
    said_on: dict[str, int] = field(default_factory=dict)
    error: str | None = None

    @property
    def entry(self) -> Entry:
        if self.error is not None:
            return Entry(self.line, error=self.error)
        total = self.document.get("total_amount", _total(self.items))
        return Entry(self.line, {**self.document, "items": self.items, "total_amount": total}, label=self.label)


def read_csv(text: str, name: str) -> list[Entry]:
    """Read the orders of a table.

    Args:
        text: the table, with a first row that names its columns.
        name: the file's name, for messages.

    Returns:
        The orders by the line of their first row. Without ``total_amount`` it is the exact sum of the items.

    Raises:
        CliError: a column is missing or unknown.
    """
    table = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows = _rows(table)
    _, first = next(rows, (0, []))
    if isinstance(first, str):
        raise CliError(ExitCode.USAGE, f"{name}: {first}")
    columns = [heading.strip() for heading in first]
    _check(columns, name)
    orders: dict[tuple[str, object], _Rows] = {}
    for line, row in rows:
        _add(line, row, columns, orders)
    return [each.entry for each in orders.values()]


def _rows(table: Any) -> Iterator[tuple[int, list[str] | str]]:
    """Each row that is not empty, or what is wrong with it, and the line that it begins on."""
    while True:
        line = table.line_num + 1
        try:
            row = next(table)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, f"the row is not valid CSV ({error})"
            continue
        if any(each.strip() for each in row):
            yield line, row


def _check(columns: list[str], name: str) -> None:
    known = [each for each in columns if each in COLUMNS or (each.startswith(METADATA) and each != METADATA)]
    unknown = [each or "(empty)" for each in columns if each not in known]
    missing = [each for each in NEEDED if each not in columns]
    twice = sorted({each for each in known if known.count(each) > 1})
    problems = [
        f"{said} {', '.join(found)}"
        for said, found in (("missing", missing), ("unknown", unknown), ("named twice", twice))
        if found
    ]
    if problems:
        raise CliError(
            ExitCode.USAGE, f"{name}: columns {'; '.join(problems)}. There are {', '.join(COLUMNS)} and metadata.NAME."
        )


def _add(line: int, row: list[str] | str, columns: list[str], orders: dict[tuple[str, object], _Rows]) -> None:
    """Put a row to its order. A wrong row makes the whole order wrong; half of it must not be sent."""
    cells = {} if isinstance(row, str) else dict(zip(columns, (each.strip() for each in row), strict=False))
    key = ("order", cells["order"]) if cells.get("order") else ("line", line)
    rows = orders.setdefault(key, _Rows(line, cells.get("order", "")))
    try:
        if isinstance(row, str):
            raise _Wrong(row)
        if len(row) != len(columns):
            raise _Wrong(f"the row has {len(row)} cells, and there are {len(columns)} columns")
        _take(line, cells, rows)
    except _Wrong as wrong:
        if rows.error is None:
            rows.error = str(wrong) if line == rows.line else f"line {line}: {wrong}"


def _take(line: int, cells: dict[str, str], rows: _Rows) -> None:
    for name, value in cells.items():
        if not value or name in ("order", "product_id", "quantity", "price"):
            continue
        said: Any = _number(name, value) if name == "total_amount" else value
        inside = rows.document.setdefault("metadata", {}) if name.startswith(METADATA) else rows.document
        if inside.setdefault(name.removeprefix(METADATA), said) != said:
            raise _Wrong(f"{name} is another one than on line {rows.said_on[name]} of the same order")
        rows.said_on.setdefault(name, line)
    item: dict[str, Any] = {"product_id": cells["product_id"]} if cells["product_id"] else {}
    item["quantity"] = _number("quantity", cells["quantity"])
    item["price"] = _number("price", cells["price"])
    rows.items.append(item)


def _number(name: str, written: str) -> int | Decimal:
    """A number exactly as it is written; as JSON writes numbers."""
    if not written:
        raise _Wrong(f"{name} is empty")
    if not re.match(r"-?[0-9]", written):
        raise _Wrong(f"{name} is not a number")
    try:
        number: int | Decimal = parse(written)
    except MalformedDocument:
        raise _Wrong(f"{name} is not a number such as 2 or 29.99") from None
    return number


def _total(items: list[dict[str, Any]]) -> int | Decimal:
    with localcontext() as context:
        context.prec = 1000  # more digits than the longest sum of numbers that can be read has
        return sum((Decimal(item["quantity"]) * Decimal(item["price"]) for item in items), Decimal(0))
