"""Metrics as CloudWatch takes them from the log."""

import json

import pytest

from service.aws.metrics import EmbeddedMetricFormat
from service.orders.metric import Metric
from tests.support import START


def lines(*counts):
    """What is written for some counts."""
    written = []
    metrics = EmbeddedMetricFormat("dev", lambda: START, written.append)
    for metric, amount, dimensions in counts:
        metrics.count(metric, amount, **dimensions)
    assert all(line.endswith("\n") and line.count("\n") == 1 for line in written)
    return [json.loads(line) for line in written]


def test_a_count_is_one_line_in_the_embedded_metric_format():
    (line,) = lines((Metric.RECONCILER_INTERVENTIONS, 2, {"reason": "resent"}))
    described = {
        "Namespace": "DOFS",
        "Dimensions": [["environment", "reason"]],
        "Metrics": [{"Name": "ReconcilerInterventions", "Unit": "Count"}],
    }
    assert line == {
        "_aws": {"Timestamp": 1769851800123, "CloudWatchMetrics": [described]},
        "environment": "dev",
        "reason": "resent",
        "ReconcilerInterventions": 2,
    }


@pytest.mark.parametrize("metric", Metric)
def test_every_metric_has_its_value_and_all_its_dimensions_beside_it(metric):
    (line,) = lines((metric, 1, dict.fromkeys(metric.dimensions, "x")))
    (described,) = line["_aws"]["CloudWatchMetrics"]
    (dimensions,) = described["Dimensions"]
    assert set(line) == {"_aws", *dimensions, str(metric)}
    assert len(dimensions) <= 30
