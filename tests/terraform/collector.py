"""Publishes the metrics in the function's log. CloudWatch does this on AWS; LocalStack does not."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from tests.compose.stack import Stack

Published = tuple[str, dict[str, Any]]
"""A namespace, and an entry of ``MetricData`` for PutMetricData."""

AT_ONCE = 1000
"""Maximum number of entries for one call of PutMetricData."""

ERASE = "\x1b[2K"
"""An escape sequence that ``docker compose logs`` may write before any line."""


def parse_metrics(line: str) -> Iterator[Published]:
    """Parse the metrics in a log line by the specification of the embedded metric format.

    Each directive publishes each of its metrics with each of its sets of dimensions. Other lines have no metrics.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    document = _document(line)
    metadata = document.get("_aws", {})
    for directive in metadata.get("CloudWatchMetrics", []):
        for names in directive["Dimensions"]:
            for metric in directive["Metrics"]:
                value = document[metric["Name"]]
                yield (
                    directive["Namespace"],
                    {
                        "MetricName": metric["Name"],
                        "Dimensions": [{"Name": name, "Value": document[name]} for name in names],
                        "Timestamp": datetime.fromtimestamp(metadata["Timestamp"] / 1000, UTC),
                        "Unit": metric.get("Unit", "None"),
                        "StorageResolution": metric.get("StorageResolution", 60),
                        **({"Values": value} if isinstance(value, list) else {"Value": value}),
                    },
                )


def _document(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


class Collector:
    """Publishes the metrics that a function's containers have logged since the collector was created."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._cloudwatch = stack.client("cloudwatch")
        self._since = datetime.now(UTC).isoformat()
        self._taken: set[str] = set()

    def collect(self) -> None:
        """Publish the metrics of new lines, each line once."""
        wanted: dict[str, list[dict[str, Any]]] = {}
        for line in self._new_lines():
            for namespace, data in parse_metrics(line[line.find("{") :]):
                wanted.setdefault(namespace, []).append(data)
        for namespace, data in wanted.items():
            for first in range(0, len(data), AT_ONCE):
                self._cloudwatch.put_metric_data(Namespace=namespace, MetricData=data[first : first + AT_ONCE])

    def _new_lines(self) -> list[str]:
        """Read new lines. Each has its container's name and the time in nanoseconds, so all lines differ."""
        text = self._stack.compose("logs", "--timestamps", "--no-color", "--since", self._since, "lambda")
        lines = [line for line in text.replace(ERASE, "").splitlines() if '"_aws"' in line]
        new = [line for line in lines if line not in self._taken]
        self._taken.update(new)
        return new
