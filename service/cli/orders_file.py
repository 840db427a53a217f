"""Reads the orders of a file: JSON, JSON Lines or CSV. An error in one order does not stop the others."""

import codecs
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePath
from typing import Any

from service.cli.errors import CliError, ExitCode
from service.cli.order_entry import Entry
from service.cli.orders_csv import read_csv
from service.cli.orders_json import read_json, read_json_lines
from service.cli.shops.parts import NotAnOrder
from service.orders.strict_json import MalformedDocument, parse


class Format(StrEnum):
    """The formats of a file of orders."""

    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"


class Shop(StrEnum):
    """The shops whose orders can be read."""

    SHOPIFY = "shopify"
    WOOCOMMERCE = "woocommerce"


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read a file.

    Args:
        file_format: the format; the file's suffix or its beginning tells it if None.
        shop: the shop that wrote the file; None for order documents.
        delimiter: the separator of a CSV file; found by the headings if None.
        mapping: headings of a CSV file by the column that they name.
        encoding: the encoding of the text, if it is not UTF-8 and has no byte order mark.
    """

    file_format: Format | None = None
    shop: Shop | None = None
    delimiter: str | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"


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
    content = _to_utf_8(content, name, reading.encoding)
    file_format = reading.file_format or _SUFFIXES.get(PurePath(name).suffix.lower()) or _detect_format(content)
    if file_format is None:
        raise CliError(ExitCode.USAGE, f"{name}: the format is unknown; give --format json, jsonl or csv.")
    if file_format is Format.CSV:
        return read_csv(_decode(content, name), name, delimiter=reading.delimiter, mapping=reading.mapping)
    if file_format is Format.JSONL:
        entries = list(read_json_lines(content))
    else:
        entries = list(read_json(_decode(content, name), name))
    return [_convert(entry, _converter(reading.shop)) for entry in entries] if reading.shop else entries


def _converter(shop: Shop) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    from service.cli.shops import shopify, woocommerce

    return {Shop.SHOPIFY: shopify.convert, Shop.WOOCOMMERCE: woocommerce.convert}[shop]


def _convert(entry: Entry, convert: Callable[[Mapping[str, Any]], dict[str, Any]]) -> Entry:
    """Convert the order of a shop. A document that is none has an error."""
    if entry.error is not None:
        return entry
    try:
        return Entry(entry.line, convert(entry.document))
    except NotAnOrder as error:
        return Entry(entry.line, error=str(error))
    except (AttributeError, TypeError, ValueError, ArithmeticError, KeyError):
        return Entry(entry.line, error="it has not the form of an order of this shop")


def _detect_format(content: bytes) -> Format | None:
    """Detect the format from the first line."""
    start = content.lstrip()[:1]
    first = content.lstrip().partition(b"\n")[0].strip()
    if start == b"{":
        try:
            parse(first)
        except MalformedDocument:
            return Format.JSON
        return Format.JSONL
    if start == b"[":
        return Format.JSON
    return Format.CSV if b"product_id" in first else None


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
        return content
    try:
        return content.decode(encoding).encode()
    except (UnicodeError, LookupError):
        raise CliError(ExitCode.USAGE, f"{name}: the file is not {encoding} text.") from None


def _decode(content: bytes, name: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise CliError(
            ExitCode.USAGE, f"{name}: line {line} is not UTF-8 text; save the file as UTF-8, or give --encoding cp1252."
        ) from None
