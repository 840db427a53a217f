"""Reading the orders of a file: JSON, JSON Lines or CSV. What one line gets wrong does not stop the others."""

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath
from typing import Any

from service.cli.errors import CliError, ExitCode
from service.orders.strict_json import MalformedDocument, parse

_SPACE = re.compile(r"[ \t\r\n]*")


class Format(StrEnum):
    """The formats of a file of orders."""

    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"


_ENDINGS = {".json": Format.JSON, ".jsonl": Format.JSONL, ".ndjson": Format.JSONL, ".csv": Format.CSV}


@dataclass(frozen=True, slots=True)
class Entry:
    """An order of a file: the line it begins on, its document or why there is none, and what the file calls it."""

    line: int
    document: Any = None
    error: str | None = None
    label: str = ""


def read_orders(content: bytes, name: str, chosen: Format | None = None) -> list[Entry]:
    """Read every order of a file.

    Args:
        content: the file's bytes, UTF-8 with or without a byte order mark.
        name: its name, whose ending tells the format; ``-`` for standard input.
        chosen: the format, when the user names it.

    Returns:
        The orders in the file's own sequence.

    Raises:
        CliError: nothing of the file can be read.
    """
    content = content.removeprefix(codecs.BOM_UTF8)
    form = chosen or _ENDINGS.get(PurePath(name).suffix.lower()) or _sniffed(content)
    if form is None:
        raise CliError(ExitCode.USAGE, f"{name}: the format cannot be told; give --format json, jsonl or csv.")
    if form is Format.JSONL:
        return list(_json_lines(content))
    text = _decoded(content, name)
    if form is Format.CSV:
        from service.cli.orders_csv import read_csv

        return read_csv(text, name)
    return list(_json(text, name))


def _sniffed(content: bytes) -> Format | None:
    """The format that a content seems to have."""
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


def _json_lines(content: bytes) -> Iterator[Entry]:
    for number, line in enumerate(content.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            yield Entry(number, parse(line.strip()))
        except MalformedDocument as error:
            yield Entry(number, error=re.sub(r" \(line \d+, (column \d+)\)", r" (\1)", str(error)))


def _json(text: str, name: str) -> Iterator[Entry]:
    """One order, or an array of them, each read by itself so that each has its line and its own error."""
    start = _after_space(text, 0)
    if text[start : start + 1] != "[":
        try:
            yield Entry(_line(text, start), parse(text))
        except MalformedDocument as error:
            raise CliError(ExitCode.USAGE, f"{name}: {error}") from None
        return
    line, counted = 1, 0
    for begin, end in _elements(text, start + 1, name):
        line += text.count("\n", counted, begin)
        counted = begin
        try:
            yield Entry(line, parse(text[begin:end]))
        except MalformedDocument as error:
            yield Entry(line, error=str(error))


def _elements(text: str, at: int, name: str) -> Iterator[tuple[int, int]]:
    """Where each element of an array begins and ends; ``at`` is just after the opening bracket."""
    extent = json.JSONDecoder(parse_int=str, parse_float=str)
    at = _after_space(text, at)
    if text[at : at + 1] == "]":
        _nothing_follows(text, at + 1, name)
        return
    while True:
        try:
            _, end = extent.raw_decode(text, at)
        except json.JSONDecodeError as error:
            raise _broken(text, error.pos, name) from None
        except RecursionError:
            raise CliError(ExitCode.USAGE, f"{name}: line {_line(text, at)}: nested too deep.") from None
        yield at, end
        at = _after_space(text, end)
        match text[at : at + 1]:
            case ",":
                at = _after_space(text, at + 1)
            case "]":
                _nothing_follows(text, at + 1, name)
                return
            case _:
                raise _broken(text, at, name)


def _nothing_follows(text: str, at: int, name: str) -> None:
    at = _after_space(text, at)
    if at < len(text):
        raise _broken(text, at, name)


def _broken(text: str, at: int, name: str) -> CliError:
    column = at - (text.rfind("\n", 0, at) + 1) + 1
    return CliError(
        ExitCode.USAGE,
        f"{name}: not valid JSON (line {_line(text, at)}, column {column}). One order a line is --format jsonl.",
    )


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _decoded(content: bytes, name: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise CliError(ExitCode.USAGE, f"{name}: line {line} is not UTF-8 text; save the file as UTF-8.") from None
