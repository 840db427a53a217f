"""The shops whose orders can be read, and how each of their forms is known and converted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Shop(StrEnum):
    """The shops whose orders can be read."""

    SHOPIFY = "shopify"
    WOOCOMMERCE = "woocommerce"
    MEDUSA = "medusa"
    SALEOR = "saleor"


@dataclass(frozen=True, slots=True)
class JsonForm:
    """The JSON of an order.

    Args:
        members: members that every order has, and no order of another shop has all of.
        convert: converts an order to an order document.
    """

    members: Sequence[str]
    convert: Callable[[Mapping[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class CsvForm:
    """A CSV export with a row for each item.

    Args:
        columns: the columns without which it cannot be read; the first one is the order number.
        convert: converts the rows of an order to an order document.
    """

    columns: Sequence[str]
    convert: Callable[[Sequence[Mapping[str, str]]], dict[str, Any]]


def json_forms() -> dict[Shop, JsonForm]:
    """The JSON of each shop."""
    from service.cli.shops import medusa, saleor, shopify, woocommerce

    return {
        Shop.SHOPIFY: JsonForm(("line_items", "total_price"), shopify.convert),
        Shop.WOOCOMMERCE: JsonForm(("line_items", "billing", "total"), woocommerce.convert),
        Shop.MEDUSA: JsonForm(("items", "currency_code", "total"), medusa.convert),
        Shop.SALEOR: JsonForm(("lines", "channel", "total_gross_amount"), saleor.convert),
    }


def csv_forms() -> dict[Shop, CsvForm]:
    """The CSV export of each shop that has one."""
    from service.cli.shops import shopify_csv, woocommerce_csv

    return {
        Shop.SHOPIFY: CsvForm(shopify_csv.REQUIRED, shopify_csv.convert),
        Shop.WOOCOMMERCE: CsvForm(woocommerce_csv.REQUIRED, woocommerce_csv.convert),
    }


def shop_of_document(document: object) -> Shop | None:
    """The shop that writes such JSON; None if no shop does, such as for an order document."""
    if not isinstance(document, dict):
        return None
    return next((shop for shop, form in json_forms().items() if document.keys() >= {*form.members}), None)


def shop_of_headings(first_row: str) -> Shop | None:
    """The shop whose export has such a first row, whatever its separator."""
    return next((shop for shop, form in csv_forms().items() if all(each in first_row for each in form.columns)), None)
