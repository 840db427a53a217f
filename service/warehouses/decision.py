"""The decisions of the simulated warehouses, the one in the process and the server: pure functions."""

import hashlib

from service.orders.warehouse import State


def draw(*values: object) -> float:
    """Return a number from 0 up to 1, by a hash of the values."""
    digest = hashlib.sha256("\n".join(map(str, values)).encode()).digest()
    return (int.from_bytes(digest[:8]) >> 11) / 2**53


def ships(seed: str, success_rate: float, delivery_key: str) -> bool:
    """Return whether a delivery is shipped: whether a hash of it, as a fraction of one, is below the success rate."""
    return draw(seed, delivery_key) < success_rate


def decide(
    seed: str, success_rate: float, key: str, *, declined: float = 0, refused: float = 0, closed: float = 0
) -> State:
    """Decide how a new delivery ends. The arguments alone determine the result; they are those of ``Ledger.ask``."""
    if draw(seed, "refused", key) < refused:
        return State.REFUSED
    if draw(seed, "declined", key) < declined or not ships(seed, success_rate, key):
        return State.DECLINED
    return State.CLOSED if draw(seed, "closed", key) < closed else State.SHIPPED
