"""The JSON document that a customer submits, read strictly.

Python's parser accepts more than JSON and loses information: it accepts NaN and Infinity, keeps the last of two equal
names, and turns amounts into binary fractions. An order must not depend on any of these, so this module refuses each
(RFC 8259, sections 4 and 6; RFC 7493, section 2).
"""

import hashlib
import json
from decimal import Decimal
from typing import Any, NoReturn

MAX_SIZE = 256 * 1024
"""Bytes of a document, as it is sent and as it is stored. 500 lines with all of their fields, written with spaces, have
less. A row of DynamoDB has at most 400 KB, with the order's timeline; the input of an execution at most 256 KiB."""
MAX_DEPTH = 32
MAX_NUMBER_LENGTH = 40
MAX_EXPONENT = 300

_quoted = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode  # made once, not for each value
_OUT_OF_RANGE = f"A number is out of range: its exponent is beyond {MAX_EXPONENT}."
_TOO_DEEP = f"The document is nested deeper than {MAX_DEPTH} levels."


class MalformedDocument(ValueError):
    """The text is not a JSON document that this system takes. The message says why and quotes nothing."""


def parse(text: str | bytes) -> Any:
    """Read a JSON document; numbers with a fraction or an exponent become ``Decimal``.

    Args:
        text: the document, as text or as UTF-8.

    Raises:
        MalformedDocument: not UTF-8, not JSON, a duplicate name, a number beyond a double's range or longer than
            40 characters, an unpaired surrogate, or nesting deeper than 32.
    """
    try:
        decoded = text.decode("utf-8") if isinstance(text, bytes) else text
        value = json.loads(
            decoded,
            parse_float=_decimal,
            parse_int=_integer,
            parse_constant=_no_constant,
            object_pairs_hook=_without_duplicates,
        )
    except UnicodeError:
        raise MalformedDocument("The document is not valid UTF-8 text.") from None
    except RecursionError:
        raise MalformedDocument(_TOO_DEEP) from None
    except json.JSONDecodeError as error:
        raise MalformedDocument(
            f"The document is not valid JSON (line {error.lineno}, column {error.colno})."
        ) from None
    if _deeper_than(value, MAX_DEPTH):
        raise MalformedDocument(_TOO_DEEP)
    if (isinstance(text, str) or "\\u" in decoded) and _has_unpaired_surrogate(value):
        raise MalformedDocument(
            "A string has half of a surrogate pair, as in \\ud83d without \\ude00. Send whole characters."
        )
    return value


def parse_stored(text: str) -> Any:
    """Read a document that ``parse`` once took and ``canonical_text`` has written."""
    return json.loads(text, parse_float=Decimal)


def from_python(value: Any) -> Any:
    """Read a value that another JSON reader has already turned into Python, with its floats made exact again.

    Lambda's runtime client hands us floats. The shortest text of a float is the number that was sent, for every
    number of up to 15 digits.

    Raises:
        MalformedDocument: as ``parse``.
    """
    try:
        return parse(json.dumps(value))
    except RecursionError:
        raise MalformedDocument(_TOO_DEEP) from None


def canonical_text(value: Any) -> str:
    """Write a document as the one text that every equal document has: names sorted, no white space, amounts exact."""
    match value:
        case Decimal():
            text = str(value)
            return text if {".", "E"} & set(text) else str(int(value))
        case dict():
            return "{" + ",".join(f"{_quoted(name)}:{canonical_text(value[name])}" for name in sorted(value)) + "}"
        case list() | tuple():
            return "[" + ",".join(canonical_text(element) for element in value) + "]"
        case _:
            return _quoted(value)


def fingerprint(text: str) -> str:
    """Tell documents apart by the SHA-256 of their canonical text, as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def _decimal(text: str) -> Decimal:
    if len(text) > MAX_NUMBER_LENGTH:
        raise MalformedDocument(f"A number has more than {MAX_NUMBER_LENGTH} characters.")
    try:
        number = Decimal(text)
    except ArithmeticError:
        raise MalformedDocument(_OUT_OF_RANGE) from None
    if abs(number.adjusted()) > MAX_EXPONENT:
        raise MalformedDocument(_OUT_OF_RANGE)
    return number


def _integer(text: str) -> int:
    if len(text) > MAX_NUMBER_LENGTH:
        raise MalformedDocument(f"A number has more than {MAX_NUMBER_LENGTH} characters.")
    return int(text)


def _no_constant(name: str) -> NoReturn:
    raise MalformedDocument(f"{name} is no number in JSON. Send a number, or leave the field out.")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedDocument("An object has two members of the same name. Send each name once.")
    return members


def _deeper_than(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [
            child
            for parent in level
            if isinstance(parent, dict | list)
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
        if not level:
            return False
    return True


def _has_unpaired_surrogate(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        return True
    return False
