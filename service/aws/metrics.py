"""Metrics as lines of the log, from which CloudWatch takes them: no call, and nothing to wait for."""

import json
from collections.abc import Callable
from datetime import datetime

from service.orders.metric import Metric

NAMESPACE = "DOFS"


class EmbeddedMetricFormat:
    """Counts in CloudWatch's embedded metric format, one JSON object per line.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """

    def __init__(self, environment: str, now: Callable[[], datetime], write: Callable[[str], object]) -> None:
        self._environment = environment
        self._now = now
        self._write = write

    def count(self, metric: Metric, amount: int = 1, **dimensions: str) -> None:
        described = {
            "Namespace": NAMESPACE,
            "Dimensions": [["environment", *metric.dimensions]],
            "Metrics": [{"Name": str(metric), "Unit": "Count"}],
        }
        line = {
            "_aws": {"Timestamp": int(self._now().timestamp() * 1000), "CloudWatchMetrics": [described]},
            "environment": self._environment,
            **{name: dimensions[name] for name in metric.dimensions},
            str(metric): amount,
        }
        self._write(json.dumps(line) + "\n")
