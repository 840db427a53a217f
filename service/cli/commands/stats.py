"""``dofs stats``: show the statistics of the system."""

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli import render
from service.cli.context import CommandContext
from service.cli.durations import format_duration, seconds_between
from service.cli.errors import CliError, ExitCode
from service.cli.options import duration_option

if TYPE_CHECKING:
    from rich.console import RenderableType

BLOCKS = "▁▂▃▄▅▆▇█"


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("stats", epilog="dofs stats --watch --every 5s")(stats)


def stats(
    ctx: typer.Context,
    watch: Annotated[bool, typer.Option("--watch", help="Repeat until Ctrl-C.")] = False,
    every: Annotated[str, typer.Option(metavar="DURATION", help="With --watch: wait this long between two.")] = "2s",
) -> None:
    """Show the number of orders in each state, the last hour, and the pending messages."""
    context: CommandContext = ctx.obj
    pause = duration_option("--every", every)
    if pause < 0.1:
        raise CliError(ExitCode.USAGE, "--every takes 100ms or more.")
    if not watch:
        _show(context, context.backend.stats())
        return
    if context.output.as_json or not render.create_console().is_terminal:
        while True:
            _show(context, context.backend.stats())
            time.sleep(pause)
    from rich.console import Group
    from rich.live import Live

    with Live(console=render.create_console(), screen=True, auto_refresh=False) as live:
        while True:
            live.update(Group(*render_stats(context.backend.stats())), refresh=True)
            time.sleep(pause)


def _show(context: CommandContext, view: Mapping[str, Any]) -> None:
    if context.output.as_json:
        context.output.json(view)
    else:
        context.output.show(*render_stats(view))


def render_stats(view: Mapping[str, Any]) -> "list[RenderableType]":
    """Render the statistics as panels, side by side if there is room."""
    from rich.columns import Columns
    from rich.panel import Panel

    orders = [[render.status_cell(status), render.format_count(count)] for status, count in view["orders"].items()]
    failed = [[reason, render.format_count(count)] for reason, count in view["failed"].items()]
    queues = [
        [heading, view[name]["visible"], view[name]["in_flight"]]
        for heading, name in (("fulfillment", "queue"), ("dead-letter", "dead_letter_queue"))
    ]
    panels = [
        Panel(render.table(("", ""), orders, numbers=(1,)), title="Orders", title_align="left"),
        Panel(render.table(("", ""), failed, numbers=(1,)), title="Failed", title_align="left"),
        Panel(render.table(("", "pending", "in flight"), queues, numbers=(1, 2)), title="Queues", title_align="left"),
        Panel(render.table(("", ""), _last_hour_rows(view)), title="Last hour", title_align="left"),
    ]
    notes = [_oldest_open_text(view), *_brake_text(view)]
    return [Columns(panels), *map(render.cell, notes), render.cell(f"at {view['at']}", "dim")]


def _last_hour_rows(view: Mapping[str, Any]) -> list[tuple[str, object]]:
    hour = view["last_hour"]
    rate, seconds = hour["success_rate"], hour["seconds_to_fulfillment"]
    rows: list[tuple[str, object]] = [
        ("fulfilled", hour["fulfilled"]),
        ("failed", hour["failed"]),
        ("success", "–" if rate is None else f"{float(rate):.1%}"),
    ]
    if seconds:
        percentiles = " / ".join(format_duration(float(seconds[name])) for name in ("p50", "p95", "p99"))
        rows.append(("p50 / p95 / p99", f"{percentiles}  ({seconds['orders']} orders)"))
    counts = [minute["fulfilled"] + minute["failed"] for minute in hour["minutes"]]
    rows.append(("each 2 min", sparkline([sum(counts[start : start + 2]) for start in range(0, len(counts), 2)])))
    rows.append(("since", hour["since"]))
    return rows


def _brake_text(view: Mapping[str, Any]) -> list[str]:
    brake = view.get("brake")  # an older version has none
    if brake is None:
        return []
    age = format_duration(max(0.0, seconds_between(brake["since"], view["at"])))
    return [f"The warehouse has taken nothing for {age}; orders wait as PENDING."]


def _oldest_open_text(view: Mapping[str, Any]) -> str:
    oldest = view["oldest_open"]
    if oldest is None:
        return "No order is open."
    age = format_duration(max(0.0, seconds_between(oldest["since"], view["at"])))
    return f"Oldest open order: {oldest['order_id']}, {oldest['status']} for {age}."


def sparkline(counts: Sequence[int]) -> str:
    """Return a line of one bar for each count."""
    most = max(counts, default=0)
    return "".join(BLOCKS[round((len(BLOCKS) - 1) * count / most)] if most else BLOCKS[0] for count in counts)
