"""What CloudWatch does with the function's log, which LocalStack leaves undone: it takes the metrics out of it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from tests.compose.stack import Stack

Published = tuple[str, dict[str, Any]]
"""A namespace, and what PutMetricData takes for it."""

AT_ONCE = 1000
"""What one call of PutMetricData takes."""

ERASE = "\x1b[2K"
"""What ``docker compose logs`` writes before a line, or before another, however it comes."""


def published(line: str) -> Iterator[Published]:
    """What a line of the log publishes by the specification of the embedded metric format.

    Each directive publishes each of its metrics under each of its sets of dimensions. A line of another kind does
    nothing.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    document = _document(line)
    described = document.get("_aws", {})
    for directive in described.get("CloudWatchMetrics", []):
        for names in directive["Dimensions"]:
            for metric in directive["Metrics"]:
                value = document[metric["Name"]]
                yield (
                    directive["Namespace"],
                    {
                        "MetricName": metric["Name"],
                        "Dimensions": [{"Name": name, "Value": document[name]} for name in names],
                        "Timestamp": datetime.fromtimestamp(described["Timestamp"] / 1000, UTC),
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
    """Publishes the metrics that the containers of a stack's function have written since the collector was made."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._cloudwatch = stack.client("cloudwatch")
        self._since = datetime.now(UTC).isoformat()
        self._taken: set[str] = set()

    def collect(self) -> None:
        """Publish what has come since the last time, each line once."""
        wanted: dict[str, list[dict[str, Any]]] = {}
        for line in self._new_lines():
            for namespace, data in published(line[line.find("{") :]):
                wanted.setdefault(namespace, []).append(data)
        for namespace, data in wanted.items():
            for first in range(0, len(data), AT_ONCE):
                self._cloudwatch.put_metric_data(Namespace=namespace, MetricData=data[first : first + AT_ONCE])

    def _new_lines(self) -> list[str]:
        """Lines with the name of their container and the time, to the nanosecond, so that no two are the same."""
        text = self._stack.compose("logs", "--timestamps", "--no-color", "--since", self._since, "lambda")
        lines = [line for line in text.replace(ERASE, "").splitlines() if '"_aws"' in line]
        new = [line for line in lines if line not in self._taken]
        self._taken.update(new)
        return new
