"""The least of several measurements that are taken in turn, so that a busy minute of the machine hits all of them."""

import time
from collections.abc import Callable, Mapping


def least_cpu(things: Mapping[str, Callable[[], object]], rounds: int, times: int) -> dict[str, float]:
    """Microseconds of this process's CPU that each thing takes.

    Args:
        things: what is measured, by its name.
        rounds: how often each has its turn.
        times: how often it is done in a turn.
    """

    def turn(thing: Callable[[], object]) -> float:
        began = time.process_time()
        for _ in range(times):
            thing()
        return (time.process_time() - began) / times * 1e6

    return _least(things, rounds, turn)


def least_wall(things: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Milliseconds on the clock that each thing takes."""

    def turn(thing: Callable[[], object]) -> float:
        began = time.perf_counter()
        thing()
        return (time.perf_counter() - began) * 1e3

    return _least(things, rounds, turn)


def _least(
    things: Mapping[str, Callable[[], object]], rounds: int, turn: Callable[[Callable[[], object]], float]
) -> dict[str, float]:
    for thing in things.values():
        thing()  # what is done once in a process is done now
    least = dict.fromkeys(things, float("inf"))
    for _ in range(rounds):
        for name, thing in things.items():
            least[name] = min(least[name], turn(thing))
    return least
