"""The order document as a customer submits it: the fields, and the rule of each field by itself.

The same models describe the request in the OpenAPI document. Rules between fields are in ``validation``.
"""

import re
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictStr,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from service.orders import money
from service.orders.countries import COUNTRIES
from service.orders.currencies import MINOR_UNITS
from service.orders.identity import EDGE, INVISIBLE, NAME_PATTERN
from service.orders.timestamps import YEARS, parse, text

_INSTANT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})$"
"""https://www.rfc-editor.org/rfc/rfc3339#section-5.6"""


def _quantity(value: object) -> object:
    """Read ``2.0`` and ``2e0`` as 2."""
    if isinstance(value, Decimal) and abs(value) < 10**9 and value == value.to_integral_value():
        return int(value)
    return value


def _country(value: object) -> object:
    if isinstance(value, str) and value not in COUNTRIES:
        raise PydanticCustomError("choice", "must be an ISO 3166-1 alpha-2 country code in capitals, such as DE")
    return value


def _currency(value: object, info: ValidationInfo) -> object:
    """Accept a code of the currencies that are the context of the validation; ``MINOR_UNITS`` by default."""
    if isinstance(value, str) and value not in (info.context or MINOR_UNITS):
        raise PydanticCustomError("choice", "must be an ISO 4217 currency code in capitals, such as USD")
    return value


def _instant(value: object) -> object:
    """Read an RFC 3339 time with its offset, and write it in UTC, with milliseconds."""
    if not isinstance(value, str):
        return value
    try:
        instant = parse(value.upper()) if re.fullmatch(_INSTANT, value) else None
    except (ValueError, OverflowError):
        instant = None
    if instant is None or instant.year not in YEARS:
        raise PydanticCustomError("instant", "must be a time with its zone, such as 2026-01-31T09:30:00Z")
    return text(instant)


def _describe_amount(least: Decimal, pattern: str) -> WithJsonSchema:
    number = {"type": "number", "minimum": float(least), "maximum": float(money.MAX_AMOUNT)}
    return WithJsonSchema({"anyOf": [number, {"type": "string", "pattern": pattern}]})


Amount = Annotated[Decimal, BeforeValidator(money.read_unsigned), _describe_amount(Decimal(0), money.UNSIGNED)]
SignedAmount = Annotated[Decimal, BeforeValidator(money.read), _describe_amount(-money.MAX_AMOUNT, money.SIGNED)]
Name = Annotated[StrictStr, Field(pattern=NAME_PATTERN, max_length=128)]
Line = Annotated[StrictStr, Field(pattern=rf"^{EDGE}([^{INVISIBLE}]{{0,254}}{EDGE})?$", max_length=256)]
Metadata = Annotated[
    dict[Name, Annotated[StrictStr, Field(max_length=500)]],
    Field(max_length=50, json_schema_extra={"additionalProperties": False}),
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, given: Any) -> Any:
        """Leave out optional fields that are null: they are not given."""
        if not isinstance(given, dict):
            return given
        optional = {name for name, field in cls.model_fields.items() if not field.is_required()}
        return {name: value for name, value in given.items() if value is not None or name not in optional}


class OrderItemRequest(_Strict):
    """One line of an order."""

    product_id: Name = Field(examples=["prod_456"])
    quantity: Annotated[int, Field(strict=True, ge=1, le=10_000, examples=[2]), BeforeValidator(_quantity)]
    price: Amount = Field(
        description="Price of one. It may be finer than the currency's minor unit, if quantity × price is not.",
        examples=[29.99],
    )
    line_id: Name | None = Field(None, description="Names the line; its position by default.", examples=["1"])
    name: Line | None = Field(None, examples=["Blue shirt, size M"])
    sku: Name | None = Field(None, examples=["SKU 12/B#4"])
    metadata: Metadata | None = Field(None, description="Up to 50 short strings of the customer's own.")


class AdjustmentRequest(_Strict):
    """An amount beside the lines: tax, shipping, a discount."""

    kind: Literal["tax", "shipping", "discount", "fee", "other"]
    amount: SignedAmount = Field(description="Added to the total; a discount is negative.", examples=[4.99])
    label: Line | None = Field(None, examples=["VAT 19 %"])
    line_id: Name | None = Field(
        None, description="The line that it belongs to; the whole order by default.", examples=["1"]
    )


class AddressRequest(_Strict):
    """Where the order is shipped to."""

    name: Line = Field(examples=["Anna Schmidt"])
    company: Line | None = None
    line1: Line = Field(examples=["Hauptstraße 1"])
    line2: Line | None = None
    city: Line = Field(examples=["Berlin"])
    region: Name | None = Field(None, description="State or province.", examples=["BE"])
    postal_code: Name | None = Field(None, examples=["10115"])
    country: Annotated[StrictStr, BeforeValidator(_country)] = Field(
        description="ISO 3166-1 alpha-2.", json_schema_extra={"enum": [*sorted(COUNTRIES)]}, examples=["DE"]
    )
    phone: Name | None = Field(None, examples=["+49 30 1234567"])
    email: Line | None = Field(None, examples=["anna@example.com"])


class OrderRequest(_Strict):
    """An order as a customer submits it. An optional field that is null is not given.

    An order also obeys these rules, which JSON Schema cannot express:

    - `total_amount` is the sum of quantity × price, plus the adjustments, exactly.
    - quantity × price, and each adjustment, has at most the decimals of the currency: 2 in USD, 0 in JPY, 3 in KWD.
    - An amount has at most 15 digits, 8 of them decimals. Zeros at its end do not count.
    - The `line_id`, or the position, of each item differs. The `line_id` of an adjustment is that of an item.
    - `placed_at` is a time that exists, in the years 2 to 9998.
    """

    customer_id: Name = Field(examples=["cust_123"])
    items: Annotated[list[OrderItemRequest], Field(min_length=1, max_length=500)]
    total_amount: Amount = Field(examples=[59.98])
    currency: (
        Annotated[
            StrictStr, BeforeValidator(_currency), WithJsonSchema({"type": "string", "enum": sorted(MINOR_UNITS)})
        ]
        | None
    ) = Field("USD", description="ISO 4217.")
    metadata: Metadata | None = Field(
        default_factory=dict,
        description="Up to 50 short strings of the customer's own.",
    )
    reference: Name | None = Field(None, description="The shop's own order number.", examples=["#1001"])
    adjustments: Annotated[list[AdjustmentRequest], Field(max_length=500)] | None = None
    ship_to: AddressRequest | None = None
    service_level: Name | None = Field(None, description="How fast to ship.", examples=["express"])
    note: Annotated[StrictStr, Field(max_length=2_000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$")] | None = (
        Field(None, description="A note of the customer.", examples=["Please ring twice."])
    )
    placed_at: (
        Annotated[
            StrictStr,
            BeforeValidator(_instant),
            WithJsonSchema({"type": "string", "format": "date-time", "pattern": _INSTANT}),
        ]
        | None
    ) = Field(
        None,
        description="When the order was placed in the shop.",
        examples=["2026-01-31T09:30:00Z"],
    )


MODELS = (OrderRequest, OrderItemRequest, AdjustmentRequest, AddressRequest)
"""The models that the OpenAPI document describes."""
