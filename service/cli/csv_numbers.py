"""Reads the numbers of a CSV file: ``1234.5``, ``1,234.50`` and ``1.234,50``."""

import re
from collections.abc import Mapping
from decimal import Decimal

from service.orders.strict_json import MalformedDocument, parse

_COMMA_DECIMAL = re.compile(r"(-?)([0-9]{1,3}(?:\.[0-9]{3})+|[0-9]+),([0-9]+)")
_COMMA_THOUSANDS = re.compile(r"-?[0-9]{1,3}(,[0-9]{3})+\.[0-9]+")

_MAX_SHOWN = 40  # characters of a cell in an error


class NotANumber(ValueError):
    """A cell is not a number. The message is for the user."""


def parse_number(name: str, text: str) -> int | Decimal:
    """Parse a number without a change of its digits. ``1.234,50`` is 1234.50; ``1,234`` could be two numbers.

    Args:
        name: the column, for the error message.
        text: the cell.

    Raises:
        NotANumber: it is empty, no number, or could be two numbers.
    """
    if not text:
        raise NotANumber(f"{name} is empty")
    if _COMMA_THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    elif comma := _COMMA_DECIMAL.fullmatch(text):
        if len(comma[3]) == 3 and "." not in comma[2] and comma[2] != "0":
            raise NotANumber(f"{name} is {text}, which can mean two numbers; write it without a comma")
        text = f"{comma[1]}{comma[2].replace('.', '')}.{comma[3]}"
    try:
        number: int | Decimal = parse(text if re.match(r"-?[0-9]", text) else "")
    except MalformedDocument:
        shown = text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"
        raise NotANumber(f"{name} is {shown!r}, which is not a number such as 2 or 29.99") from None
    return number


def amount_of(cells: Mapping[str, str], name: str) -> Decimal:
    """The amount in a column; 0 if the cell is empty or the file has no such column.

    Raises:
        NotANumber: the cell is not a number.
    """
    text = cells.get(name, "")
    return Decimal(parse_number(name, text)) if text else Decimal(0)


def without_apostrophe(text: str) -> str:
    """Remove the apostrophe that shops write before a postal code or a phone number, so that Excel keeps its zeros."""
    return text.removeprefix("'")
