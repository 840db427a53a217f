"""The files behind Terraform's alarms, dashboard and saved queries, with the values of one deployment."""

from pathlib import Path
from string import Template
from typing import Any, NamedTuple

import yaml

from service.orders.metric import Metric
from service.orders.model import FailureKind
from tests.monitoring.documented import DOCUMENTED

ROOT = Path(__file__).parents[2]
OURS = "SHOP"
ENVIRONMENT = "staging"

RESOURCES = {
    "FunctionName": {"shop-orders-staging"},
    "ApiName": {"shop-orders-staging"},
    "Stage": {"staging"},
    "StateMachineArn": {"arn:aws:states:eu-west-1:123456789012:stateMachine:shop-order-processing-staging"},
    "QueueName": {"shop-fulfillment-staging", "shop-fulfillment-dlq-staging"},
    "TableName": {"shop-orders-staging", "shop-failed-orders-staging"},
    "GlobalSecondaryIndexName": {"by-status", "by-customer", "by-owner", "by-reference"},
    "TopicName": {"shop-alarms-staging"},
    "environment": {ENVIRONMENT},
    "reason": set(FailureKind),
    "Operation": {"GetItem", "BatchGetItem", "PutItem", "UpdateItem", "Query"},
}
"""The possible values of each dimension: the names of Terraform's resources."""

VALUES: dict[str, Any] = {
    "namespace": OURS,
    "environment": ENVIRONMENT,
    "function": "shop-orders-staging",
    "rest_api": "shop-orders-staging",
    "stage": "staging",
    "state_machine_arn": "arn:aws:states:eu-west-1:123456789012:stateMachine:shop-order-processing-staging",
    "queue": "shop-fulfillment-staging",
    "dead_letter_queue": "shop-fulfillment-dlq-staging",
    "orders_table": "shop-orders-staging",
    "failed_orders_table": "shop-failed-orders-staging",
    "alarm_topic": "shop-alarms-staging",
    "dlq_alert_threshold": 5,
    "queue_age_threshold": 900,
    "success_rate_floor": 90,
    "success_rate_minimum_orders": 20,
}


class Watched(NamedTuple):
    """A metric in an alarm or a widget."""

    namespace: str
    name: str
    dimensions: dict[str, str]
    statistic: str

    def is_known(self) -> bool:
        """Whether AWS documents the metric with exactly these dimensions, or the service publishes it with them."""
        if self.namespace != OURS:
            documented = DOCUMENTED[self.namespace].metrics.get(self.name, set())
            return frozenset(self.dimensions) in documented
        try:
            metric = Metric(self.name)
        except ValueError:
            return False
        further = {metric.dimension} if metric.dimension else set()
        return self.dimensions.keys() in ({"environment"}, {"environment"} | further)

    def is_duration(self) -> bool:
        """Whether the values are durations or ages, whose sum has no meaning."""
        ours = self.namespace == OURS and Metric(self.name).unit == "Milliseconds"
        return ours or self.name.endswith(("Latency", "Duration", "ExecutionTime", "OldestMessage"))

    def is_gauge(self) -> bool:
        """Whether the values are levels at an instant, whose sum has no meaning."""
        return self.name.startswith("ApproximateNumberOf") or self.name == "ConcurrentExecutions"

    def has_valid_statistic(self) -> bool:
        if self.is_duration() or self.is_gauge():
            return self.statistic in {"Maximum", "Average", "p50", "p95", "p99"}
        return self.statistic == "Sum" or (self.name == "5XXError" and self.statistic == "Average")


def load_file(file: str, **changes: Any) -> Any:
    """Read one of Terraform's files, with a value for each placeholder."""
    text = (ROOT / "terraform" / file).read_text()
    return yaml.safe_load(Template(text).substitute(VALUES | changes))


def alarms(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = load_file("alarms.yaml", **changes)
    return found


def metrics_of(alarm: dict[str, Any]) -> dict[str, Watched]:
    """The metrics of an alarm by id; the id is `metric` for an alarm without math."""
    metrics = alarm.get("metrics", {"metric": alarm.get("metric")})
    return {key: Watched(**metric) for key, metric in metrics.items()}


def widgets() -> list[dict[str, Any]]:
    return [widget for part in load_file("dashboard.yaml") for widget in part["widgets"]]


def lines(widget: dict[str, Any]) -> list[tuple[Watched, dict[str, Any]]]:
    """The metrics of a widget with their options, without expressions."""
    found = []
    for metric in widget.get("metrics", []):
        options = metric[-1] if isinstance(metric[-1], dict) else {}
        parts = metric[:-1] if options else metric
        if parts:
            names = dict(zip(parts[2::2], parts[3::2], strict=True))
            found.append((Watched(parts[0], parts[1], names, options.get("stat", widget.get("stat"))), options))
    return found


def expressions(widget: dict[str, Any]) -> list[dict[str, Any]]:
    return [metric[0] for metric in widget.get("metrics", []) if isinstance(metric[0], dict)]


def ids(widget: dict[str, Any]) -> list[str]:
    options = [given for _, given in lines(widget)] + expressions(widget)
    return [given["id"] for given in options if "id" in given]


def queries() -> dict[str, str]:
    found: dict[str, str] = yaml.safe_load((ROOT / "terraform" / "queries.yaml").read_text())
    return found
