"""The ids of orders: opaque, and either random or the same for the same origin."""

import hashlib
import re
from collections.abc import Callable

ID_PATTERN = "[A-Za-z0-9_.:-]{1,64}"


def is_id(value: object) -> bool:
    """Whether something could be the id of an order, a customer or a product at all."""
    return isinstance(value, str) and re.fullmatch(ID_PATTERN, value) is not None


def order_id_for(owner: str, idempotency_key: str | None, new_id: Callable[[], str]) -> str:
    """An order's id: random, or derived from who sends it and the idempotency key, so that one key is one order."""
    if idempotency_key is None:
        return f"ord_{new_id()}"
    return derived_id("key", owner, idempotency_key)


def derived_id(*parts: str) -> str:
    """An order's id that is the same for the same parts, and for no others: 128 bits of their SHA-256."""
    framed = "".join(f"{len(part)}:{part}" for part in parts)
    return f"ord_{hashlib.sha256(framed.encode()).hexdigest()[:32]}"
