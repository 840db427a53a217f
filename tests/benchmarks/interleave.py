"""Interleaves repeated measurements and returns the minimum of each, so that a busy machine affects all equally."""

import time
from collections.abc import Callable, Mapping


def least_cpu(things: Mapping[str, Callable[[], object]], rounds: int, times: int) -> dict[str, float]:
    """Measure the CPU time of each function, in microseconds.

    Args:
        things: the functions to measure, by name.
        rounds: number of turns of each function.
        times: number of calls in a turn.
    """

    def turn(thing: Callable[[], object]) -> float:
        began = time.process_time()
        for _ in range(times):
            thing()
        return (time.process_time() - began) / times * 1e6

    return _least(things, rounds, turn)


def least_wall(things: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Measure the wall-clock time of each function, in milliseconds."""

    def turn(thing: Callable[[], object]) -> float:
        began = time.perf_counter()
        thing()
        return (time.perf_counter() - began) * 1e3

    return _least(things, rounds, turn)


def _least(
    things: Mapping[str, Callable[[], object]], rounds: int, turn: Callable[[Callable[[], object]], float]
) -> dict[str, float]:
    for thing in things.values():
        thing()  # a first call includes one-time work
    least = dict.fromkeys(things, float("inf"))
    for _ in range(rounds):
        for name, thing in things.items():
            least[name] = min(least[name], turn(thing))
    return least
