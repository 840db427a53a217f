"""The benchmark's figures are compared with their floor, their target and the recorded run."""

import pytest

from tests.benchmarks import figures
from tests.benchmarks.__main__ import BEGIN, END, PAGE
from tests.benchmarks.figures import Figure


@pytest.mark.parametrize(
    ("figure", "reached"),
    [
        (Figure("1", "x", 40, "ms", 10, "floor", reach=5), True),
        (Figure("1", "x", 60, "ms", 10, "floor", reach=5), False),
        (Figure("3", "x", 250, "", reach=250), True),
        (Figure("9", "x", 39, "orders/s", reach=40, at_least=True), False),
        (Figure("9", "x", 41, "orders/s", reach=40, at_least=True), True),
        (Figure("8", "x", 5, ""), None),
    ],
)
def test_a_figure_reaches_its_target_or_not(figure, reached):
    assert figure.reached is reached


def test_only_figures_a_fifth_worse_than_recorded_are_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "RECORDED", tmp_path / "recorded.json")
    figures.record([Figure("1", "start", 50, "ms", 10), Figure("9", "embedded", 50, "orders/s", at_least=True)])
    assert [(each.row, each.compared) for each in figures.read_recorded()] == [("1", 5.0), ("9", 50)]
    assert figures.warnings([Figure("1", "start", 62, "ms", 10), Figure("1", "new", 9, "ms", 1)]) == []
    (warning,) = figures.warnings([Figure("1", "start", 70, "ms", 10)])
    assert warning == "1 start: 7, and 5 in the recorded run"
    assert figures.warnings([Figure("9", "embedded", 39, "orders/s", at_least=True)])
    assert figures.warnings([Figure("9", "embedded", 90, "orders/s", at_least=True)]) == []


def test_recording_replaces_the_same_rows_and_keeps_the_others(tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "RECORDED", tmp_path / "recorded.json")
    figures.record([Figure("9", "embedded", 50, "/s"), Figure("1", "start", 50, "ms", 10, "floor", "16 ×", 8)])
    kept = figures.record([Figure("9", "other", 40, "/s"), Figure("10", "compose", 2, "/s")])
    assert [(each.row, each.name) for each in kept] == [("1", "start"), ("9", "other"), ("10", "compose")]
    assert figures.read_recorded() == kept


def test_the_table_shows_the_comparison_of_each_figure():
    table = figures.table([Figure("1", "start", 500, "ms", 100, "floor", "16 ×", 8), Figure("8", "calls", 6, "")])
    assert table.splitlines()[2].split("|")[1:-1] == [
        " 1 ", " start    ", " 500 ms ", " floor: 100 ms ", " 5.00 × ", " 16 ×  ", " ≤ 8 × ", " reached "
    ]  # fmt: skip
    assert "calls" in table.splitlines()[3]


def test_the_page_shows_the_recorded_table():
    _, _, rest = PAGE.read_text().partition(BEGIN)
    assert rest.partition(END)[0].strip() == figures.table(figures.read_recorded())
