"""Reads the alarms that Terraform created, and shortens their periods for tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.system import Running

SHORTEST_PERIOD = 10  # seconds, CloudWatch's minimum

Metric = tuple[str, str, frozenset[tuple[str, str]]]
"""Namespace, name and dimensions."""


def name_of(system: Running, key: str) -> str:
    """Return an alarm's name by its key in ``terraform/alarms.yaml``."""
    return system.names.dead_letter_alarm.replace("dlq-depth", key)


def describe_alarms(system: Running) -> dict[str, dict[str, Any]]:
    """Read all alarms, by name."""
    found = system.client("cloudwatch").describe_alarms()["MetricAlarms"]
    return {alarm["AlarmName"]: alarm for alarm in found}


def metrics_of(alarm: dict[str, Any]) -> set[Metric]:
    """Return the metric of a simple alarm, or all metrics of an alarm on metric math."""
    computed = [query["MetricStat"]["Metric"] for query in alarm.get("Metrics", []) if "MetricStat" in query]
    return {
        (each["Namespace"], each["MetricName"], frozenset((one["Name"], one["Value"]) for one in each["Dimensions"]))
        for each in computed or [alarm]
    }


@contextmanager
def speed_up(system: Running, *keys: str) -> Iterator[None]:
    """Give alarms a period of 10 seconds, and restore them at the end. All other settings are Terraform's.

    LocalStack evaluates an alarm once per evaluation window, so each window is a single period. An alarm is on while
    one of the last three periods breaches, so it returns to OK half a minute after the last breach.
    """
    cloudwatch = system.client("cloudwatch")
    parameters = cloudwatch.meta.service_model.operation_model("PutMetricAlarm").input_shape.members
    alarms = describe_alarms(system)
    applied = [
        {name: value for name, value in alarms[name_of(system, key)].items() if name in parameters} for key in keys
    ]
    try:
        for alarm in applied:
            quick = {name: value for name, value in alarm.items() if name != "DatapointsToAlarm"}
            cloudwatch.put_metric_alarm(**{**quick, "Period": SHORTEST_PERIOD, "EvaluationPeriods": 1})
        yield
    finally:
        for alarm in applied:
            cloudwatch.put_metric_alarm(**alarm)
