"""The figures of the benchmarks, each with a floor that was measured in the same run."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

RECORDED = Path(__file__).with_name("recorded.json")
DRIFT = 0.2
"""The tolerated worsening of a ratio against the recorded one, because machines are noisy."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table.

    Args:
        row: the number of the measurement.
        name: the name of the measured thing.
        value: the measured value, in ``unit``.
        unit: of ``value`` and ``base``.
        base: the value of the same run to compare with; None for a count.
        against: the name of the base.
        naive: the value of a naive design, as a ratio to the base if there is one.
        reach: the target: a ratio, or a value if there is no base.
        at_least: whether more is better.
    """

    row: str
    name: str
    value: float
    unit: str
    base: float | None = None
    against: str = ""
    naive: str = ""
    reach: float | None = None
    at_least: bool = False

    @property
    def ratio(self) -> float | None:
        return None if self.base is None else self.value / self.base

    @property
    def compared(self) -> float:
        """The number that is compared with ``reach`` and with the recorded run."""
        return self.value if self.ratio is None else self.ratio

    @property
    def reached(self) -> bool | None:
        """Whether the target is reached; None without a target."""
        if self.reach is None:
            return None
        return self.compared >= self.reach if self.at_least else self.compared <= self.reach

    def worse_than(self, recorded: float) -> bool:
        """Whether the figure is worse than the recorded one by more than ``DRIFT``."""
        better = self.compared / recorded if self.at_least else recorded / self.compared
        return better < 1 - DRIFT


HEAD = ("#", "measured", "value", "against", "ratio", "naive", "reach", "")


def table(figures: Sequence[Figure]) -> str:
    """Format the figures as a Markdown table."""
    rows = [HEAD, *(_cells(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def _cells(figure: Figure) -> tuple[str, ...]:
    unit = f" {figure.unit}" if figure.unit else ""
    sign = "≥" if figure.at_least else "≤"
    times = " ×" if figure.ratio is not None else ""
    return (
        figure.row,
        figure.name,
        f"{_short(figure.value)}{unit}",
        "–" if figure.base is None else f"{figure.against}: {_short(figure.base)}{unit}",
        "–" if figure.ratio is None else f"{figure.ratio:.2f} ×",
        figure.naive or "–",
        "–" if figure.reach is None else f"{sign} {_short(figure.reach)}{times}",
        {True: "reached", False: "not reached", None: ""}[figure.reached],
    )


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def read_recorded() -> list[Figure]:
    """Read the recorded figures, row by row."""
    return [Figure(**each) for each in json.loads(RECORDED.read_text())] if RECORDED.exists() else []


def warnings(figures: Sequence[Figure]) -> list[str]:
    """Write a line for each figure that is worse than in the recorded run by more than a fifth."""
    before = {(each.row, each.name): each.compared for each in read_recorded()}
    return [
        f"{each.row} {each.name}: {each.compared:.3g}, and {before[each.row, each.name]:.3g} in the recorded run"
        for each in figures
        if before.get((each.row, each.name)) and each.worse_than(before[each.row, each.name])
    ]


def record(figures: Sequence[Figure]) -> list[Figure]:
    """Record figures in place of those of the same rows; returns all recorded figures."""
    rows = {figure.row for figure in figures}
    kept = [*(each for each in read_recorded() if each.row not in rows), *figures]
    kept.sort(key=lambda each: int(each.row))
    RECORDED.write_text(json.dumps([asdict(each) for each in kept], indent=1, ensure_ascii=False) + "\n")
    return kept
