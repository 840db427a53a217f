"""Ids: those of orders, which are opaque, and those of customers, products and shops, which may be any text."""

import hashlib
import re
from collections.abc import Callable

ID_PATTERN = "[A-Za-z0-9_.:-]{1,64}"
INVISIBLE = r"\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff"
EDGE = rf"[^\s{INVISIBLE}]"
NAME_PATTERN = rf"^{EDGE}([^{INVISIBLE}]{{0,126}}{EDGE})?$"
"""Ids of real shops: printable, without white space at the ends. ``gid://shopify/Order/1``, ``SKU 12/B#4``."""

ANONYMOUS = "anonymous"
"""The owner of every order, where the API does not authenticate its callers."""


def is_id(value: object) -> bool:
    """Whether a value has the form of an id of an order."""
    return isinstance(value, str) and re.fullmatch(ID_PATTERN, value) is not None


def is_name(value: str) -> bool:
    """Whether a text can be the id of a customer, or a reference. No row can have an unpaired surrogate."""
    return re.fullmatch(NAME_PATTERN, value) is not None and not re.search("[\ud800-\udfff]", value)


def order_id_for(owner: str, idempotency_key: str | None, new_id: Callable[[], str]) -> str:
    """A new order's id: derived from the owner and the idempotency key, so that one key is one order; else random."""
    if idempotency_key is None:
        return f"ord_{new_id()}"
    return derive_id("key", owner, idempotency_key)


def derive_id(*parts: str) -> str:
    """An order id that is derived from parts: 128 bits of their SHA-256."""
    framed = "".join(f"{len(part)}:{part}" for part in parts)
    return f"ord_{hashlib.sha256(framed.encode()).hexdigest()[:32]}"
