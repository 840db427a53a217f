"""Amounts of money: read exactly, and written in one form for each value."""

import re
from decimal import Decimal

from pydantic_core import PydanticCustomError

MAX_AMOUNT = Decimal("9999999999999.99")
MAX_DIGITS = 15  # exact in every JSON reader
MAX_DECIMALS = 8
"""Decimals of a unit price, which may be finer than the currency's minor unit."""

DIGITS = r"(0|[1-9][0-9]{0,12})(\.[0-9]{1,8}0{0,12})?"
UNSIGNED, SIGNED = rf"^({DIGITS}|-0(\.0{{1,20}})?)$", f"^-?{DIGITS}$"
"""The forms of an amount in a string. A program that formats -0.0 writes ``-0.00``."""

_TEXT = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,20})?")
"""Longer texts are read, too: their error names the largest amount, or the number of digits."""


def read(value: object) -> Decimal:
    """Read an amount: a JSON number, or a string of the same digits, as shops send it.

    Returns:
        The amount with two decimals, or with more if it needs them. Equal amounts have the same form, and zero has no
        sign.

    Raises:
        PydanticCustomError: it is neither, or not exact in every JSON reader.
    """
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    if not is_number and not (isinstance(value, str) and _TEXT.fullmatch(value)):
        raise PydanticCustomError("amount", "must be a number, or a string such as {example}", {"example": '"29.99"'})
    number = Decimal(str(value))
    if not -MAX_AMOUNT <= number <= MAX_AMOUNT:
        raise PydanticCustomError("amount", "must be between {least} and {most}", _BOUNDS)
    exact = shorten(number)
    if exact != number or len(exact.as_tuple().digits) > MAX_DIGITS or decimals_of(exact) > MAX_DECIMALS:
        raise PydanticCustomError(
            "amount",
            "must have at most {digits} digits, and {decimals} of them after the point; round it",
            {"digits": MAX_DIGITS, "decimals": MAX_DECIMALS},
        )
    return exact


def read_unsigned(value: object) -> Decimal:
    """Read an amount that is not negative; errors are those of ``read``."""
    amount = read(value)
    if amount < 0:
        raise PydanticCustomError("amount", "must not be negative")
    return amount


def shorten(number: Decimal) -> Decimal:
    """The one form of a number: two decimals, or as many as it needs. A number of more than 28 digits is rounded."""
    if not number:
        return Decimal("0.00")
    decimals = max(2, decimals_of(number.normalize()))
    return number.quantize(Decimal(1).scaleb(-decimals)) if decimals <= MAX_DECIMALS else number.normalize()


def decimals_of(number: Decimal) -> int:
    """The number of decimals that are written: 2 for 1.50, 0 for 150."""
    exponent = number.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def is_whole(amount: Decimal, minor_units: int) -> bool:
    """Whether an amount is a whole number of the currency's minor units."""
    return amount == amount.quantize(Decimal(1).scaleb(-minor_units))


_BOUNDS = {"least": str(-MAX_AMOUNT), "most": str(MAX_AMOUNT)}
