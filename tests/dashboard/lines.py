"""The lines of a widget of dashboard.yaml, with measured values."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from service.orders.metric import Metric
from tests.dashboard.measures import MINUTE, Measures
from tests.monitoring.expressions import compute
from tests.monitoring.watched import Watched
from tests.monitoring.watched import lines as metrics_of

COLORS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f")
MILLISECONDS = ("Latency", "Duration", "ExecutionTime")


class Line(NamedTuple):
    label: str
    color: str
    values: list[float | None]


def lines_of(widget: Mapping[str, Any], measures: Measures) -> list[Line]:
    """The visible lines, in the widget's order."""
    found: list[Line] = []
    for options, default, values in _all(dict(widget), measures):
        if options.get("visible", True):
            color = options.get("color", COLORS[len(found) % len(COLORS)])
            found.append(Line(options.get("label", default), color, values))
    return found


def _all(widget: dict[str, Any], measures: Measures) -> Iterator[tuple[dict[str, Any], str, list[float | None]]]:
    """The options, the default label and the values of each line."""
    period = widget.get("period", MINUTE)
    metrics = [
        (options, metric.name, measures.series(metric, options.get("period", period)))
        for metric, options in metrics_of(widget)
    ]
    by_id = {options["id"]: values for options, _, values in metrics if "id" in options}
    plain = iter(metrics)
    for metric in widget["metrics"]:
        if isinstance(metric[0], dict):
            yield metric[0], metric[0]["expression"], compute(metric[0]["expression"], by_id)
        else:
            yield next(plain)


def unit_of(widget: Mapping[str, Any]) -> str:
    """The text of the axis: its label, and the units of its metrics."""
    axis = widget.get("yAxis", {}).get("left", {})
    units = {_unit(metric) for metric, _ in metrics_of(dict(widget))} if axis.get("showUnits", True) else set()
    return " ".join([*filter(None, [axis.get("label")]), *sorted(units)])


def _unit(metric: Watched) -> str:
    if metric.name in set(Metric):
        return Metric(metric.name).unit
    if metric.name.endswith(MILLISECONDS):
        return "Milliseconds"
    return "Seconds" if metric.name.endswith("OldestMessage") else "Count"
