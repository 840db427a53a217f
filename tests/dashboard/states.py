"""The states of the alarms, computed from measured values."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from tests.dashboard.measures import MINUTE, Measures
from tests.monitoring.expressions import EXTRA_PERIODS, compute, in_alarm
from tests.monitoring.watched import metrics_of


class State(NamedTuple):
    """Whether an alarm is active at the end, and the minutes of its last active period."""

    name: str
    on: bool
    was_on: tuple[int, int] | None


def states(alarms: Mapping[str, Mapping[str, Any]], measures: Measures) -> list[State]:
    return [_state(name, alarm, measures) for name, alarm in alarms.items()]


def _state(name: str, alarm: Mapping[str, Any], measures: Measures) -> State:
    seen, step = _watched(alarm, measures), alarm["period"] // MINUTE
    window = alarm["periods"] + EXTRA_PERIODS
    on = {end: in_alarm(alarm, seen[max(0, end - window) : end]) for end in range(alarm["periods"], len(seen) + 1)}
    last = max((end for end, is_on in on.items() if is_on), default=None)
    if last is None:
        return State(name, on=False, was_on=None)
    first = last
    while on.get(first - 1):
        first -= 1
    return State(name, on=last == len(seen), was_on=(first * step, min((last + 1) * step, measures.minutes)))


def _watched(alarm: Mapping[str, Any], measures: Measures) -> list[float | None]:
    """The values that an alarm evaluates, one for each period."""
    series = {name: measures.series(metric, alarm["period"]) for name, metric in metrics_of(dict(alarm)).items()}
    return compute(alarm.get("math", "metric"), series)
