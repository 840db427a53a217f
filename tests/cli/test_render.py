"""Output for a terminal: escaped texts, and tables that fit its width."""

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
def test_an_escaped_text_is_printable(text):
    assert escape(text).isprintable()
    assert escape(text) == text or not text.isprintable()


def test_a_narrow_table_omits_optional_columns_and_keeps_ids_whole(monkeypatch, capsys):
    wide, narrow, tiny = (shown(width, monkeypatch, capsys) for width in (PIPE_WIDTH, 80, 50))
    assert all(part in wide for part in ROW)
    assert ROW[0] in narrow
    assert ROW[1] not in narrow
    assert ROW[2] in narrow
    assert ROW[0] in tiny
    assert ROW[2] not in tiny


def test_a_count_that_is_not_exact_has_a_plus_sign():
    assert format_count({"count": 2000, "exact": False}) == "2,000+"
    assert format_count({"count": 2000, "exact": True}) == "2,000"


def test_the_statistics_of_an_idle_system_are_shown(capsys):
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
        "brake": {"since": "2026-01-31T09:02:05.000Z", "probe_at": "2026-01-31T09:32:30.000Z"},
        "last_hour": {**hour, "minutes": [{"fulfilled": 0, "failed": 0}] * 60},
    }
    create_console().print(*render_stats(taken))
    told = capsys.readouterr().out
    assert "2,000+" in told
    assert "Oldest open order: ord_1, PENDING for 2 min 5 s." in told
    assert "The warehouse has taken nothing for 30 min 0 s; orders wait as PENDING." in told
    del taken["brake"]  # as in the answer of an older version
    create_console().print(*render_stats(taken))
    assert "The warehouse has taken nothing" not in capsys.readouterr().out


@pytest.mark.parametrize(("counts", "line"), [([0, 1, 7], "▁▂█"), ([0, 0], "▁▁"), ([], "")])
def test_the_bars_of_a_sparkline_are_proportional_to_the_counts(counts, line):
    assert sparkline(counts) == line
