"""Renders the dashboard as HTML: the layout of dashboard.tf, with a chart for each widget of dashboard.yaml."""

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from tests.dashboard.chart import WIDTH, chart, clock
from tests.dashboard.lines import lines_of, unit_of
from tests.dashboard.measures import Measures
from tests.dashboard.states import State

PAGE = """\
<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{title}</title><style>{style}</style>
<header><h1>{title}</h1><span>{times}</span></header>
<main>{parts}</main>
<footer>{footer}</footer>
</html>
"""
STYLE = Path(__file__).with_name("drawing.css")
PADDING = 12  # of a card, at each side


def page(
    title: str, parts: Iterable[Mapping[str, Any]], measures: Measures, alarms: Sequence[State], footer: str
) -> str:
    """The whole dashboard in HTML.

    Args:
        title: the name of the dashboard.
        parts: the parts of dashboard.yaml, with a value for each placeholder.
        measures: the values for the charts.
        alarms: the states for the alarm widget.
        footer: the text about the source of the values.
    """
    return PAGE.format(
        title=escape(title),
        style=STYLE.read_text().replace("CARD", f"{WIDTH + 2 * PADDING}px").replace("PADDING", f"{PADDING}px"),
        times=f"{clock(0)} – {clock(measures.minutes)}",
        parts="".join(_part(part, measures, alarms) for part in parts),
        footer=escape(footer),
    )


def _part(part: Mapping[str, Any], measures: Measures, alarms: Sequence[State]) -> str:
    cards = "".join(
        _alarms(widget, alarms) if "alarms" in widget else _metrics(widget, measures) for widget in part["widgets"]
    )
    return f'<section class="heading"><h2>{escape(part["heading"])}</h2><p>{escape(part["text"])}</p></section>{cards}'


def _metrics(widget: Mapping[str, Any], measures: Measures) -> str:
    lines = lines_of(widget, measures)
    legend = "".join(f'<li><i style="--color:{escape(line.color)}"></i>{escape(line.label)}</li>' for line in lines)
    drawn = chart(widget, lines, measures.minutes, unit_of(widget))
    return _card(widget, f"{drawn}<ul class='legend'>{legend}</ul>")


def _alarms(widget: Mapping[str, Any], alarms: Sequence[State]) -> str:
    rows = f"--rows:{math.ceil(len(alarms) / 2)}"
    return _card(widget, f'<ul class="alarms" style="{rows}">{"".join(map(_alarm, alarms))}</ul>')


def _alarm(state: State) -> str:
    kind = "on" if state.on else "off"
    when = f"{clock(state.was_on[0])}–{clock(state.was_on[1])}" if state.was_on else ""
    was = f"<em>{when}</em>" if when else ""
    return f"<li class='{kind}{' was' if when else ''}'><b>{escape(state.name)}</b>{was}</li>"


def _card(widget: Mapping[str, Any], inside: str) -> str:
    return f'<section class="card"><h3>{escape(widget["title"])}</h3>{inside}</section>'
