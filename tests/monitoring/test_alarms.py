"""Each alarm watches existing metrics, and its description says what to do."""

import re

import pytest

from tests.monitoring import expressions
from tests.monitoring.documented import DOCUMENTED
from tests.monitoring.watched import OURS, RESOURCES, ROOT, VALUES, alarms, metrics_of

ALARMS = alarms()
METRICS = [(name, key) for name, alarm in ALARMS.items() for key in metrics_of(alarm)]
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
SECTIONS = dict(re.findall(r"^## ([a-z0-9-]+)\n(.*?)(?=^## |\Z)", RUNBOOK, re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize(("name", "key"), METRICS)
def test_an_alarm_watches_a_published_metric_with_its_dimensions(name, key):
    metric = metrics_of(ALARMS[name])[key]
    assert metric.namespace in {OURS, *DOCUMENTED}
    assert metric.is_known(), f"{metric} is not published"


@pytest.mark.parametrize(("name", "key"), METRICS)
def test_the_dimensions_of_an_alarm_name_resources_of_terraform(name, key):
    for dimension, value in metrics_of(ALARMS[name])[key].dimensions.items():
        assert value in RESOURCES[dimension]


@pytest.mark.parametrize(("name", "key"), METRICS)
def test_the_statistic_of_an_alarm_fits_its_metric(name, key):
    assert metrics_of(ALARMS[name])[key].has_valid_statistic()


@pytest.mark.parametrize(("name", "key"), METRICS)
def test_only_an_average_has_a_threshold_below_one(name, key):
    assert (ALARMS[name]["threshold"] < 1) == (metrics_of(ALARMS[name])[key].statistic == "Average")


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_has_every_field(name):
    alarm = ALARMS[name]
    of_one = {"description", "metric", "period", "periods", "comparison", "threshold", "missing"}
    of_several = of_one - {"metric"} | {"metrics", "math", "label"}
    assert alarm.keys() - {"breaching"} in (of_one, of_several)
    assert alarm["period"] in (60, 300, 3600)
    assert 1 <= alarm.get("breaching", alarm["periods"]) <= alarm["periods"]


@pytest.mark.parametrize("name", [name for name, alarm in ALARMS.items() if "math" in alarm])
def test_the_expression_of_an_alarm_uses_its_metrics(name):
    alarm = ALARMS[name]
    assert expressions.names(alarm["math"]) == alarm["metrics"].keys()
    assert all(re.fullmatch(r"[a-z]\w*", key) for key in alarm["metrics"])


@pytest.mark.parametrize("name", ALARMS)
def test_the_description_names_the_first_action_and_the_runbook(name):
    said = ALARMS[name]["description"]
    assert re.search(r"\. First: .+", said)
    assert said.endswith(f" Runbook: docs/runbook.md#{name}")
    assert len(said) <= 1024, "CloudWatch limits a description to 1,024 characters"
    assert len(alarms(queue_age_threshold=216_000, success_rate_minimum_orders=1_000_000)[name]["description"]) <= 1024


def test_the_runbook_has_one_section_for_each_alarm():
    assert list(SECTIONS) == list(ALARMS), "docs/runbook.md has one section for each alarm, in the order of alarms.yaml"


@pytest.mark.parametrize("name", ALARMS)
def test_a_section_of_the_runbook_has_every_heading_and_a_command(name):
    for question in ("It means", "It does not mean", "Look first", "Do", "It clears"):
        assert f"**{question}" in SECTIONS[name], f"docs/runbook.md#{name} has no paragraph: {question}"
    assert "```sh" in SECTIONS[name], f"docs/runbook.md#{name} has no command"


@pytest.mark.parametrize("name", ALARMS)
def test_a_section_of_the_runbook_names_the_metrics(name):
    for metric in metrics_of(ALARMS[name]).values():
        assert f"`{metric.name}`" in SECTIONS[name]


@pytest.mark.parametrize("namespace", DOCUMENTED)
def test_documented_metrics_name_their_source(namespace):
    assert DOCUMENTED[namespace].source.startswith("https://docs.aws.amazon.com/")


def test_terraform_has_a_value_for_each_placeholder():
    watched = re.search(r"^  watched = \{\n(.*?)^  \}", (ROOT / "terraform" / "alarms.tf").read_text(), re.M | re.S)
    assert watched
    assert set(re.findall(r"^    (\w+) +=", watched[1], re.MULTILINE)) == VALUES.keys()
