"""What the converters of all shops share."""

import json
import re
from collections.abc import Iterable, Mapping
from decimal import ROUND_DOWN, Decimal
from typing import Any

MAX_EXPONENT = 40
"""Of an amount. Larger than any, and small enough for exact sums."""


MAX_LINE = 256
"""Characters of a name or a label of an order."""
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]")


class NotAnOrder(Exception):
    """A document is not an order of the shop. The message is for the user."""


class NotToShip(Exception):
    """An order must not be shipped: the shop has closed it, has shipped some of it, or it has nothing to ship.

    The message is for the user.
    """


def check_open(status: Any, closed: Iterable[str]) -> None:
    """Refuse an order that the shop has closed.

    Args:
        status: the order's status in the shop.
        closed: the statuses, in lower case, of orders that must not be shipped.

    Raises:
        NotToShip: the status is one of them.
    """
    if isinstance(status, str) and status.strip().lower() in closed:
        raise NotToShip(f"its status in the shop is {status.strip().lower()}")


def required(document: Mapping[str, Any], name: str) -> Any:
    """The value of a member.

    Raises:
        NotAnOrder: it is missing, null or empty.
    """
    value = document.get(name)
    if value in (None, "", []):
        raise NotAnOrder(f"{name} is missing")
    return value


def check_first_row(cells: Mapping[str, str], total: str) -> None:
    """Check that the first row of an order has the order's values, such as its total.

    Raises:
        NotAnOrder: it has none, as in a file that was sorted or cut.
    """
    if not cells[total]:
        raise NotAnOrder(f"its first row has no {total}; export the orders again, and do not sort or cut the file")


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
        number = Decimal("NaN")
    if not number.is_finite() or abs(number.adjusted()) > MAX_EXPONENT:
        raise NotAnOrder(f"{str(value)[:40]!r} is not an amount")
    return number


def given(**members: Any) -> dict[str, Any]:
    """The members that have a value; shops write '' for nothing.

    Texts are one line without white space at its ends; a note keeps its lines. Names and labels are cut to the length
    that an order takes; other texts are not, because a cut address or id is a wrong one.
    """
    cleaned = {name: _clean(name, value) if isinstance(value, str) else value for name, value in members.items()}
    return {name: value for name, value in cleaned.items() if value not in (None, "", {}, [])}


def one_line(text: str) -> str:
    """The text without line breaks, control characters, and repeated white space."""
    return " ".join(_INVISIBLE.sub(" ", text).split())


def _clean(name: str, text: str) -> str:
    text = text.strip() if name == "note" else one_line(text)
    return text[:MAX_LINE].strip() if name in ("name", "label") else text


def adjustment(kind: str, value: Any, label: Any = None, *, negative: bool = False) -> list[dict[str, Any]]:
    """An adjustment as a list; an empty list if the amount is 0."""
    number = amount(value)
    if not number:
        return []
    return [{"kind": kind, "amount": -number if negative else number, **given(label=label)}]


def total_of(items: Iterable[Mapping[str, Any]], adjustments: Iterable[Mapping[str, Any]] = ()) -> Decimal:
    """The sum of quantity × price, and of the adjustments."""
    goods = sum((amount(item["quantity"]) * amount(item["price"]) for item in items), Decimal(0))
    return goods + sum((amount(each["amount"]) for each in adjustments), Decimal(0))


def difference(
    total: Any, items: Iterable[Mapping[str, Any]], adjustments: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The adjustment for the difference between the shop's total and the sum of the items and adjustments."""
    return adjustment("other", amount(total) - total_of(items, adjustments), "Difference to the total of the shop")


def split_items(lines: Iterable[tuple[dict[str, Any], bool]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The items that are shipped, and an adjustment for each other one, such as a gift card that is sent by mail.

    Args:
        lines: each item, and whether it is shipped.

    Raises:
        NotToShip: no item is shipped.
    """
    items, fees = [], []
    for item, is_shipped in lines:
        if is_shipped:
            items.append(item)
        else:
            fees += adjustment("fee", total_of([item]), item.get("name"))
    if not items:
        raise NotToShip("no line of the order is shipped")
    return items, fees


def unit_price(total: Decimal, quantity: int) -> Decimal:
    """The price of one: exact if it has at most four decimals, else cut to the decimals of the total."""
    if not quantity:
        return total
    exact = total / quantity
    shortest = exact.quantize(Decimal("0.0001"))
    exponent = total.as_tuple().exponent
    decimals = Decimal(1).scaleb(exponent if isinstance(exponent, int) else 0)
    return shortest if shortest * quantity == total else exact.quantize(decimals, ROUND_DOWN)


def priced_item(line: Mapping[str, Any], total: Decimal, quantity: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """An item whose line total is known, and the adjustment for the remainder of its division.

    Args:
        line: the other members of the item; ``line_id`` is one of them.
        total: quantity × price, before discounts.
        quantity: the quantity.
    """
    price = unit_price(total, quantity)
    rest = adjustment("other", total - quantity * price, "Rounding")
    return {**line, "quantity": quantity, "price": price}, [{**each, **given(line_id=line["line_id"])} for each in rest]


def full_name(address: Mapping[str, Any]) -> str:
    """The name of an address, which most shops give in two parts."""
    parts = (str(address.get(name) or "").strip() for name in ("first_name", "last_name"))
    return str(address.get("name") or "").strip() or " ".join(filter(None, parts))


def metadata(values: Mapping[str, Any] | None) -> dict[str, str]:
    """The metadata of a shop as texts: other values are written as JSON."""
    return {
        name.strip(): value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
        for name, value in (values or {}).items()
        if value is not None
    }
