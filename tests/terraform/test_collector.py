"""The collector takes metrics out of the log as CloudWatch does."""

import json
from datetime import UTC, datetime

import pytest

from service.aws.metrics import EmbeddedMetricFormat
from service.orders.metric import Metric
from tests.terraform.collector import parse_metrics

AT = datetime(2026, 1, 31, 9, 30, 0, 123000, UTC)


def written(*recorded):
    lines = []
    metrics = EmbeddedMetricFormat("SHOP", "staging", lambda: AT, lines.append)
    for metric, value, dimensions in recorded:
        metrics.record(metric, value, **dimensions)
    metrics.flush()
    return [each for line in lines for each in parse_metrics(line)]


def test_each_set_of_dimensions_is_its_own_metric():
    found = written((Metric.RECONCILER_INTERVENTIONS, 2, {"reason": "resent"}))
    assert [(namespace, data["MetricName"], data["Value"], data["Unit"]) for namespace, data in found] == [
        ("SHOP", "ReconcilerInterventions", 2, "Count")
    ] * 2
    environment, reason = {"Name": "environment", "Value": "staging"}, {"Name": "reason", "Value": "resent"}
    assert [data["Dimensions"] for _, data in found] == [[environment], [environment, reason]]
    assert {data["Timestamp"] for _, data in found} == {AT}


def test_a_list_of_values_is_counted_value_by_value():
    found = written((Metric.TIME_TO_FULFILL, 7, {}), (Metric.TIME_TO_FULFILL, 9, {}), (Metric.ORDERS_FULFILLED, 2, {}))
    values = {data["MetricName"]: (data.get("Value"), data.get("Values"), data["Unit"]) for _, data in found}
    assert values == {"TimeToFulfill": (None, [7, 9], "Milliseconds"), "OrdersFulfilled": (2, None, "Count")}


@pytest.mark.parametrize("line", ["", "START RequestId: 1", "[1]", "{", json.dumps({"message": "no _aws in here"})])
def test_other_lines_publish_nothing(line):
    assert not list(parse_metrics(line))
