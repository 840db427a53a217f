"""Order documents as the strict reader returns them, and the errors of a document."""

from decimal import Decimal
from typing import Any

from service.orders import strict_json
from service.orders.validation import validate
from tests.support import valid_order


def order(**changes: Any) -> dict[str, Any]:
    """A valid order."""
    return strict_json.from_python(valid_order()) | changes


def item(**changes: Any) -> dict[str, Any]:
    return {"product_id": "prod_456", "quantity": 2, "price": Decimal("29.99"), **changes}


def errors(submitted: Any) -> dict[str, str]:
    """The errors of a document: the detail of each pointer."""
    verdict = validate(submitted)
    assert (verdict.document is None) is bool(verdict.errors)
    return {error.pointer: error.detail for error in verdict.errors}
