"""Reads the orders of a file: JSON, JSON Lines or CSV. An error in one order does not stop the others."""

import codecs
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import PurePath

from service.cli.csv_table import SEPARATORS, first_row
from service.cli.errors import CliError, ExitCode
from service.cli.order_entry import Entry
from service.cli.orders_csv import read_csv
from service.cli.orders_json import read_json, read_json_lines
from service.cli.shops.orders import check_documents, convert_documents, read_export
from service.cli.shops.shop import Shop, shop_of_headings
from service.orders.strict_json import MalformedDocument, parse


class Format(StrEnum):
    """The formats of a file of orders."""

    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read a file.

    Args:
        file_format: the format; the file's suffix or its beginning tells it if None.
        shop: the shop that wrote the file; None for order documents.
        delimiter: the separator of a CSV file; found by the headings if None.
        mapping: headings of a CSV file by the column that they name.
        encoding: the encoding of the text, if it is not UTF-8 and has no byte order mark.
        currency: the currency of the orders that name none.
    """

    file_format: Format | None = None
    shop: Shop | None = None
    delimiter: str | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"
    currency: str | None = None


_SUFFIXES = {".json": Format.JSON, ".jsonl": Format.JSONL, ".ndjson": Format.JSONL, ".csv": Format.CSV}


def read_orders(content: bytes, name: str, reading: Reading = Reading()) -> list[Entry]:
    """Read every order of a file.

    Args:
        content: the bytes of the file, UTF-8 with or without a byte order mark.
        name: the file's name, whose suffix gives the format; ``-`` for standard input.
        reading: how to read it.

    Returns:
        The orders, in the sequence of the file.

    Raises:
        CliError: no order of the file can be read.
    """
    if not content.strip():
        raise CliError(ExitCode.USAGE, f"{name}: the file is empty.")
    content = _to_utf_8(content, name, reading.encoding)
    file_format = reading.file_format or _SUFFIXES.get(PurePath(name).suffix.lower()) or _detect_format(content)
    if file_format is None:
        raise CliError(ExitCode.USAGE, f"{name}: the format is unknown; give --format json, jsonl or csv.")
    if file_format is Format.CSV:
        entries = _read_csv(_decode(content, name), name, reading)
    elif reading.delimiter or reading.mapping:
        raise CliError(ExitCode.USAGE, f"{name}: --delimiter and --map are for CSV, but the file is {file_format}.")
    else:
        lines = file_format is Format.JSONL
        entries = list(read_json_lines(content, name) if lines else read_json(_decode(content, name), name))
        if reading.shop:
            entries = convert_documents(entries, reading.shop, name)
        else:
            check_documents(entries, name)
    return [_with_currency(entry, reading.currency) for entry in entries] if reading.currency else entries


def _read_csv(text: str, name: str, reading: Reading) -> list[Entry]:
    delimiter, mapping = reading.delimiter, reading.mapping
    if reading.shop:
        return read_export(text, name, reading.shop, delimiter=delimiter, mapping=mapping, currency=reading.currency)
    if shop := shop_of_headings(first_row(text)):
        raise CliError(ExitCode.USAGE, f"{name}: this is an export of {shop}; give --from {shop}.")
    return read_csv(text, name, delimiter=delimiter, mapping=mapping)


def _with_currency(entry: Entry, currency: str) -> Entry:
    """An order in the currency, unless it names one."""
    if not isinstance(entry.document, dict) or entry.document.get("currency") is not None:
        return entry
    return replace(entry, document={**entry.document, "currency": currency})


def _detect_format(content: bytes) -> Format | None:
    """Detect the format from the first line."""
    first, _, others = content.strip().partition(b"\n")
    start = first[:1]
    if start == b"{" and not others:
        return Format.JSON
    if start == b"{":
        try:
            parse(first.strip())
        except MalformedDocument:
            return Format.JSON
        return Format.JSONL
    if start == b"[":
        return Format.JSON
    return Format.CSV if any(separator.encode() in first for separator in SEPARATORS) else None


def _to_utf_8(content: bytes, name: str, encoding: str) -> bytes:
    """The text in UTF-8 and without a byte order mark. UTF-16 is known by its mark, as Excel writes it."""
    for mark, marked in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if content.startswith(mark):
            content, encoding = content.removeprefix(mark), marked
            break
    if encoding.lower() in ("utf-8", "utf8"):
        if b"\0" in content[:2]:
            order = "be" if content[:1] == b"\0" else "le"
            raise CliError(
                ExitCode.USAGE, f"{name}: the file is UTF-16 without a byte order mark; give --encoding utf-16-{order}."
            )
        return content
    try:
        return content.decode(encoding).encode()
    except LookupError:
        raise CliError(ExitCode.USAGE, f"--encoding: {encoding!r} is not an encoding, such as cp1252.") from None
    except UnicodeError:
        raise CliError(ExitCode.USAGE, f"{name}: the file is not {encoding} text.") from None


def _decode(content: bytes, name: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise CliError(
            ExitCode.USAGE, f"{name}: line {line} is not UTF-8 text; save the file as UTF-8, or give --encoding cp1252."
        ) from None
