"""Order ids: opaque, and either random or derived from the origin of the order."""

import hashlib
import re
from collections.abc import Callable

ID_PATTERN = "[A-Za-z0-9_.:-]{1,64}"


def is_id(value: object) -> bool:
    """Whether a value has the form of an id of an order, a customer or a product."""
    return isinstance(value, str) and re.fullmatch(ID_PATTERN, value) is not None


def order_id_for(owner: str, idempotency_key: str | None, new_id: Callable[[], str]) -> str:
    """A new order's id: derived from the owner and the idempotency key, so that one key is one order; else random."""
    if idempotency_key is None:
        return f"ord_{new_id()}"
    return derive_id("key", owner, idempotency_key)


def derive_id(*parts: str) -> str:
    """An order id that is derived from parts: 128 bits of their SHA-256."""
    framed = "".join(f"{len(part)}:{part}" for part in parts)
    return f"ord_{hashlib.sha256(framed.encode()).hexdigest()[:32]}"
