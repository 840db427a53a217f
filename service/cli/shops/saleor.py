"""Saleor: the payload of the webhook ORDER_CREATED without a subscription query, a list of one order.

A webhook with a subscription query sends the members that its query names.
https://docs.saleor.io/developer/extending/webhooks/overview
"""

from collections.abc import Mapping, Sequence
from typing import Any

from service.cli.shops.parts import (
    adjustment,
    amount,
    check_open,
    full_name,
    given,
    metadata,
    priced_item,
    required,
    total_of,
)

CLOSED = (
    "draft",
    "unconfirmed",
    "expired",
    "canceled",
    "fulfilled",
    "partially fulfilled",
    "returned",
    "partially_returned",
)
"""Values of ``status`` of orders that must not be shipped."""


def convert(order: Mapping[str, Any]) -> dict[str, Any]:
    """Convert an order to an order document.

    Prices are net, before discounts; the tax, that of shipping included, is one adjustment.

    Raises:
        NotAnOrder: it is not an order of Saleor.
        NotToShip: the shop has fulfilled or cancelled it, or has not confirmed it.
    """
    check_open(order.get("status"), CLOSED)
    channel, lines = required(order, "channel"), required(order, "lines")
    priced = [_item(line) for line in lines]
    items = [item for item, _ in priced]
    return {
        "customer_id": str(order.get("user_email") or required(order, "id")),
        "reference": str(required(order, "number")),
        "currency": required(channel, "currency_code"),
        "items": items,
        "total_amount": required(order, "total_gross_amount"),
        **given(
            adjustments=_adjustments(order, items, [rest for _, rests in priced for rest in rests]),
            ship_to=_address(order.get("shipping_address") or {}, order),
            service_level=order.get("shipping_method_name"),
            placed_at=order.get("created"),
            metadata=metadata(order.get("metadata")),
        ),
    }


def _item(line: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    product = line.get("product_sku") or line.get("product_variant_id") or line.get("id")
    names = (line.get("product_name"), line.get("variant_name"))
    total = amount(line.get("undiscounted_total_price_net_amount")) or amount(line.get("total_price_net_amount"))
    item = {
        "product_id": str(product).strip(),
        "line_id": str(required(line, "id")),
        **given(name=" - ".join(map(str, filter(None, names))), sku=line.get("product_sku")),
    }
    return priced_item(item, total, int(amount(required(line, "quantity"))))


def _adjustments(
    order: Mapping[str, Any], items: Sequence[Mapping[str, Any]], rests: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The discount is the difference between the net sum of items and shipping, and the net total of the order."""
    net, gross = amount(required(order, "total_net_amount")), amount(required(order, "total_gross_amount"))
    shipping = adjustment("shipping", order.get("shipping_price_net_amount"), order.get("shipping_method_name"))
    discount = total_of(items, (*rests, *shipping)) - net
    return [
        *shipping,
        *adjustment("discount" if discount > 0 else "other", discount, _discounts(order), negative=True),
        *adjustment("tax", gross - net, "Tax"),
        *map(dict, rests),
    ]


def _discounts(order: Mapping[str, Any]) -> str:
    names = [each.get("name") for each in order.get("discounts") or ()]
    codes = [line.get("voucher_code") for line in order.get("lines") or ()]
    return ", ".join(dict.fromkeys(map(str, filter(None, (*names, *codes)))))


def _address(address: Mapping[str, Any], order: Mapping[str, Any]) -> dict[str, Any] | None:
    if not address.get("street_address_1"):
        return None
    return given(
        name=full_name(address) or address.get("company_name"),
        company=address.get("company_name"),
        line1=address.get("street_address_1"),
        line2=address.get("street_address_2"),
        city=address.get("city"),
        region=address.get("country_area"),
        postal_code=address.get("postal_code"),
        country=address.get("country"),
        phone=address.get("phone"),
        email=order.get("user_email"),
    )
