"""Writes metrics to the log in CloudWatch's embedded metric format (EMF), which needs no API call."""

import json
import logging
from collections.abc import Callable
from datetime import datetime
from threading import Lock

from service.orders.metric import Metric

log = logging.getLogger(__name__)

_encode = json.JSONEncoder(separators=(",", ":")).encode

MOST_VALUES = 100
"""The number of values that the specification allows for one metric of a document."""


class EmbeddedMetricFormat:
    """Collects metrics and writes them as EMF documents, one line for most invocations.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """

    def __init__(
        self, namespace: str, environment: str, now: Callable[[], datetime], write: Callable[[str], object]
    ) -> None:
        self._namespace = namespace
        self._environment = environment
        self._now = now
        self._write = write
        self._lock = Lock()
        self._recorded: dict[tuple[tuple[str, str], ...], dict[Metric, list[int]]] = {}

    def record(self, metric: Metric, value: int = 1, **dimensions: str) -> None:
        key = tuple(dimensions.items())
        with self._lock:
            values = self._recorded.setdefault(key, {}).setdefault(metric, [])
            if metric.unit == "Count" and values:
                values[0] += value
            else:
                values.append(value)

    def flush(self) -> None:
        with self._lock:
            recorded, self._recorded = self._recorded, {}
        for key, metrics in recorded.items():
            while metrics:
                self._write_line(key, {metric: values[:MOST_VALUES] for metric, values in metrics.items()})
                left = ((metric, values[MOST_VALUES:]) for metric, values in metrics.items())
                metrics = {metric: values for metric, values in left if values}

    def _write_line(self, key: tuple[tuple[str, str], ...], metrics: dict[Metric, list[int]]) -> None:
        try:
            self._write(self._line(key, metrics))
        except Exception as error:  # a lost metric must not fail the invocation
            log.warning("metrics not written: %s", type(error).__name__)

    def _line(self, key: tuple[tuple[str, str], ...], metrics: dict[Metric, list[int]]) -> str:
        base = ["environment"]
        described = {
            "Namespace": self._namespace,
            "Dimensions": [base, [*base, *(name for name, _ in key)]] if key else [base],
            "Metrics": [{"Name": str(metric), "Unit": metric.unit} for metric in metrics],
        }
        line = {
            "_aws": {"Timestamp": int(self._now().timestamp() * 1000), "CloudWatchMetrics": [described]},
            "environment": self._environment,
            **dict(key),
            **{str(metric): values if len(values) > 1 else values[0] for metric, values in metrics.items()},
        }
        return _encode(line) + "\n"
