"""Converts Python values to DynamoDB attribute values and back.

Rows hold strings, integers, timestamps, field errors, shipments, lists and maps. boto3 converts every type of
DynamoDB, but is slow to import.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from service.orders.model import FieldError
from service.orders.shipments import Shipment
from service.orders.timestamps import text


def to_attribute(value: Any) -> dict[str, Any]:
    """Convert a value to an attribute value.

    Raises:
        TypeError: rows hold no values of this type.
    """
    match value:
        case str():
            return {"S": str(value)}
        case bool():
            raise TypeError("no row holds a boolean")
        case int():
            return {"N": str(value)}
        case datetime():
            return {"S": text(value)}
        case FieldError():
            return to_attribute({"pointer": value.pointer, "detail": value.detail})
        case Shipment():
            values = {name: getattr(value, name) for name in Shipment.__slots__}
            return to_attribute({name: each for name, each in values.items() if each is not None})
        case list() | tuple():
            return {"L": [to_attribute(element) for element in value]}
        case Mapping():
            return {"M": {name: to_attribute(element) for name, element in value.items()}}
        case _:
            raise TypeError(f"no row holds a {type(value).__name__}")


def from_attribute(attribute: Mapping[str, Any]) -> Any:
    """Convert an attribute value to a Python value. NULL becomes None, and values of unknown types stay as they are.

    A newer version of the service may write types that this version does not know, such as fractions. They must not
    make the row unreadable.
    """
    ((kind, value),) = attribute.items()
    match kind:
        case "N":
            return int(value) if value.removeprefix("-").isdecimal() else value
        case "NULL":
            return None
        case "L":
            return [from_attribute(element) for element in value]
        case "M":
            return {name: from_attribute(element) for name, element in value.items()}
        case _:
            return value
