"""Draws the lines of a widget as an SVG chart with axes, grid, lines or areas, and annotations."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from tests.dashboard.lines import Line

WIDTH, HEIGHT = 356, 158
LEFT, RIGHT, TOP, BOTTOM = 42, 8, 18, 20
TICKS_OF_TIME = 10  # minutes between two ticks
STARTS = 9 * 60  # minutes after midnight
Point = tuple[float, float]


@dataclass(frozen=True)
class Scale:
    """The coordinates of minutes and values."""

    minutes: int
    least: float
    most: float
    step: float

    def x(self, minute: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * minute / self.minutes, 1)

    def y(self, value: float) -> float:
        share = (value - self.least) / (self.most - self.least)
        return round(HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * min(1.0, max(0.0, share)), 1)

    @property
    def ticks(self) -> list[float]:
        return [self.least + number * self.step for number in range(round((self.most - self.least) / self.step) + 1)]


def chart(widget: Mapping[str, Any], lines: Sequence[Line], minutes: int, unit: str) -> str:
    """The chart of a widget."""
    marks = widget.get("annotations", {}).get("horizontal", [])
    tops = _stacked(lines) if widget.get("stacked") else [line.values for line in lines]
    values = [value for each in tops for value in each if value is not None]
    axis = widget.get("yAxis", {}).get("left", {})
    scale = make_scale(minutes, axis, [*values, *(mark["value"] for mark in marks)])
    parts = [*_axes(scale, unit)]
    if widget.get("stacked"):
        parts += reversed([*_areas(tops, lines, scale)])  # lower areas cover the edges of empty ones
    else:
        parts += [_line(line.color, line_points(line.values, scale)) for line in lines]
    parts += [_mark(mark, scale) for mark in marks]
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">{"".join(parts)}</svg>'


def make_scale(minutes: int, axis: Mapping[str, float], values: Sequence[float]) -> Scale:
    """A scale with round numbers that covers every value, unless the axis has limits."""
    least = axis.get("min", 0)
    most = axis.get("max", max([*values, least]) * 1.05)
    if most <= least:
        return Scale(minutes, least, least + 1, 0.5)
    rough = (most - least) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    return Scale(minutes, least, least + step * math.ceil((most - least) / step - 0.001), step)


def line_points(values: Sequence[float | None], scale: Scale) -> list[list[Point]]:
    """The points of a line, in runs without gaps."""
    period = scale.minutes / len(values)
    runs: list[list[Point]] = [[]]
    for place, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((scale.x(place * period), scale.y(value)))
    return [run for run in runs if run]


def clock(minute: int) -> str:
    """The label of a minute on the axis."""
    return f"{(STARTS + minute) // 60:02}:{(STARTS + minute) % 60:02}"


def number(value: float) -> str:
    """The label of a number on the axis."""
    if value >= 10_000:
        return f"{value / 1000:g}k"
    return f"{value:,.4g}" if value < 1000 else f"{value:,.0f}"


def _axes(scale: Scale, unit: str) -> Iterator[str]:
    yield f'<text x="2" y="9" class="unit">{escape(unit)}</text>'
    for value in scale.ticks:
        y = scale.y(value)
        kind = "base" if value == scale.least else "grid"
        yield f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" class="{kind}"/>'
        yield f'<text x="{LEFT - 5}" y="{y + 3.5}" class="tick end">{number(value)}</text>'
    for minute in range(0, scale.minutes + 1, TICKS_OF_TIME):
        x, y = scale.x(minute), HEIGHT - BOTTOM
        align, beside = ("end", 4) if minute == scale.minutes else ("middle", 0)
        yield f'<line x1="{x}" x2="{x}" y1="{y}" y2="{y + 3}" class="base"/>'
        yield f'<text x="{x + beside}" y="{HEIGHT - 5}" class="tick {align}">{clock(minute)}</text>'


def _line(color: str, runs: Sequence[Sequence[Point]]) -> str:
    """Draw a line. A point between two gaps is a dot."""
    strokes = "".join(f"M{_path(run)}" for run in runs if len(run) > 1)
    dots = "".join(f'<circle cx="{x}" cy="{y}" r="2"/>' for run in runs if len(run) == 1 for x, y in run)
    path = f'<path d="{strokes}"/>' if strokes else ""
    return f'<g class="line" style="--color:{escape(color)}">{path}{dots}</g>' if runs else ""


def _areas(tops: Sequence[Sequence[float | None]], lines: Sequence[Line], scale: Scale) -> Iterator[str]:
    """Draw stacked areas, the first at the bottom. An area without values is not drawn."""
    below: Sequence[float | None] = [0.0] * len(tops[0])
    for top, line in zip(tops, lines, strict=True):
        if any(value is not None for value in line.values):
            (upper,), (lower,) = line_points(top, scale), line_points(below, scale)
            yield (
                f'<g class="line area" style="--color:{escape(line.color)}">'
                f'<path class="fill" d="M{_path(upper)}L{_path(lower[::-1])}Z"/><path d="M{_path(upper)}"/></g>'
            )
        below = top


def _stacked(lines: Sequence[Line]) -> list[list[float | None]]:
    """The upper edge of each line's area. A missing value counts as 0 in a stack."""
    edge = [0.0] * len(lines[0].values)
    tops: list[list[float | None]] = []
    for line in lines:
        edge = [below + (value or 0.0) for below, value in zip(edge, line.values, strict=True)]
        tops.append(list(edge))
    return tops


def _mark(mark: Mapping[str, Any], scale: Scale) -> str:
    y, color = scale.y(mark["value"]), escape(mark.get("color", "#b0382f"))
    beside = y + 12 if y < TOP + 20 else y - 5
    text = escape(f"{mark['label']}: {mark['value']}")
    return (
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" class="mark" style="--color:{color}"/>'
        f'<text x="{LEFT + 4}" y="{beside}" class="mark" style="--color:{color}">{text}</text>'
    )


def _path(points: Sequence[Point]) -> str:
    return "L".join(f"{x},{y}" for x, y in points)
