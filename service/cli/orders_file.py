"""Reads the orders of a file: JSON, JSON Lines or CSV. An error in one order does not stop the others."""

import codecs
from enum import StrEnum
from pathlib import PurePath

from service.cli.errors import CliError, ExitCode
from service.cli.order_entry import Entry
from service.cli.orders_csv import read_csv
from service.cli.orders_json import read_json, read_json_lines
from service.orders.strict_json import MalformedDocument, parse


class Format(StrEnum):
    """The formats of a file of orders."""

    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"


_SUFFIXES = {".json": Format.JSON, ".jsonl": Format.JSONL, ".ndjson": Format.JSONL, ".csv": Format.CSV}


def read_orders(content: bytes, name: str, format_option: Format | None = None) -> list[Entry]:
    """Read every order of a file.

    Args:
        content: the bytes of the file, UTF-8 with or without a byte order mark.
        name: the file's name, whose suffix gives the format; ``-`` for standard input.
        format_option: the format, if the user gave one.

    Returns:
        The orders, in the sequence of the file.

    Raises:
        CliError: no order of the file can be read.
    """
    content = content.removeprefix(codecs.BOM_UTF8)
    file_format = format_option or _SUFFIXES.get(PurePath(name).suffix.lower()) or _detect_format(content)
    if file_format is None:
        raise CliError(ExitCode.USAGE, f"{name}: the format is unknown; give --format json, jsonl or csv.")
    if file_format is Format.JSONL:
        return list(read_json_lines(content))
    text = _decode(content, name)
    return read_csv(text, name) if file_format is Format.CSV else list(read_json(text, name))


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


def _decode(content: bytes, name: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise CliError(ExitCode.USAGE, f"{name}: line {line} is not UTF-8 text; save the file as UTF-8.") from None
