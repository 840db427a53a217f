"""The drawing of the dashboard shows every widget of dashboard.yaml with its measured values."""

from xml.etree import ElementTree

import pytest

from tests.dashboard.chart import line_points, make_scale
from tests.dashboard.drawing import page
from tests.dashboard.lines import lines_of
from tests.dashboard.measures import Measures, statistic
from tests.dashboard.states import State, states
from tests.monitoring.watched import OURS, VALUES, Watched, alarms, expressions, lines, load_file, metrics_of

MINUTES = 20
PARTS = load_file("dashboard.yaml")
WIDGETS = [widget for part in PARTS for widget in part["widgets"]]
ALARMS = alarms()
SHOWN = [metric for widget in WIDGETS for metric, _ in lines(widget)]
METRICS = {(metric.namespace, metric.name, *metric.dimensions.items()): metric for metric in SHOWN}.values()


def measured(*metrics, minutes=(3, 4, 10), value=7):
    """Measures with a value of each metric in some minutes."""
    measures = Measures(MINUTES)
    for metric in metrics:
        for minute in minutes:
            measures.add(minute + 0.5, metric.namespace, metric.name, value, **metric.dimensions)
    return measures


def drawn(measures, parts=PARTS, seen=()):
    """The drawing as an XML tree, which unescaped text would make invalid."""
    text = page("shop-staging", parts, measures, seen, "a footer")
    return ElementTree.fromstring(text[text.index("<main>") : text.index("</main>") + len("</main>")])  # noqa: S314


def cards(tree):
    return {card.findtext("h3"): card for card in tree.iter("section") if card.get("class") == "card"}


def legend(card):
    return ["".join(entry.itertext()) for entry in card.findall("ul[@class='legend']/li")]


def drawn_lines(card):
    return [group for group in card.iter("g") if group.get("class", "").startswith("line")]


def visible(widget):
    given = [options for _, options in lines(widget)] + expressions(widget)
    return [options["label"] for options in given if options.get("visible", True)]


@pytest.fixture(scope="module")
def full():
    """A drawing in which each metric has data."""
    return drawn(measured(*METRICS))


def test_each_section_has_its_heading_and_text(full):
    headings = [section for section in full if section.get("class") == "heading"]
    found = [(section.findtext("h2"), section.findtext("p")) for section in headings]
    assert found == [(part["heading"], part["text"]) for part in PARTS]


def test_each_widget_is_drawn_in_the_order_of_the_file(full):
    assert list(cards(full)) == [widget["title"] for widget in WIDGETS]


@pytest.mark.parametrize("widget", WIDGETS, ids=lambda widget: widget["title"])
def test_a_widget_has_a_line_for_each_label(full, widget):
    card = cards(full)[widget["title"]]
    assert sorted(legend(card)) == sorted(visible(widget))
    assert len(drawn_lines(card)) == len(visible(widget))
    said = [text.text for text in card.iter("text")]
    for mark in widget.get("annotations", {}).get("horizontal", []):
        assert f"{mark['label']}: {mark['value']}" in said


@pytest.mark.parametrize("widget", [each for each in WIDGETS if "metrics" in each], ids=lambda widget: widget["title"])
def test_a_line_without_data_is_only_in_the_legend(widget):
    card = cards(drawn(Measures(MINUTES)))[widget["title"]]
    assert len(legend(card)) == len(visible(widget))
    assert drawn_lines(card) == []


def test_a_single_value_is_drawn_as_a_dot():
    card = cards(drawn(measured(*METRICS, minutes=[5])))["Dead-letter queue: depth"]
    (line,) = drawn_lines(card)
    assert [each.tag for each in line] == ["circle"]


def test_texts_of_a_widget_are_escaped():
    unruly = "</text><script>alert(1)</script> & \"'"
    metric = Watched(OURS, "OrdersStored", {"environment": "staging"}, "Sum")
    widget = {
        "title": unruly,
        "stat": "Sum",
        "yAxis": {"left": {"label": unruly}},
        "annotations": {"horizontal": [{"label": unruly, "value": 3}]},
        "metrics": [[OURS, "OrdersStored", "environment", "staging", {"label": unruly, "color": '"><script>'}]],
    }
    part = {"heading": unruly, "text": unruly, "widgets": [widget, {"title": "Alarms", "alarms": True}]}
    tree = drawn(measured(metric), [part], [State(unruly, on=True, was_on=(3, 4))])
    assert not list(tree.iter("script"))
    assert legend(cards(tree)[unruly]) == [unruly]
    assert tree.findtext(".//b") == unruly
    assert f"{unruly} Count" in [text.text for text in tree.iter("text")]


def test_an_expression_is_computed_over_its_own_period():
    (widget,) = (each for each in WIDGETS if expressions(each))
    (line,) = lines_of(widget, measured(*METRICS, minutes=[1, 2, 11]))
    assert line.values == [50, None, 50, None]


def test_areas_are_stacked():
    (widget,) = (each for each in WIDGETS if each["title"] == "Failed attempts, by reason")
    card = cards(drawn(measured(*METRICS, minutes=range(MINUTES))))[widget["title"]]
    heights = [float(line.findall("path")[1].get("d").split(",")[-1]) for line in drawn_lines(card)]
    assert len(set(heights)) == len(heights) == len(widget["metrics"])


def test_missing_values_leave_a_gap_in_the_line():
    assert [len(run) for run in line_points([1, 2, None, 3, None], make_scale(5, {}, [1, 2, 3]))] == [2, 1]


@pytest.mark.parametrize("values", [[0, 0], [0.02], [3, 17], [99], [123_456], []])
def test_a_scale_covers_every_value_with_a_few_ticks(values):
    scale = make_scale(10, {}, values)
    assert scale.least <= min([*values, 0]) <= max([*values, 0]) <= scale.most
    assert 3 <= len(scale.ticks) <= 7


@pytest.mark.parametrize(
    ("name", "expected"), [("Sum", 10), ("Maximum", 4), ("Average", 2.5), ("p50", 2.5), ("p100", 4), ("p0", 1)]
)
def test_a_statistic_is_computed_by_its_name(name, expected):
    assert statistic(name, [3, 1, 4, 2]) == expected


def test_an_alarm_is_shown_with_the_times_it_was_active():
    metric = metrics_of(ALARMS["dlq-depth"])["metric"]
    measures = measured(metric, minutes=[3, 4, 5], value=VALUES["dlq_alert_threshold"])
    for minute in range(6, MINUTES):
        measures.add(minute, metric.namespace, metric.name, 0, **metric.dimensions)
    seen = states(ALARMS, measures)
    assert [state for state in seen if state.name == "dlq-depth"] == [State("dlq-depth", on=False, was_on=(4, 7))]
    assert {state.name for state in seen if state.on} == {"reconciler-silent"}
    card = cards(drawn(measures, seen=seen))["Alarms"]
    entries = {entry.findtext("b"): (entry.get("class"), entry.findtext("em")) for entry in card.iter("li")}
    assert list(entries) == list(ALARMS)
    assert entries["dlq-depth"] == ("off was", "09:04–09:07")
    assert entries["reconciler-silent"][0] == "on was"
    assert entries["api-5xx"] == ("off", None)
