"""Whether two submitted documents say the same, however each is written: 1.10, 1.1 and "1.10" are one price.

A valid order is stored in one form, and its fingerprint is enough. An order that is not valid is stored as it was sent.
"""

from decimal import Context, Decimal
from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from service.orders import strict_json
from service.orders.document import AddressRequest, AdjustmentRequest, OrderItemRequest, OrderRequest
from service.orders.model import Order
from service.orders.validation import STORED_DEFAULTS

_NESTED: dict[str, type[BaseModel]] = {
    "items": OrderItemRequest,
    "adjustments": AdjustmentRequest,
    "ship_to": AddressRequest,
}
_EXACT = Context(prec=strict_json.MAX_NUMBER_LENGTH)


def is_same_document(stored: Order, order: Order) -> bool:
    """Whether two orders were submitted with the same document."""
    return order.fingerprint == stored.fingerprint or _comparable_text(order) == _comparable_text(stored)


def _comparable_text(order: Order) -> str:
    fields = OrderRequest.model_fields
    defaults = {name: fields[name].get_default(call_default_factory=True) for name in STORED_DEFAULTS}
    return strict_json.canonical_text(defaults | _read_fields(order.document, OrderRequest))


def _read_fields(part: Any, model: type[BaseModel]) -> Any:
    """A part of a document: valid fields as a valid order has them, numbers of other values in one form."""
    if isinstance(part, list):
        return [_read_fields(each, model) for each in part]
    if not isinstance(part, dict):
        return _one_form(part)
    found = {}
    for name, value in part.items():
        field = model.model_fields.get(name)
        if value is None and field and not field.is_required():  # not given
            continue
        if field and name in _NESTED:
            found[name] = _read_fields(value, _NESTED[name])
        else:
            found[name] = _read_field(model, name, value) if field else _one_form(value)
    return found


def _read_field(model: type[BaseModel], name: str, value: Any) -> Any:
    try:
        return _one_form(_adapter(model, name).validate_python(value))
    except ValidationError:
        return _one_form(value)


@cache
def _adapter(model: type[BaseModel], name: str) -> TypeAdapter[Any]:
    field = model.model_fields[name]
    rule: Any = Annotated[field.annotation, field]
    return TypeAdapter(rule)


def _one_form(value: Any) -> Any:
    """The value, with each number in one form: 1.1 for 1.10, 2 for 2.0."""
    match value:
        case list():
            return [_one_form(each) for each in value]
        case dict():
            return {name: _one_form(each) for name, each in value.items()}
        case bool():
            return value
        case int() | Decimal():
            return _EXACT.normalize(Decimal(value)) or Decimal(0)
        case _:
            return value
