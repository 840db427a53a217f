"""Reads orders from JSON (one order, or an array of orders) and from JSON Lines."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress

from service.cli.errors import CliError, ExitCode
from service.cli.order_entry import Entry
from service.orders.strict_json import MalformedDocument, parse

_SPACE = re.compile(r"[ \t\r\n]*")
_WRAPPED = re.compile(r'\{\s*"orders"\s*:\s*(?=\[)')


def read_json_lines(content: bytes, name: str) -> Iterator[Entry]:
    """Read one order from each line that is not empty.

    Args:
        content: the bytes of the file.
        name: the file's name, for error messages.

    Raises:
        CliError: the first line that is not valid JSON begins JSON that extends over several lines.
    """
    valid, malformed, begin = False, False, 0
    for number, line in enumerate(content.split(b"\n"), 1):
        if line.strip():
            try:
                yield Entry(number, parse(line.strip()))
                valid = True
            except MalformedDocument as error:
                if not malformed:
                    _check_one_line(content[begin:], number, name, is_all=not valid)
                malformed = True
                yield Entry(number, error=re.sub(r" \(line \d+, (column \d+)\)", r" (\1)", str(error)))
        begin += len(line) + 1


def _check_one_line(content: bytes, number: int, name: str, *, is_all: bool) -> None:
    """Check that no valid JSON begins here that extends over several lines. ``is_all``: no order is before it."""
    text = content.decode(errors="replace").strip()
    try:
        _, end = json.JSONDecoder(parse_int=str, parse_float=str).raw_decode(text)
    except (json.JSONDecodeError, RecursionError):
        return
    if "\n" in text[:end]:
        advice = "give --format json" if is_all and end == len(text) else "write each order on one line, as jq -c does"
        problem = f"JSON Lines has one order a line, but the JSON on line {number} extends over several lines"
        raise CliError(ExitCode.USAGE, f"{name}: {problem}; {advice}.")


def read_json(text: str, name: str) -> Iterator[Entry]:
    """Read one order, or each order of an array. The orders of an array have a line and an error each.

    Args:
        text: the text of the file.
        name: the file's name, for error messages.

    Raises:
        CliError: the text is not valid JSON.
    """
    start = _start_of_orders(text)
    if text[start : start + 1] != "[":
        try:
            yield Entry(_line_number(text, start), parse(text))
        except MalformedDocument as error:
            raise CliError(ExitCode.USAGE, f"{name}: {error}") from None
        return
    line, counted = 1, 0
    for begin, end in _find_elements(text, start + 1, name):
        line += text.count("\n", counted, begin)
        counted = begin
        try:
            yield Entry(line, parse(text[begin:end]))
        except MalformedDocument as error:
            yield Entry(line, error=str(error))


def _start_of_orders(text: str) -> int:
    """Where the order or the array begins: behind ``{"orders":``, as APIs of shops answer it."""
    start = _skip_space(text, 0)
    wrapped = _WRAPPED.match(text, start)
    if not wrapped or not text.rstrip().endswith("}"):
        return start
    return wrapped.end()


def _find_elements(text: str, at: int, name: str) -> Iterator[tuple[int, int]]:
    """Find the begin and the end of each element of an array; ``at`` is the position after the opening bracket."""
    decoder = json.JSONDecoder(parse_int=str, parse_float=str)
    at = _skip_space(text, at)
    if text[at : at + 1] == "]":
        _check_end(text, at + 1, name)
        return
    while True:
        try:
            _, end = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            raise _syntax_error(text, error.pos, name) from None
        except RecursionError:
            raise CliError(ExitCode.USAGE, f"{name}: line {_line_number(text, at)}: nested too deep.") from None
        yield at, end
        at = _skip_space(text, end)
        match text[at : at + 1]:
            case ",":
                at = _skip_space(text, at + 1)
            case "]":
                _check_end(text, at + 1, name)
                return
            case _:
                raise _syntax_error(text, at, name)


def _check_end(text: str, at: int, name: str) -> None:
    """Check that nothing follows the array, or the rest of the object that contains it."""
    at = _skip_space(text, at)
    if _WRAPPED.match(text, _skip_space(text, 0)):
        with suppress(json.JSONDecodeError, RecursionError):
            json.loads('{"orders":[]' + text[at:])
            return
    if at < len(text):
        raise _syntax_error(text, at, name)


def _syntax_error(text: str, at: int, name: str) -> CliError:
    line, column = _line_number(text, at), at - (text.rfind("\n", 0, at) + 1) + 1
    return CliError(
        ExitCode.USAGE,
        f"{name}: not valid JSON (line {line}, column {column}). If each line is an order, give --format jsonl.",
    )


def _skip_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _line_number(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1
