"""Shopify: an order of the Admin API or of a webhook.

https://shopify.dev/docs/api/admin-rest/latest/resources/order
"""

from collections.abc import Mapping
from typing import Any

from service.cli.shops.parts import adjustment, check_open, difference, full_name, given, required, split_items

CLOSED = ("fulfilled", "partial", "restocked", "refunded", "voided", "cancelled")
"""Values of ``fulfillment_status`` and ``financial_status`` of orders that must not be shipped."""


def convert(order: Mapping[str, Any]) -> dict[str, Any]:
    """Convert an order to an order document.

    Prices without tax get the tax as adjustments; prices with tax (``taxes_included``) contain it already. Lines that
    were removed or are not shipped are no items.

    Raises:
        NotAnOrder: it is not an order of Shopify.
        NotToShip: the shop has fulfilled or cancelled it.
    """
    cancelled = "cancelled" if order.get("cancelled_at") else None
    for status in (cancelled, order.get("fulfillment_status"), order.get("financial_status")):
        check_open(status, CLOSED)
    customer, total = order.get("customer") or {}, required(order, "total_price")
    lines = [line for line in required(order, "line_items") if line.get("current_quantity") != 0]
    items, fees = split_items((_item(line), line.get("requires_shipping") is not False) for line in lines)
    adjustments = [*_adjustments(order), *fees]
    return {
        "customer_id": str(customer.get("id") or order.get("email") or required(order, "name")),
        "reference": str(required(order, "name")),
        "currency": required(order, "currency"),
        "items": items,
        "total_amount": total,
        **given(
            adjustments=[*adjustments, *difference(total, items, adjustments)],
            ship_to=_address(order.get("shipping_address") or {}, order),
            service_level=next(
                (line.get("code") or line.get("title") for line in order.get("shipping_lines") or ()), None
            ),
            note=order.get("note"),
            placed_at=order.get("processed_at") or order.get("created_at"),
            metadata={str(each["name"]).strip(): str(each["value"]) for each in order.get("note_attributes") or ()},
        ),
    }


def _item(line: Mapping[str, Any]) -> dict[str, Any]:
    name = line.get("name") or line.get("title")
    product = line.get("sku") or line.get("variant_id") or line.get("product_id") or line.get("id")
    return {
        "product_id": str(product).strip(),
        "quantity": line.get("current_quantity") or required(line, "quantity"),
        "price": required(line, "price"),
        **given(line_id=str(line.get("id") or ""), name=name, sku=line.get("sku")),
    }


def _adjustments(order: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = []
    for line in order.get("shipping_lines") or ():
        found += adjustment("shipping", line.get("price"), line.get("title"))
    found += adjustment("discount", order.get("total_discounts"), _codes(order), negative=True)
    if not order.get("taxes_included"):
        for tax in order.get("tax_lines") or ():
            found += adjustment("tax", tax.get("price"), _tax_label(tax))
    found += adjustment("fee", order.get("total_tip_received"), "Tip")
    duties = ((order.get("original_total_duties_set") or {}).get("shop_money") or {}).get("amount")
    return found + adjustment("fee", duties, "Duties")


def _codes(order: Mapping[str, Any]) -> str:
    return ", ".join(str(each.get("code") or "") for each in order.get("discount_codes") or ())


def _tax_label(tax: Mapping[str, Any]) -> str:
    percent = f" {float(tax['rate']) * 100:.4g}%" if tax.get("rate") else ""
    return f"{tax.get('title') or 'Tax'}{percent}"


def _address(address: Mapping[str, Any], order: Mapping[str, Any]) -> dict[str, Any] | None:
    if not address:
        return None
    return given(
        name=full_name(address),
        company=address.get("company"),
        line1=address.get("address1"),
        line2=address.get("address2"),
        city=address.get("city"),
        region=address.get("province_code") or address.get("province"),
        postal_code=address.get("zip"),
        country=address.get("country_code"),
        phone=address.get("phone"),
        email=order.get("email"),
    )
