"""Measured values by metric and minute, read as a statistic for each period, as in CloudWatch."""

import math
from collections.abc import Callable, Sequence

from tests.monitoring.watched import Watched

MINUTE = 60

Key = tuple[str, str, frozenset[tuple[str, str]]]

STATISTICS: dict[str, Callable[[Sequence[float]], float]] = {
    "Sum": sum,
    "Maximum": max,
    "Minimum": min,
    "Average": lambda values: sum(values) / len(values),
}


class Measures:
    """The values of a number of minutes, counted from 0. Values outside are dropped."""

    def __init__(self, minutes: int) -> None:
        self.minutes = minutes
        self._values: dict[Key, dict[int, list[float]]] = {}

    def add(self, minute: float, namespace: str, name: str, value: float, **dimensions: str) -> None:
        if 0 <= minute < self.minutes:
            minutes = self._values.setdefault((namespace, name, frozenset(dimensions.items())), {})
            minutes.setdefault(int(minute), []).append(value)

    def series(self, metric: Watched, period: int = MINUTE) -> list[float | None]:
        """One value for each period, in seconds; None for a period without values."""
        minutes = self._values.get((metric.namespace, metric.name, frozenset(metric.dimensions.items())), {})
        step = period // MINUTE
        found: list[float | None] = []
        for first in range(0, self.minutes, step):
            values = [value for minute in range(first, first + step) for value in minutes.get(minute, ())]
            found.append(statistic(metric.statistic, values) if values else None)
        return found


def statistic(name: str, values: Sequence[float]) -> float:
    """Compute a statistic of CloudWatch; `p95` and the like are percentiles."""
    if name in STATISTICS:
        return STATISTICS[name](values)
    ordered = sorted(values)
    place = float(name.removeprefix("p")) / 100 * (len(ordered) - 1)
    below, above = ordered[math.floor(place)], ordered[math.ceil(place)]
    return below + (above - below) * (place % 1)
