"""Reads the orders of a shop from its JSON or its CSV export."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from service.cli.csv_numbers import NotANumber
from service.cli.csv_table import Columns, Row, first_row, read_table
from service.cli.errors import CliError, ExitCode
from service.cli.order_entry import Entry
from service.cli.shops.parts import NotAnOrder, NotToShip
from service.cli.shops.shop import Shop, csv_forms, json_forms, shop_of_document, shop_of_headings


def convert_documents(entries: Sequence[Entry], shop: Shop, name: str) -> list[Entry]:
    """Convert the JSON orders of a shop to order documents.

    Args:
        entries: the orders as the shop writes them.
        shop: the shop.
        name: the file's name, for error messages.

    Raises:
        CliError: none of them is an order of this shop.
    """
    form = json_forms()[shop]
    entries = [_unwrap(entry) for entry in entries]
    readable = [entry for entry in entries if entry.error is None]
    if readable and not any(shop_of_document(entry.document) is shop for entry in readable):
        first = readable[0]
        missing = [each for each in form.members if not isinstance(first.document, dict) or each not in first.document]
        reason = f"the order on line {first.line} has no {', '.join(missing)}"
        raise _not_of_shop(name, shop, reason, shop_of_document(first.document))
    return [_convert(entry, partial(form.convert, entry.document)) for entry in entries]


def check_documents(entries: Sequence[Entry], name: str) -> None:
    """Check that orders which are read without ``--from`` are not those of a shop.

    Raises:
        CliError: each of them is an order of a shop.
    """
    shops = {shop_of_document(_unwrap(entry).document) for entry in entries if entry.error is None}
    if len(shops) == 1 and (shop := shops.pop()):
        raise CliError(ExitCode.USAGE, f"{name}: these are orders of {shop}; give --from {shop}.")


def read_export(
    text: str, name: str, shop: Shop, *, delimiter: str | None, mapping: Mapping[str, str], currency: str | None
) -> list[Entry]:
    """Read the orders of a shop's CSV export.

    Args:
        text: the text of the file.
        name: the file's name, for error messages.
        shop: the shop.
        delimiter: the separator; found by the headings if None.
        mapping: headings of the file by the column that they name.
        currency: the currency of a file without the column ``Currency``.

    Raises:
        CliError: it is no export of this shop, or its currency is unknown.
    """
    form = csv_forms().get(shop)
    if form is None:
        raise CliError(ExitCode.USAGE, f"{name}: CSV of {shop} cannot be read; give its orders as JSON.")
    if (other := shop_of_headings(first_row(text))) not in (shop, None):
        raise _not_of_shop(name, shop, f"the first row has no {form.columns[0]}", other)
    ids = (form.columns[0], "SKU", "Lineitem sku")
    columns = Columns(form.columns, ("Currency",), ids=ids, ignores_others=True)
    rows = list(read_table(text, name, columns, delimiter=delimiter, mapping=mapping))
    if rows and currency is None and "Currency" not in rows[0].cells:
        raise CliError(ExitCode.USAGE, f"{name}: the file has no column Currency; give --currency, such as EUR.")
    return [_read_order(number, group, form.convert) for number, group in _by_order(rows, form.columns[0]).items()]


def _by_order(rows: Sequence[Row], column: str) -> dict[str, list[Row]]:
    """The rows of each order. A row without an order number belongs to the order above."""
    orders: dict[str, list[Row]] = {}
    number = ""
    for row in rows:
        number = row.cells.get(column) or number
        orders.setdefault(number, []).append(row)
    return orders


def _read_order(
    number: str, rows: Sequence[Row], convert: Callable[[Sequence[Mapping[str, str]]], dict[str, Any]]
) -> Entry:
    error = next((f"line {row.line}: {row.error}" for row in rows if row.error), None)
    return _convert(Entry(rows[0].line, error=error, label=number), lambda: convert([row.cells for row in rows]))


def _unwrap(entry: Entry) -> Entry:
    """The order of ``{"order": {…}}``, as APIs of shops answer it, and of a list of one, as Saleor sends it."""
    document = entry.document
    if isinstance(document, list) and len(document) == 1:
        document = document[0]
    if isinstance(document, dict) and document.keys() == {"order"}:
        document = document["order"]
    return replace(entry, document=document)


def _convert(entry: Entry, convert: Callable[[], dict[str, Any]]) -> Entry:
    """Convert an order of a shop. An order that cannot be read has an error, one that the shop closed a reason."""
    if entry.error is not None:
        return entry
    try:
        return Entry(entry.line, convert(), label=entry.label)
    except NotToShip as reason:
        return Entry(entry.line, skipped=str(reason), label=entry.label)
    except (NotAnOrder, NotANumber) as error:
        return Entry(entry.line, error=str(error), label=entry.label)
    except (AttributeError, TypeError, ValueError, ArithmeticError, KeyError):
        return Entry(entry.line, error="it has not the form of an order of this shop", label=entry.label)


def _not_of_shop(name: str, shop: Shop, reason: str, other: Shop | None) -> CliError:
    advice = f" It is one of {other}; give --from {other}." if other else ""
    return CliError(ExitCode.USAGE, f"{name}: this is no file of {shop}: {reason}.{advice}")
