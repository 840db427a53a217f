"""Counts the AWS calls of the function, for an order with one attempt and for a failed order."""

from collections import Counter

from tests.benchmarks.cost.sample import sample
from tests.benchmarks.figures import Figure

OUTCOMES = {"fulfilled by its first attempt": 1, "that fails for good": None}


def rows() -> list[Figure]:
    """Count row 8."""
    figures = []
    for outcome, end in OUTCOMES.items():
        calls = Counter(call.name.partition(".")[2] for each in sample().orders[end] for call in each.calls)
        kinds = ", ".join(f"{count} {name}" for name, count in sorted(calls.items()))
        figures.append(Figure("8", f"calls of an order {outcome}: {kinds}", calls.total(), ""))
    return figures
