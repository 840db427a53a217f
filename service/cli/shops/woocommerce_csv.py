"""WooCommerce: the orders of the plugin Advanced Order Export For WooCommerce, with its default headings.

WooCommerce itself has no export of orders. https://wordpress.org/plugins/woo-order-export-lite/
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from service.cli.csv_numbers import amount_of, parse_number, without_apostrophe
from service.cli.shops.parts import NotAnOrder, adjustment, check_first_row, check_open, difference, given, one_line
from service.cli.shops.woocommerce import CLOSED

ORDER = "Order Number"
REQUIRED = (ORDER, "Order Total Amount", "Item Name", "Item Cost")
BEFORE_DISCOUNT = "Item Cost Before Discount"
ROUNDING = Decimal("0.01")
"""The part of the total that may be missing in the rows, because the export rounds prices."""
Cells = Mapping[str, str]


def convert(rows: Sequence[Cells]) -> dict[str, Any]:
    """Convert the rows of an order to an order document.

    ``Item Cost`` is a price without tax, after discounts. With the column ``Item Cost Before Discount`` the discount
    is an adjustment. Refunded items are not shipped; the total is the one of before the refund. ``Order Date`` has no
    time zone, so that the document has no ``placed_at``.

    Raises:
        NotAnOrder: a value is missing.
        NotANumber: an amount is not a number.
        NotToShip: the shop has fulfilled or cancelled it.
    """
    order = rows[0]
    check_first_row(order, "Order Total Amount")
    check_open(order.get("Order Status"), CLOSED)
    items = [item for row in rows if row["Item Name"] if (item := _item(row))["quantity"]]
    if not items:
        raise NotAnOrder("no row has an Item Name and a quantity")
    return {
        "customer_id": order.get("Customer User ID", "").lstrip("0") or order.get("Email (Billing)") or order[ORDER],
        "reference": order[ORDER],
        "items": items,
        "total_amount": amount_of(order, "Order Total Amount"),
        **given(
            currency=order.get("Currency"),
            adjustments=_adjustments(order, items, _coupons(rows)),
            ship_to=_address(order, "Shipping") or _address(order, "Billing"),
            service_level=order.get("Shipping Method Title"),
            note=order.get("Customer Note"),
        ),
    }


def _item(row: Cells) -> dict[str, Any]:
    quantity = row.get("Quantity (- Refund)") or row.get("Quantity", "")
    price = row.get(BEFORE_DISCOUNT) or row["Item Cost"]
    sku, product = row.get("SKU"), row.get("Variation Id", "").lstrip("0") or row.get("Product Id")
    return {
        "product_id": sku or product or one_line(row["Item Name"])[:128].strip(),
        "quantity": parse_number("Quantity", quantity),
        "price": parse_number("Item Cost", price),
        **given(line_id=row.get("Item ID") or row.get("Item #"), name=row["Item Name"], sku=sku),
    }


def _adjustments(order: Cells, items: Sequence[Mapping[str, Any]], coupons: str) -> list[dict[str, Any]]:
    discount = amount_of(order, "Cart Discount Amount") if BEFORE_DISCOUNT in order else Decimal(0)
    found = [
        *adjustment("shipping", amount_of(order, "Order Shipping Amount"), order.get("Shipping Method Title")),
        *adjustment("fee", amount_of(order, "Order Total Fee"), "Fees"),
        *adjustment("discount", discount, coupons, negative=True),
        *adjustment("tax", amount_of(order, "Order Total Tax Amount"), "Tax"),
    ]
    total = amount_of(order, "Order Total Amount")
    rest = difference(total, items, found)
    if rest and rest[0]["amount"] > total * ROUNDING and not amount_of(order, "Order Refund Amount"):
        raise NotAnOrder(
            f"its rows come to {total - rest[0]['amount']}, but Order Total Amount is {total}; export every row of the "
            "order, and the columns of shipping, fees and taxes"
        )
    return [*found, *rest]


def _coupons(rows: Sequence[Cells]) -> str:
    return ", ".join(dict.fromkeys(filter(None, (row.get("Coupon Code", "") for row in rows))))


def _address(order: Cells, kind: str) -> dict[str, Any] | None:
    def cell(name: str, of: str = kind) -> str:
        return without_apostrophe(order.get(f"{name} ({of})", ""))

    line1 = cell("Address 1") or cell("Address 1&2")
    if not line1:
        return None
    name = cell("Full Name") or f"{cell('First Name')} {cell('Last Name')}".strip()
    return given(
        name=name or cell("Company"),
        company=cell("Company"),
        line1=line1,
        line2=cell("Address 2"),
        city=cell("City"),
        region=cell("State Code"),
        postal_code=cell("Postcode"),
        country=cell("Country Code"),
        phone=cell("Phone") or cell("Phone", "Billing"),
        email=cell("Email", "Billing"),
    )
