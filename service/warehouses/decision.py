"""The decision of the simulated warehouses, the one in the process and the server: a pure function."""

import hashlib


def ships(seed: str, success_rate: float, delivery_key: str) -> bool:
    """Return whether a delivery is shipped: whether a hash of it, as a fraction of one, is below the success rate."""
    digest = hashlib.sha256(f"{seed}\n{delivery_key}".encode()).digest()
    return (int.from_bytes(digest[:8]) >> 11) / 2**53 < success_rate
