"""Counts the AWS calls of the function, for an order with one attempt and for a failed order."""

from collections import Counter

from tests.benchmarks.cost.measured import sample
from tests.benchmarks.figures import Figure

WAYS = {"fulfilled by its first attempt": 1, "that fails for good": None}


def rows() -> list[Figure]:
    """Row 8."""
    figures = []
    for which, end in WAYS.items():
        calls = Counter(call.name.partition(".")[2] for each in sample().ends[end] for call in each.calls)
        kinds = ", ".join(f"{count} {name}" for name, count in sorted(calls.items()))
        figures.append(Figure("8", f"calls of an order {which}: {kinds}", calls.total(), ""))
    return figures
