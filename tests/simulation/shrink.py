"""Shrinks a failing run to the events that it needs."""

from collections.abc import Callable, Sequence

from tests.simulation.run import Run, simulate


def shrink(run: Run, invariant: str) -> Run:
    """Find a run of the same seed with fewer events that breaks the same invariant.

    Args:
        run: a run that breaks the invariant.
        invariant: such as ``I7``.
    """

    def breaks(events: Sequence[str]) -> bool:
        return invariant in simulate(run.seed, run.profile, frozenset(events)).invariants

    return simulate(run.seed, run.profile, frozenset(minimize(run.events, breaks)))


def minimize(events: Sequence[str], breaks: Callable[[Sequence[str]], bool]) -> list[str]:
    """Remove events, in ever smaller parts, while the remaining ones still break the invariant.

    Zeller and Hildebrandt, Simplifying and Isolating Failure-Inducing Input, IEEE TSE 28(2), 2002.
    """
    left, parts = list(dict.fromkeys(events)), 2
    while len(left) > 1:
        size = -(-len(left) // parts)
        for begin in range(0, len(left), size):
            rest = left[:begin] + left[begin + size :]
            if breaks(rest):
                left, parts = rest, max(2, parts - 1)
                break
        else:
            if size == 1:
                break
            parts = min(len(left), parts * 2)
    return left
