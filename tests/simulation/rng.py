"""The only source of randomness. Each draw has a name, and its value depends on the seed and the name only.

The name ``orders.claim/o3#2`` is the second claim of the order o3. A run can therefore be repeated with some of its
faults only. With a sequence of random numbers, removing one fault would change everything after it.
"""

from hashlib import blake2b

UNIT = 2**32


class Rng:
    """The random numbers of one run. ``only`` names the events that may happen; None allows all of the seed."""

    def __init__(self, seed: int, only: frozenset[str] | None = None) -> None:
        self.happened: list[str] = []
        self._key = str(seed).encode()
        self._only = only
        self._counts: dict[str, int] = {}

    def draw(self, name: str) -> tuple[str, float, float, float]:
        """The next draw of a name: the name of the draw, and three numbers from 0 to 1."""
        count = self._counts[name] = self._counts.get(name, 0) + 1
        called = f"{name}#{count}"
        digest = blake2b(called.encode(), digest_size=12, key=self._key).digest()
        first, second, third = digest[:4], digest[4:8], digest[8:]
        return (
            called,
            int.from_bytes(first) / UNIT,
            int.from_bytes(second) / UNIT,
            int.from_bytes(third) / UNIT,
        )

    def between(self, name: str, least: float, most: float) -> float:
        """A uniformly distributed number."""
        return least + (most - least) * self.draw(name)[1]

    def happens(self, name: str, rate: float) -> bool:
        """Whether an event of the given rate happens; it is recorded if it does."""
        if not rate:
            return False
        called, fraction, _, _ = self.draw(name)
        return fraction < rate and self.allowed(called)

    def allowed(self, called: str) -> bool:
        """Record an event, unless the run excludes it; return whether it may happen."""
        if self._only is not None and called not in self._only:
            return False
        self.happened.append(called)
        return True
