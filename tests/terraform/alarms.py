"""The alarms that Terraform made, as CloudWatch describes them; and the same for tests that cannot wait so long."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.system import Running

QUICKLY = 10  # seconds, the shortest period that there is

Metric = tuple[str, str, frozenset[tuple[str, str]]]
"""Namespace, name and dimensions."""


def name_of(system: Running, key: str) -> str:
    """An alarm's name by its key in ``terraform/alarms.yaml``."""
    return system.names.dead_letter_alarm.replace("dlq-depth", key)


def described(system: Running) -> dict[str, dict[str, Any]]:
    """All alarms by their names."""
    found = system.client("cloudwatch").describe_alarms()["MetricAlarms"]
    return {alarm["AlarmName"]: alarm for alarm in found}


def metrics_of(alarm: dict[str, Any]) -> set[Metric]:
    """The one that an alarm watches, or those that it computes with."""
    computed = [query["MetricStat"]["Metric"] for query in alarm.get("Metrics", []) if "MetricStat" in query]
    return {
        (each["Namespace"], each["MetricName"], frozenset((one["Name"], one["Value"]) for one in each["Dimensions"]))
        for each in computed or [alarm]
    }


@contextmanager
def quickened(system: Running, *keys: str) -> Iterator[None]:
    """Have some alarms look at 10 seconds instead of at minutes; all else about them stays as Terraform applied it.

    LocalStack looks at an alarm only once in all of its periods. It goes off when any of the last three is bad, so it
    comes back half a minute after the last that was.
    """
    cloudwatch = system.client("cloudwatch")
    taken = cloudwatch.meta.service_model.operation_model("PutMetricAlarm").input_shape.members
    alarms = described(system)
    applied = [{name: value for name, value in alarms[name_of(system, key)].items() if name in taken} for key in keys]
    try:
        for alarm in applied:
            quick = {name: value for name, value in alarm.items() if name != "DatapointsToAlarm"}
            cloudwatch.put_metric_alarm(**{**quick, "Period": QUICKLY, "EvaluationPeriods": 1})
        yield
    finally:
        for alarm in applied:
            cloudwatch.put_metric_alarm(**alarm)
