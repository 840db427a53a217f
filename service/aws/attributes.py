"""Values as DynamoDB's attribute values: texts, whole numbers, instants, field errors, lists and maps.

It is all that a row holds. boto3 has this for every type that DynamoDB knows, and is slow to import.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from service.orders.model import FieldError
from service.orders.timestamps import text


def to_attribute(value: Any) -> dict[str, Any]:
    """A value as DynamoDB takes it.

    Raises:
        TypeError: no row holds such a value.
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
        case list() | tuple():
            return {"L": [to_attribute(element) for element in value]}
        case Mapping():
            return {"M": {name: to_attribute(element) for name, element in value.items()}}
        case _:
            raise TypeError(f"no row holds a {type(value).__name__}")


def from_attribute(attribute: Mapping[str, Any]) -> Any:
    """A value as a row holds it. What somebody else put there is None for NULL, and is left as it is otherwise.

    Somebody else can be a newer version of this: a fraction, which no row holds yet, must not keep it from being read.
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
