"""``dofs failed``: the orders that failed for good."""

from typing import Annotated

import typer

from service.cli import render
from service.cli.commands.orders import TheOrder
from service.cli.context import CommandContext, checked_id, paged
from service.cli.options import TheAfter, TheBefore, TheReason, failed_filter

app = typer.Typer(help="List and inspect the orders that failed for good.", no_args_is_help=True)


@app.command("list", epilog="dofs failed list --reason declined --after 2h")
def list_failed(
    ctx: typer.Context,
    reason: TheReason = None,
    after: TheAfter = None,
    before: TheBefore = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="How many, the newest first.")] = 20,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
) -> None:
    """List failed orders, newest first."""
    context: CommandContext = ctx.obj
    query = failed_filter(reason, after, before)
    found = paged(context.backend.failed_orders, "failed_orders", query, None if everything else limit)
    if context.output.as_json:
        for failed in found:
            context.output.json(failed)
        return
    names = ("order_id", "reason", "failed_at", "attempts", "epoch", "customer_id", "detail")
    rows = [
        [render.moment(failed[name]) if name == "failed_at" else failed[name] for name in names] for failed in found
    ]
    if not rows:
        context.output.note("No failed orders.")
        return
    headings = ("order", "reason", "failed at (UTC)", "attempts", "redriven", "customer", "detail")
    context.output.show(render.table(headings, rows, (3, 4), (5, 4, 3)))


@app.command("show")
def show_failed(ctx: typer.Context, order_id: TheOrder) -> None:
    """Show why an order failed, its whole story, and its message in the dead-letter queue."""
    context: CommandContext = ctx.obj
    failed = context.backend.failed_order(checked_id(order_id))
    if context.output.as_json:
        context.output.json(failed)
        return
    facts = [
        (name.replace("_", " "), failed.get(name)) for name in ("reason", "detail", "failed_at", "epoch", "message_id")
    ]
    context.output.show(*render.order_parts(failed["order"]), render.cell(""), render.table(("failure", ""), facts))
