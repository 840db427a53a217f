"""WooCommerce: an order of the REST API or of a webhook.

https://woocommerce.github.io/woocommerce-rest-api-docs/#order-properties
"""

from collections.abc import Mapping
from typing import Any

from service.cli.shops.parts import adjustment, amount, check_open, difference, full_name, given, priced_item, required

CLOSED = ("completed", "cancelled", "refunded", "failed", "trash", "checkout-draft")
"""https://woocommerce.com/document/managing-orders/order-statuses/"""


def convert(order: Mapping[str, Any]) -> dict[str, Any]:
    """Convert an order to an order document.

    WooCommerce gives the total of a line, without tax, after and before discounts, and no price of one. The price is
    the total before discounts, divided by the quantity; the remainder is an adjustment of the line.

    Raises:
        NotAnOrder: it is not an order of WooCommerce.
        NotToShip: the shop has fulfilled or cancelled it.
    """
    check_open(order.get("status"), CLOSED)
    billing = order.get("billing") or {}
    lines = [_item(line) for line in required(order, "line_items")]
    items, total = [item for item, _ in lines], required(order, "total")
    adjustments = [*_adjustments(order), *(rest for _, rests in lines for rest in rests)]
    return {
        "customer_id": str(order.get("customer_id") or billing.get("email") or required(order, "id")),
        "reference": str(order.get("number") or required(order, "id")),
        "currency": required(order, "currency"),
        "items": items,
        "total_amount": total,
        **given(
            adjustments=[*adjustments, *difference(total, items, adjustments)],
            ship_to=_address(order.get("shipping") or {}, billing),
            service_level=next((line.get("method_title") for line in order.get("shipping_lines") or ()), None),
            note=order.get("customer_note"),
            placed_at=_utc(order.get("date_created_gmt")),
        ),
    }


def _item(line: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """An item, and the adjustment that its total needs, if any."""
    product = line.get("sku") or line.get("variation_id") or line.get("product_id") or line.get("id")
    item = {"product_id": str(product).strip(), "line_id": str(required(line, "id"))}
    total = amount(line.get("subtotal") or line.get("total"))
    return priced_item(
        {**item, **given(name=line.get("name"), sku=line.get("sku"))}, total, int(amount(required(line, "quantity")))
    )


def _adjustments(order: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = []
    for line in order.get("shipping_lines") or ():
        found += adjustment("shipping", line.get("total"), line.get("method_title"))
    for line in order.get("fee_lines") or ():
        found += adjustment("fee", line.get("total"), line.get("name"))
    codes = ", ".join(str(line.get("code") or "") for line in order.get("coupon_lines") or ())
    found += adjustment("discount", order.get("discount_total"), codes, negative=True)
    for tax in order.get("tax_lines") or ():
        found += adjustment(
            "tax", amount(tax.get("tax_total")) + amount(tax.get("shipping_tax_total")), tax.get("label")
        )
    return found


def _address(shipping: Mapping[str, Any], billing: Mapping[str, Any]) -> dict[str, Any] | None:
    """The address of the shipping part; of the billing part if the shop has no separate one."""
    address = shipping if shipping.get("address_1") else billing
    if not address.get("address_1"):
        return None
    return given(
        name=full_name(address) or address.get("company"),
        company=address.get("company"),
        line1=address.get("address_1"),
        line2=address.get("address_2"),
        city=address.get("city"),
        region=address.get("state"),
        postal_code=address.get("postcode"),
        country=address.get("country"),
        phone=address.get("phone") or billing.get("phone"),
        email=billing.get("email"),
    )


def _utc(written: Any) -> str | None:
    """A time of the shop in UTC, which has no time zone of its own."""
    return f"{written}Z" if isinstance(written, str) and written and not written.endswith("Z") else written
