"""Metrics are written to the log in CloudWatch's embedded metric format, and are valid by its schema."""

import json

import pytest
from jsonschema import Draft7Validator
from jsonschema.exceptions import ValidationError

from service.aws.metrics import EmbeddedMetricFormat
from service.orders.metric import Metric, page
from tests.support import START

DOCUMENT = {
    "type": "object",
    "title": "Root Node",
    "required": ["_aws"],
    "properties": {
        "_aws": {
            "$id": "#/properties/_aws",
            "type": "object",
            "title": "Metadata",
            "required": ["Timestamp", "CloudWatchMetrics"],
            "properties": {
                "Timestamp": {"type": "integer", "title": "The Timestamp Schema", "examples": [1565375354953]},
                "CloudWatchMetrics": {
                    "type": "array",
                    "title": "MetricDirectives",
                    "items": {
                        "type": "object",
                        "title": "MetricDirective",
                        "required": ["Namespace", "Dimensions", "Metrics"],
                        "properties": {
                            "Namespace": {"type": "string", "pattern": "^(.*)$", "minLength": 1, "maxLength": 1024},
                            "Dimensions": {
                                "type": "array",
                                "minItems": 1,
                                "items": {
                                    "type": "array",
                                    "minItems": 0,
                                    "maxItems": 30,
                                    "items": {
                                        "type": "string",
                                        "pattern": "^(.*)$",
                                        "minLength": 1,
                                        "maxLength": 250,
                                    },
                                },
                            },
                            "Metrics": {
                                "type": "array",
                                "items": {
                                    "type": "object",
                                    "required": ["Name"],
                                    "minLength": 1,
                                    "maxLength": 1024,
                                    "properties": {
                                        "Name": {"type": "string", "pattern": "^(.*)$"},
                                        "Unit": {
                                            "type": "string",
                                            "pattern": "^(Seconds|Microseconds|Milliseconds|Bytes|Count|Percent|None)$",
                                        },
                                        "StorageResolution": {"type": "integer", "enum": [1, 60]},
                                    },
                                },
                            },
                        },
                    },
                },
            },
        }
    },
}
"""The schema of the specification, limited to the units in use.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""


def check(document):
    """Check a document against the schema and against the rules that the specification states in words."""
    Draft7Validator(DOCUMENT).validate(document)
    for directive in document["_aws"]["CloudWatchMetrics"]:
        assert len(directive["Metrics"]) <= 100
        for metric in directive["Metrics"]:
            values = document[metric["Name"]]
            values = values if isinstance(values, list) else [values]
            assert 0 < len(values) <= 100
            assert all(type(value) in (int, float) for value in values)
        for name in {name for dimensions in directive["Dimensions"] for name in dimensions}:
            assert isinstance(document[name], str)
            assert 0 < len(document[name]) <= 1024


def lines(*recorded):
    """The documents that are written for some records."""
    written = []
    metrics = EmbeddedMetricFormat("DOFS", "dev", lambda: START, written.append)
    for metric, value, *reason in recorded:
        metrics.record(metric, value, **({"reason": reason[0]} if reason else {}))
    assert not written, "metrics are written at the flush, not before"
    metrics.flush()
    once = len(written)
    metrics.flush()
    assert len(written) == once, "a second flush writes nothing"
    assert all(line.endswith("\n") and line.count("\n") == 1 for line in written)
    documents = [json.loads(line) for line in written]
    for document in documents:
        check(document)
    return documents


def test_counts_of_one_invocation_are_one_line():
    (line,) = lines((Metric.ORDERS_FULFILLED, 1), (Metric.ORDERS_FULFILLED, 1), (Metric.TIME_TO_FULFILL, 412))
    described = {
        "Namespace": "DOFS",
        "Dimensions": [["environment"]],
        "Metrics": [{"Name": "OrdersFulfilled", "Unit": "Count"}, {"Name": "TimeToFulfill", "Unit": "Milliseconds"}],
    }
    assert line == {
        "_aws": {"Timestamp": 1769851800123, "CloudWatchMetrics": [described]},
        "environment": "dev",
        "OrdersFulfilled": 2,
        "TimeToFulfill": 412,
    }


def test_a_metric_with_reasons_is_published_in_total_and_by_reason():
    resent, restarted = lines(
        (Metric.RECONCILER_INTERVENTIONS, 2, "resent"), (Metric.RECONCILER_INTERVENTIONS, 1, "restarted")
    )
    assert resent["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["environment"], ["environment", "reason"]]
    assert (resent["reason"], resent["ReconcilerInterventions"]) == ("resent", 2)
    assert (restarted["reason"], restarted["ReconcilerInterventions"]) == ("restarted", 1)


def test_durations_are_listed_one_by_one_with_at_most_a_hundred_in_a_line():
    first, second = lines(*((Metric.TIME_TO_FULFILL, value) for value in range(150)), (Metric.ORDERS_FULFILLED, 150))
    assert (first["TimeToFulfill"], first["OrdersFulfilled"]) == ([*range(100)], 150)
    assert (second["TimeToFulfill"], "OrdersFulfilled" in second) == ([*range(100, 150)], False)


@pytest.mark.parametrize("metric", Metric)
def test_every_metric_is_valid_by_the_specification(metric):
    (line,) = lines((metric, 1, *(["x"] if metric.dimension else [])))
    assert line[str(metric)] == 1


def test_the_schema_refuses_an_unknown_unit():
    (line,) = lines((Metric.ORDERS_STORED, 1))
    line["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Unit"] = "Orders"
    with pytest.raises(ValidationError):
        check(line)


def test_recording_metrics_never_raises_when_the_log_cannot_be_written(caplog):
    def broken(line):
        raise BrokenPipeError

    metrics = EmbeddedMetricFormat("DOFS", "dev", lambda: START, broken)
    metrics.record(Metric.ORDERS_STORED)
    metrics.flush()
    assert caplog.messages == ["metrics not written: BrokenPipeError"]


def test_the_page_of_the_metrics_names_each_with_its_unit():
    for metric in Metric:
        assert f"| `{metric}` | {metric.unit} | {metric.meaning} |" in page()
