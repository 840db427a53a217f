"""The rules of a valid order.

One function validates for the API and for the workflow's Validate step, and returns all errors at once. The same
model describes the request in the OpenAPI document.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, StrictStr, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from service.orders.currencies import CURRENCIES
from service.orders.identity import ID_PATTERN, is_id
from service.orders.model import FieldError

CENT = Decimal("0.01")
MAX_AMOUNT = Decimal("9999999999999.99")  # 15 digits: exact in every JSON reader
MAX_ERRORS = 100
STORED_DEFAULTS = {"currency", "metadata"}
"""Fields whose default is stored when an order does not give them, as version 0.1.0 does.

No other field may join them: a stored default changes the fingerprint of every order that does not give the field, and
each retry with an ``Idempotency-Key`` of before the deployment would be refused.
"""


def _amount(value: object) -> Decimal:
    """Check an amount: a JSON number, not a string or a boolean, with at most two decimals."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise PydanticCustomError("amount", "must be a JSON number")
    number = Decimal(value)
    if not 0 <= number <= MAX_AMOUNT:
        raise PydanticCustomError("amount", "must be between 0 and {most}", {"most": str(MAX_AMOUNT)})
    rounded = number.quantize(CENT)
    if rounded != number:
        raise PydanticCustomError("amount", "must have at most two decimals")
    return rounded.copy_abs()  # the cent is always written, and zero has no sign


def _currency(value: object) -> object:
    if isinstance(value, str) and value not in CURRENCIES:
        raise PydanticCustomError("currency", "must be an ISO 4217 currency code in capitals, such as USD")
    return value


Amount = Annotated[
    Decimal,
    BeforeValidator(_amount, json_schema_input_type=float),
    Field(json_schema_extra={"minimum": 0, "maximum": float(MAX_AMOUNT), "multipleOf": 0.01}),
]
Identifier = Annotated[StrictStr, Field(pattern=f"^{ID_PATTERN}$")]
MetadataValue = Annotated[StrictStr, Field(max_length=256)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OrderItemRequest(_Strict):
    """One line of an order."""

    product_id: Identifier = Field(examples=["prod_456"])
    quantity: Annotated[StrictInt, Field(ge=1, le=10_000, examples=[2])]
    price: Amount = Field(description="Price of one, at most two decimals.", examples=[29.99])


class OrderRequest(_Strict):
    """An order as a customer submits it. ``total_amount`` equals the sum of quantity × price exactly."""

    customer_id: Identifier = Field(examples=["cust_123"])
    items: Annotated[list[OrderItemRequest], Field(min_length=1, max_length=500)]
    total_amount: Amount = Field(examples=[59.98])
    currency: Annotated[StrictStr, BeforeValidator(_currency)] = Field(
        "USD", description="ISO 4217.", json_schema_extra={"enum": [*sorted(CURRENCIES)]}
    )
    metadata: Annotated[dict[Identifier, MetadataValue], Field(max_length=20)] = Field(
        default_factory=dict,
        description="Up to 20 short strings of the customer's own.",
        json_schema_extra={"additionalProperties": False},
    )


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of ``validate``: the normalized document of a valid order, or all errors of an invalid one."""

    document: dict[str, Any] | None
    errors: tuple[FieldError, ...]


def validate(submitted: Any) -> Verdict:
    """Validate a submitted document.

    Args:
        submitted: the document as ``document.read`` returns it.

    Returns:
        The verdict: either ``document``, with amounts to the cent and the defaults of ``STORED_DEFAULTS``, or
        ``errors``, all of them, each with its JSON Pointer.
    """
    if not isinstance(submitted, dict):
        return Verdict(None, (FieldError("", "must be a JSON object"),))
    try:
        order = OrderRequest.model_validate(submitted)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=True, include_input=False)
        errors = [_field_error(detail) for detail in details]
        if not {detail["loc"][0] for detail in details} & {"items", "total_amount"}:
            errors += _wrong_total(submitted)
        return Verdict(None, tuple(errors[:MAX_ERRORS]))
    if wrong := _wrong_total(submitted):
        return Verdict(None, wrong)
    return Verdict(order.model_dump(exclude_unset=True) | order.model_dump(include=STORED_DEFAULTS), ())


def _wrong_total(submitted: dict[str, Any]) -> tuple[FieldError, ...]:
    """Check the total of a document whose items and total are valid each by itself."""
    total = sum((item["quantity"] * Decimal(item["price"]) for item in submitted["items"]), Decimal(0))
    if total == submitted["total_amount"]:
        return ()
    return (FieldError("/total_amount", f"must equal the sum of quantity × price, {total.quantize(CENT)}"),)


def customer_of(submitted: dict[str, Any]) -> str | None:
    """The document's customer id if it is valid, else None; the rest of the document may be invalid."""
    customer_id = submitted.get("customer_id")
    return customer_id if is_id(customer_id) else None


def pointer(path: Sequence[str | int]) -> str:
    """Write a path as a JSON Pointer (RFC 6901, section 3)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


_DETAILS = {
    "missing": "is required",
    "extra_forbidden": "is not a field of an order",
    "string_type": "must be a string",
    "int_type": "must be a whole number",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "string_pattern_mismatch": "must be 1 to 64 of the characters A-Z a-z 0-9 _ . : -",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "too_short": "must have at least {min_length} element",
    "too_long": "must have at most {max_length} elements",
    "string_too_long": "must have at most {max_length} characters",
}


def _field_error(error: ErrorDetails) -> FieldError:
    path = error["loc"]
    if len(path) > 2 and path[-1] == "[key]":  # the error concerns the name of a member
        path = path[:-1]
    text = _DETAILS.get(error["type"], error["msg"])
    return FieldError(pointer(path), text.format(**error.get("ctx", {})))
