"""Medusa 2: an order as ``GET /admin/orders/{id}``, ``GET /store/orders/{id}`` or a query of a subscriber returns it.

The event ``order.placed`` has the order's id only.
https://docs.medusajs.com/api/admin#orders_order_schema
"""

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from service.cli.shops.parts import (
    adjustment,
    amount,
    check_open,
    difference,
    full_name,
    given,
    metadata,
    required,
    split_items,
)
from service.orders.currencies import MINOR_UNITS

_SHIPPED = ("fulfilled", "shipped", "delivered")
CLOSED = ("canceled", "completed", "archived", "draft", *_SHIPPED, *(f"partially_{each}" for each in _SHIPPED))
"""Values of ``status`` and ``fulfillment_status`` of orders that must not be shipped."""


def convert(order: Mapping[str, Any]) -> dict[str, Any]:
    """Convert an order to an order document.

    A price contains the tax if the line says so (``is_tax_inclusive``); for other lines the tax is an adjustment.
    Medusa does not round amounts; the remainder of rounding each to the currency is an adjustment.

    Raises:
        NotAnOrder: it is not an order of Medusa.
        NotToShip: the shop has fulfilled or cancelled it.
    """
    for status in (order.get("status"), order.get("fulfillment_status")):
        check_open(status, CLOSED)
    currency = str(required(order, "currency_code")).upper()
    unit = Decimal(1).scaleb(-MINOR_UNITS.get(currency, 2))
    lines, shipping = required(order, "items"), order.get("shipping_methods") or ()
    items, fees = split_items((_item(line), line.get("requires_shipping") is not False) for line in lines)
    total = _round(amount(required(order, "total")), unit)
    found = [
        *(each for method in shipping for each in adjustment("shipping", method.get("amount"), method.get("name"))),
        *adjustment("discount", _round(_sum(map(_discount, (*lines, *shipping))), unit), _codes(lines), negative=True),
        *adjustment("tax", _round(_sum(map(_added_tax, (*lines, *shipping))), unit), "Tax"),
        *fees,
    ]
    return {
        "customer_id": str(order.get("customer_id") or order.get("email") or required(order, "id")),
        "reference": str(order.get("display_id") or required(order, "id")),
        "currency": currency,
        "items": items,
        "total_amount": total,
        **given(
            adjustments=[*found, *difference(total, items, found)],
            ship_to=_address(order.get("shipping_address") or {}, order),
            service_level=next((method.get("name") for method in shipping), None),
            placed_at=order.get("created_at"),
            metadata=metadata(order.get("metadata")),
        ),
    }


def _item(line: Mapping[str, Any]) -> dict[str, Any]:
    product = line.get("variant_sku") or line.get("variant_id") or line.get("product_id") or line.get("id")
    names = (line.get("product_title") or line.get("title"), line.get("variant_title"))
    return {
        "product_id": str(product).strip(),
        "quantity": required(line, "quantity"),
        "price": required(line, "unit_price"),
        **given(
            line_id=line.get("id"),
            name=" - ".join(filter(None, map(str, filter(None, names)))),
            sku=line.get("variant_sku"),
        ),
    }


def _discount(line: Mapping[str, Any]) -> Decimal:
    """The discount of a line, with tax if its price contains tax."""
    discount = amount(line.get("original_total")) - amount(line.get("total"))
    if line.get("is_tax_inclusive"):
        return discount
    return discount - (amount(line.get("original_tax_total")) - amount(line.get("tax_total")))


def _added_tax(line: Mapping[str, Any]) -> Decimal:
    return Decimal(0) if line.get("is_tax_inclusive") else amount(line.get("tax_total"))


def _codes(lines: Iterable[Mapping[str, Any]]) -> str:
    codes = (each.get("code") for line in lines for each in line.get("adjustments") or ())
    return ", ".join(dict.fromkeys(map(str, filter(None, codes))))


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))


def _round(number: Decimal, unit: Decimal) -> Decimal:
    return number.quantize(unit, ROUND_HALF_UP)


def _address(address: Mapping[str, Any], order: Mapping[str, Any]) -> dict[str, Any] | None:
    if not address.get("address_1"):
        return None
    return given(
        name=full_name(address) or address.get("company"),
        company=address.get("company"),
        line1=address.get("address_1"),
        line2=address.get("address_2"),
        city=address.get("city"),
        region=address.get("province"),
        postal_code=address.get("postal_code"),
        country=str(address.get("country_code") or "").upper(),
        phone=address.get("phone"),
        email=order.get("email"),
    )
