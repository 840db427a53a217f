"""Shopify: the orders of its CSV export. The first row of an order has the order's values, and each row has an item.

https://help.shopify.com/en/manual/fulfillment/managing-orders/exporting-orders
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from service.cli.csv_numbers import amount_of, parse_number, without_apostrophe
from service.cli.shops.parts import (
    NotAnOrder,
    adjustment,
    check_first_row,
    check_open,
    difference,
    given,
    one_line,
    required,
    split_items,
    total_of,
)
from service.cli.shops.shopify import CLOSED

ORDER = "Name"
REQUIRED = (ORDER, "Subtotal", "Total", "Lineitem quantity", "Lineitem name", "Lineitem price")
Cells = Mapping[str, str]


def convert(rows: Sequence[Cells]) -> dict[str, Any]:
    """Convert the rows of an order to an order document.

    ``Subtotal`` is the sum of the items after discounts. Taxes are adjustments only where ``Total`` contains them
    beside ``Subtotal`` and ``Shipping``: otherwise the prices contain them.

    Raises:
        NotAnOrder: a value is missing.
        NotANumber: an amount is not a number.
        NotToShip: the shop has fulfilled or cancelled it.
    """
    order, total = rows[0], amount_of(rows[0], "Total")
    check_first_row(order, "Total")
    cancelled = "cancelled" if order.get("Cancelled at") else None
    for status in (cancelled, order.get("Fulfillment Status"), order.get("Financial Status")):
        check_open(status, CLOSED)
    rows = [row for row in rows if row["Lineitem quantity"]]
    lines = [(_item(row), row.get("Lineitem requires shipping", "").lower() != "false") for row in rows]
    items, fees = split_items(lines)
    adjustments = [*_adjustments(order, total_of(item for item, _ in lines)), *fees]
    return {
        "customer_id": order.get("Email") or order[ORDER],
        "reference": order[ORDER],
        "items": items,
        "total_amount": total,
        **given(
            currency=order.get("Currency"),
            adjustments=[*adjustments, *difference(total, items, adjustments)],
            ship_to=_address(order),
            service_level=order.get("Shipping Method"),
            note=order.get("Notes"),
            placed_at=_instant(order.get("Created at", "")),
            metadata=_attributes(order.get("Note Attributes", "")),
        ),
    }


def _item(row: Cells) -> dict[str, Any]:
    name, sku = required(row, "Lineitem name"), row.get("Lineitem sku")
    return {
        "product_id": sku or one_line(name)[:128].strip(),
        "quantity": parse_number("Lineitem quantity", row["Lineitem quantity"]),
        "price": parse_number("Lineitem price", row["Lineitem price"]),
        **given(name=name, sku=sku),
    }


def _adjustments(order: Cells, goods: Decimal) -> list[dict[str, Any]]:
    subtotal, shipping, taxes = (amount_of(order, name) for name in ("Subtotal", "Shipping", "Taxes"))
    duties, discount = amount_of(order, "Duties"), goods - subtotal
    if discount < 0:
        raise NotAnOrder("its items cost less than its Subtotal: the file lacks rows of the order; export it again")
    rest = amount_of(order, "Total") - subtotal - shipping - duties
    discount_of_shipping = max(amount_of(order, "Discount Amount") - discount, Decimal(0))
    if rest not in (0, taxes) and rest + discount_of_shipping in (0, taxes):
        discount, rest = discount + discount_of_shipping, rest + discount_of_shipping
    tax = taxes if rest == taxes else Decimal(0)
    return [
        *adjustment("shipping", shipping, order.get("Shipping Method")),
        *adjustment("discount", discount, order.get("Discount Code"), negative=True),
        *_taxes(order, tax),
        *adjustment("fee", duties, "Duties"),
    ]


def _taxes(order: Cells, total: Decimal) -> list[dict[str, Any]]:
    """One adjustment for each named tax; one for the total if the named ones have another sum."""
    named = [
        each
        for number in range(1, 6)
        for each in adjustment("tax", amount_of(order, f"Tax {number} Value"), order.get(f"Tax {number} Name"))
    ]
    return named if named and total_of((), named) == total else adjustment("tax", total, "Tax")


def _address(order: Cells) -> dict[str, Any] | None:
    if not (order.get("Shipping Address1") or order.get("Shipping Street")):
        return None
    return given(
        name=order.get("Shipping Name"),
        company=order.get("Shipping Company"),
        line1=order.get("Shipping Address1") or order.get("Shipping Street"),
        line2=order.get("Shipping Address2"),
        city=order.get("Shipping City"),
        region=order.get("Shipping Province"),
        postal_code=without_apostrophe(order.get("Shipping Zip", "")),
        country=order.get("Shipping Country"),
        phone=without_apostrophe(order.get("Shipping Phone", "")),
        email=order.get("Email"),
    )


def _instant(text: str) -> str:
    """``2026-03-02 10:15:20 +0100`` as RFC 3339 writes it."""
    return re.sub(
        r" (?:([+-][0-9]{2}):?([0-9]{2})|UTC)$", lambda zone: f"{zone[1]}:{zone[2]}" if zone[1] else "Z", text
    )


def _attributes(text: str) -> dict[str, str]:
    """The note attributes: one ``name: value`` a line."""
    pairs = (line.partition(":") for line in text.splitlines())
    return {name.strip(): value.strip() for name, colon, value in pairs if colon and name.strip()}
