"""The dashboard shows existing metrics, and every metric of the service."""

import re

import pytest

from service.orders.callbacks import Verdict
from service.orders.metric import Metric
from service.orders.model import FailureKind
from service.steps.reconcile import COUNTED
from tests.monitoring import expressions
from tests.monitoring.documented import DOCUMENTED
from tests.monitoring.watched import OURS, RESOURCES, alarms, lines, load_file, metrics_of, widgets
from tests.monitoring.watched import expressions as expressions_of
from tests.monitoring.watched import ids as ids_of

WIDGETS = {widget["title"]: widget for widget in widgets()}
LINES = [(title, place) for title, widget in WIDGETS.items() for place in range(len(lines(widget)))]
REASONS = {
    Metric.ATTEMPTS_FAILED: {str(kind) for kind in FailureKind} - {"closed", "cancelled"},  # a part was shipped
    Metric.RECONCILER_INTERVENTIONS: set(COUNTED),
    Metric.WAREHOUSE_EVENTS: {*Verdict, "unsigned", "malformed"},
}


def shown_metrics():
    return [metric for widget in WIDGETS.values() for metric, _ in lines(widget)]


def test_the_dashboard_has_sections_for_business_and_operations():
    assert [part["heading"] for part in load_file("dashboard.yaml")] == ["Business", "Operations"]
    assert len(WIDGETS) == len(widgets()), "two widgets have the same title"


@pytest.mark.parametrize(("title", "place"), LINES)
def test_each_line_shows_a_published_metric(title, place):
    metric, _ = lines(WIDGETS[title])[place]
    assert metric.namespace in {OURS, *DOCUMENTED}
    assert metric.is_known(), f"{metric} is not published"
    assert metric.has_valid_statistic()


@pytest.mark.parametrize(("title", "place"), LINES)
def test_each_line_names_a_resource_of_terraform(title, place):
    metric, _ = lines(WIDGETS[title])[place]
    for dimension, value in metric.dimensions.items():
        if dimension == "reason":
            assert value in REASONS[Metric(metric.name)]
        else:
            assert value in RESOURCES[dimension]


@pytest.mark.parametrize("metric", Metric)
def test_every_metric_of_the_service_is_shown_for_each_reason(metric):
    found = [each for each in shown_metrics() if (each.namespace, each.name) == (OURS, metric)]
    assert found, "add a line to terraform/dashboard.yaml"
    if metric.dimension:
        assert {each.dimensions.get(metric.dimension) for each in found} == REASONS[metric]


@pytest.mark.parametrize("name", alarms())
def test_the_metrics_of_each_alarm_are_shown(name):
    def without_reason(metric):
        return metric.namespace, metric.name, {**metric.dimensions, "reason": ""}

    found = [without_reason(metric) for metric in shown_metrics()]
    for metric in metrics_of(alarms()[name]).values():
        assert without_reason(metric) in found


@pytest.mark.parametrize("title", [title for title, widget in WIDGETS.items() if expressions_of(widget)])
def test_an_expression_uses_the_ids_of_its_widget(title):
    known = ids_of(WIDGETS[title])
    assert len(set(known)) == len(known)
    for each in expressions_of(WIDGETS[title]):
        assert expressions.names(each["expression"]) <= set(known) - {each["id"]}


def test_the_success_rate_is_computed_as_in_its_alarm():
    (rate,) = expressions_of(WIDGETS["Success rate over five minutes"])
    plain, watched = (
        re.sub(r"FILL\((\w+), 0\)", r"\1", math) for math in (rate["expression"], alarms()["success-rate"]["math"])
    )
    assert plain in watched
    assert WIDGETS["Success rate over five minutes"]["period"] == alarms()["success-rate"]["period"]


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Dead-letter queue: depth", "dlq-depth"),
        ("Queue: age of the oldest message", "queue-age"),
        ("Success rate over five minutes", "success-rate"),
    ],
)
def test_a_line_is_drawn_at_the_threshold_of_the_alarm(title, name):
    (line,) = WIDGETS[title]["annotations"]["horizontal"]
    assert line["value"] == alarms()[name]["threshold"]


def test_one_widget_shows_the_state_of_all_alarms():
    assert [title for title, widget in WIDGETS.items() if "alarms" in widget] == ["Alarms"]
