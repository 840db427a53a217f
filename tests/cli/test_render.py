"""What stands in a terminal: only what can do no harm, and as much as there is room for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.cli.commands.stats import render_stats, sparkline
from service.cli.render import PIPE_WIDTH, Output, create_console, escape, format_count, table

HEADINGS = ("order", "customer", "status", "detail")
ROW = ("ord_" + "1" * 32, "c" * 40, "[red]FAILED[/]", "the warehouse declined")


def shown(width, monkeypatch, capsys):
    monkeypatch.setattr("service.cli.render.PIPE_WIDTH", width)
    monkeypatch.setenv("COLUMNS", str(width))
    Output(as_json=False).show(table(HEADINGS, [ROW], optional=(1, 2)))
    return capsys.readouterr().out


@given(st.text())
def test_a_text_has_nothing_left_that_a_terminal_would_obey(text):
    assert escape(text).isprintable()
    assert escape(text) == text or not text.isprintable()


def test_a_table_leaves_out_what_is_expendable_and_never_breaks_an_id(monkeypatch, capsys):
    wide, narrow, tiny = (shown(width, monkeypatch, capsys) for width in (PIPE_WIDTH, 80, 50))
    assert all(part in wide for part in ROW)
    assert ROW[0] in narrow
    assert ROW[1] not in narrow
    assert ROW[2] in narrow
    assert ROW[0] in tiny
    assert ROW[2] not in tiny


def test_a_count_that_is_not_exact_is_told_as_at_least():
    assert format_count({"count": 2000, "exact": False}) == "2,000+"
    assert format_count({"count": 2000, "exact": True}) == "2,000"


def test_figures_of_a_system_that_has_done_nothing_are_shown(capsys):
    nothing = {"visible": 0, "in_flight": 0}
    hour = {"since": "…", "fulfilled": 0, "failed": 0, "success_rate": None, "seconds_to_fulfillment": None}
    oldest = {"order_id": "ord_1", "status": "PENDING", "since": "2026-01-31T09:30:00.000Z"}
    taken = {
        "at": "2026-01-31T09:32:05.000Z",
        "orders": {"FULFILLED": {"count": 2000, "exact": False}},
        "failed": {},
        "oldest_open": oldest,
        "queue": nothing,
        "dead_letter_queue": nothing,
        "last_hour": {**hour, "minutes": [{"fulfilled": 0, "failed": 0}] * 60},
    }
    create_console().print(*render_stats(taken))
    told = capsys.readouterr().out
    assert "2,000+" in told
    assert "Oldest open order: ord_1, PENDING for 2 min 5 s." in told


@pytest.mark.parametrize(("counts", "line"), [([0, 1, 7], "▁▂█"), ([0, 0], "▁▁"), ([], "")])
def test_a_sparkline_is_as_high_as_its_counts(counts, line):
    assert sparkline(counts) == line
