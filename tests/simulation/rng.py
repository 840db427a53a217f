"""The one source of randomness: what happens is a function of the seed and of what it happens to.

A sequence of random numbers would shift when one fault is taken out of a run, and everything after it would be
another story. Here each draw has a name, such as ``orders.claim/o3#2`` (the second claim of the order o3), and its
value depends on the seed and that name alone; so a run can be repeated with some of its faults only.
"""

from hashlib import blake2b

UNIT = 2**32


class Rng:
    """Draws for one run. ``only`` names the events that may happen; None allows all that the seed brings."""

    def __init__(self, seed: int, only: frozenset[str] | None = None) -> None:
        self.happened: list[str] = []
        self._key = str(seed).encode()
        self._only = only
        self._counts: dict[str, int] = {}

    def draw(self, name: str) -> tuple[str, float, float, float]:
        """The next draw of a name: what to call it, and three fractions of one."""
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
        """A number, evenly spread."""
        return least + (most - least) * self.draw(name)[1]

    def happens(self, name: str, rate: float) -> bool:
        """Whether something happens that happens at a rate; it is kept in mind when it does."""
        if not rate:
            return False
        called, fraction, _, _ = self.draw(name)
        return fraction < rate and self.allowed(called)

    def allowed(self, called: str) -> bool:
        """Let an event happen, unless the run is to go without it."""
        if self._only is not None and called not in self._only:
            return False
        self.happened.append(called)
        return True
