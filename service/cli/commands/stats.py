"""``dofs stats``: how the system does."""

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli import durations, render
from service.cli.context import CommandContext
from service.cli.errors import CliError, ExitCode
from service.cli.options import duration

if TYPE_CHECKING:
    from rich.console import RenderableType

BLOCKS = "▁▂▃▄▅▆▇█"


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("stats", epilog="dofs stats --watch --every 5s")(stats)


def stats(
    ctx: typer.Context,
    watch: Annotated[bool, typer.Option("--watch", help="Show it again and again, until Ctrl-C.")] = False,
    every: Annotated[str, typer.Option(metavar="DURATION", help="With --watch: the time between two looks.")] = "2s",
) -> None:
    """Show how many orders stand where, how the last hour went, and what waits."""
    context: CommandContext = ctx.obj
    gap = duration("--every", every)
    if gap < 0.1:
        raise CliError(ExitCode.USAGE, "--every takes 100ms or more.")
    if not watch:
        _once(context, context.backend.stats())
        return
    if context.output.as_json or not render.console().is_terminal:
        while True:
            _once(context, context.backend.stats())
            time.sleep(gap)
    from rich.console import Group
    from rich.live import Live

    with Live(console=render.console(), screen=True, auto_refresh=False) as live:
        while True:
            live.update(Group(*parts(context.backend.stats())), refresh=True)
            time.sleep(gap)


def _once(context: CommandContext, taken: Mapping[str, Any]) -> None:
    if context.output.as_json:
        context.output.json(taken)
    else:
        context.output.show(*parts(taken))


def parts(taken: Mapping[str, Any]) -> "list[RenderableType]":
    """The figures, side by side where there is room."""
    from rich.columns import Columns
    from rich.panel import Panel

    orders = [[render.status_cell(status), render.count_text(count)] for status, count in taken["orders"].items()]
    failed = [[reason, render.count_text(count)] for reason, count in taken["failed"].items()]
    queues = [
        [called, taken[name]["visible"], taken[name]["in_flight"]]
        for called, name in (("fulfillment", "queue"), ("dead letters", "dead_letter_queue"))
    ]
    panels = [
        Panel(render.table(("", ""), orders, (1,)), title="Orders", title_align="left"),
        Panel(render.table(("", ""), failed, (1,)), title="Failed", title_align="left"),
        Panel(render.table(("", "waiting", "in flight"), queues, (1, 2)), title="Queues", title_align="left"),
        Panel(render.table(("", ""), _last_hour(taken)), title="The last hour", title_align="left"),
    ]
    return [Columns(panels), render.cell(_oldest(taken)), render.cell(f"at {taken['at']}", "dim")]


def _last_hour(taken: Mapping[str, Any]) -> list[tuple[str, object]]:
    hour = taken["last_hour"]
    rate, took = hour["success_rate"], hour["seconds_to_fulfillment"]
    rows: list[tuple[str, object]] = [
        ("fulfilled", hour["fulfilled"]),
        ("failed", hour["failed"]),
        ("success", "–" if rate is None else f"{float(rate):.1%}"),
    ]
    if took:
        shown = " / ".join(durations.shown(float(took[name])) for name in ("p50", "p95", "p99"))
        rows.append(("p50 / p95 / p99", f"{shown}  ({took['orders']} orders)"))
    ended = [minute["fulfilled"] + minute["failed"] for minute in hour["minutes"]]
    rows.append(("each 2 min", sparkline([sum(ended[start : start + 2]) for start in range(0, len(ended), 2)])))
    rows.append(("since", hour["since"]))
    return rows


def _oldest(taken: Mapping[str, Any]) -> str:
    oldest = taken["oldest_open"]
    if oldest is None:
        return "No order is open."
    waited = durations.shown(max(0.0, durations.between(oldest["since"], taken["at"])))
    return f"Oldest open order: {oldest['order_id']}, {oldest['status']} for {waited}."


def sparkline(counts: Sequence[int]) -> str:
    """Counts as bars of one line."""
    most = max(counts, default=0)
    return "".join(BLOCKS[round((len(BLOCKS) - 1) * count / most)] if most else BLOCKS[0] for count in counts)
