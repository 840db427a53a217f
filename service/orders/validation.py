"""The rules of a valid order.

One function validates for the API and for the workflow's Validate step, and returns all errors at once.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from service.orders import money
from service.orders.currencies import MINOR_UNITS
from service.orders.document import Name, OrderRequest
from service.orders.model import FieldError

MAX_ERRORS = 100
MAX_ERROR_BYTES = 32 * 1024
"""Of the pointers and details, which a rejected order's row has beside the document."""
MAX_POINTER = 300  # characters; those of an order's own fields have fewer
STORED_DEFAULTS = {"currency", "metadata"}
"""Fields whose default is stored when an order does not give them, as version 0.1.0 does.

No other field may join them: a stored default changes the fingerprint of every order that does not give the field, and
each retry with an ``Idempotency-Key`` of before the deployment would be refused.
"""
_NAME: TypeAdapter[str] = TypeAdapter(Name)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of ``validate``: the normalized document of a valid order, or all errors of an invalid one."""

    document: dict[str, Any] | None
    errors: tuple[FieldError, ...]


def validate(submitted: Any, currencies: Mapping[str, int] = MINOR_UNITS) -> Verdict:
    """Validate a submitted document.

    Args:
        submitted: the document as ``strict_json.parse`` returns it.
        currencies: the currencies of orders, with their decimals.

    Returns:
        The verdict: either ``document``, with each amount in its one form and the defaults of ``STORED_DEFAULTS``, or
        ``errors``, all of them, each with its JSON Pointer. If there are too many, the last one says how many more.
    """
    if not isinstance(submitted, dict):
        twice = ", and not a string: it may be encoded twice" if isinstance(submitted, str) else ""
        return Verdict(None, (FieldError("", f"must be a JSON object{twice}"),))
    try:
        order = OrderRequest.model_validate(submitted, context=currencies)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=True, include_input=False)
        errors = [_field_error(detail) for detail in details[:MAX_ERRORS]]  # a document may have 70,000
        errors += _between_fields(submitted, currencies, {detail["loc"] for detail in details})
        return Verdict(None, _cut(errors, len(details[MAX_ERRORS:])))
    given = order.model_dump(exclude_unset=True, exclude_none=True)
    if errors := list(_between_fields(given, currencies)):
        return Verdict(None, _cut(errors))
    return Verdict(given | order.model_dump(include=STORED_DEFAULTS), ())


def _between_fields(
    order: dict[str, Any], currencies: Mapping[str, int], wrong: Collection[tuple[str | int, ...]] = ()
) -> Iterator[FieldError]:
    """Check the rules between fields, for the fields that are valid each by itself.

    Args:
        order: the document.
        currencies: the currencies of orders, with their decimals.
        wrong: the paths of the fields that are not valid.
    """
    fields, elements = {path[0] for path in wrong}, {path[:2] for path in wrong}
    digits = money.MAX_DECIMALS if "currency" in fields else currencies[order.get("currency") or "USD"]
    unit = f"must {f'have at most {digits} decimals' if digits else 'be a whole number'} in this currency"
    items = () if ("items",) in elements else order["items"]
    adjustments = () if ("adjustments",) in elements else order.get("adjustments") or ()
    lines: set[str] = set()
    total = Decimal(0)
    for number, item in enumerate(items):
        if ("items", number) in elements:
            continue
        amount = int(item["quantity"]) * money.read(item["price"])
        total += amount
        if not money.is_whole(amount, digits):
            yield FieldError(f"/items/{number}/price", f"quantity × price {unit}")
        line = item.get("line_id") or str(number + 1)
        if line in lines:
            yield FieldError(
                f"/items/{number}/line_id", "is the line_id, or the position, of another item; each item needs its own"
            )
        lines.add(line)
    for number, adjustment in enumerate(adjustments):
        if ("adjustments", number) in elements:
            continue
        amount = money.read(adjustment["amount"])
        total += amount
        if not money.is_whole(amount, digits):
            yield FieldError(f"/adjustments/{number}/amount", unit)
        if (line := adjustment.get("line_id")) and line not in lines and "items" not in fields:
            yield FieldError(f"/adjustments/{number}/line_id", "must be the line_id of an item, or its position")
    if not fields & {"items", "adjustments", "total_amount"} and total != money.read(order["total_amount"]):
        parts = "the sum of quantity × price" + (" and the adjustments" if adjustments else "")
        yield FieldError("/total_amount", f"must equal {parts}, which is {money.shorten(total)}")


def _cut(errors: list[FieldError], others: int = 0) -> tuple[FieldError, ...]:
    """At most ``MAX_ERRORS`` errors of ``MAX_ERROR_BYTES``; one more says how many there are beside them.

    Args:
        errors: the first errors.
        others: the number of further errors.
    """
    shown: list[FieldError] = []
    left = MAX_ERROR_BYTES
    for error in errors[:MAX_ERRORS]:
        left -= len((error.pointer + error.detail).encode())
        if left < 0:
            break
        shown.append(error)
    if more := len(errors) + others - len(shown):
        shown.append(FieldError("", f"has {more:,} more error{'s' if more > 1 else ''}"))
    return tuple(shown)


def customer_of(submitted: dict[str, Any]) -> str | None:
    """The document's customer id if it is valid, else None; the rest of the document may be invalid."""
    return _name(submitted.get("customer_id"))


def reference_of(submitted: dict[str, Any]) -> str | None:
    """The document's reference if it is valid, else None."""
    return _name(submitted.get("reference"))


def _name(value: object) -> str | None:
    try:
        return _NAME.validate_python(value)
    except ValidationError:
        return None


def pointer(path: Sequence[str | int]) -> str:
    """Write a path as a JSON Pointer (RFC 6901, section 3)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


_DETAILS = {
    "missing": "is required",
    "extra_forbidden": "is not a field of an order",
    "string_type": "must be a string",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "bool_type": "must be true or false",
    "enum": "must be {expected}",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "string_pattern_mismatch": "must not be empty, and must have no control characters and no white space at its ends",
    "literal_error": "must be one of {expected}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "too_short": "must have at least {min_length} element",
    "too_long": "must have at most {max_length} elements",
    "string_too_short": "must have at least {min_length} character",
    "string_too_long": "must have at most {max_length} characters",
}


def _field_error(error: ErrorDetails) -> FieldError:
    path = error["loc"]
    if len(path) > 2 and path[-1] == "[key]":  # the error concerns the name of a member
        path = path[:-1]
    place = pointer(path)
    cut = place if len(place) <= MAX_POINTER else f"{place[: MAX_POINTER - 1]}…"
    return FieldError(cut, describe(error))


def describe(error: ErrorDetails | Mapping[str, Any]) -> str:
    """Describe an error of a field: the rule that its value must obey."""
    text = _DETAILS.get(error["type"])
    return text.format(**error.get("ctx", {})) if text else str(error["msg"])
