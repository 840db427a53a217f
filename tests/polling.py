"""Waits for another thread or process. PATIENCE bounds a test that fails; no other test waits so long."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 300  # seconds


def eventually(read: Callable[[], T], holds: Callable[[T], object] = bool) -> T:
    """Read until a condition holds for the value that was read; by default, until the value is true."""
    ends = time.monotonic() + PATIENCE
    while not holds(found := read()):
        assert time.monotonic() < ends, f"the condition does not hold after {PATIENCE} s: {found}"
        time.sleep(0.01)
    return found
