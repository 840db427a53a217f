"""What the converters of all shops share."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any


class NotAnOrder(Exception):
    """A document is not an order of the shop. The message is for the user."""


def required(document: Mapping[str, Any], name: str) -> Any:
    """The value of a member.

    Raises:
        NotAnOrder: it is missing, null or empty.
    """
    value = document.get(name)
    if value in (None, "", []):
        raise NotAnOrder(f"{name} is missing")
    return value


def amount(value: Any) -> Decimal:
    """An amount of the shop, which may be null or empty; 0 then.

    Raises:
        NotAnOrder: it is no number.
    """
    if value in (None, ""):
        return Decimal(0)
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        raise NotAnOrder(f"{value!r} is not an amount") from None
    if not number.is_finite():
        raise NotAnOrder(f"{value!r} is not an amount")
    return number


def given(**members: Any) -> dict[str, Any]:
    """The members that have a value. Texts lose the white space at their ends; shops write '' for nothing."""
    cleaned = {name: value.strip() if isinstance(value, str) else value for name, value in members.items()}
    return {name: value for name, value in cleaned.items() if value not in (None, "", {}, [])}


def adjustment(kind: str, value: Any, label: Any = None, *, negative: bool = False) -> list[dict[str, Any]]:
    """An adjustment as a list; an empty list if the amount is 0."""
    number = amount(value)
    if not number:
        return []
    return [{"kind": kind, "amount": -number if negative else number, **given(label=label)}]


def full_name(address: Mapping[str, Any]) -> str:
    """The name of an address, which most shops give in two parts."""
    parts = (str(address.get(name) or "").strip() for name in ("first_name", "last_name"))
    return str(address.get("name") or "").strip() or " ".join(filter(None, parts))
