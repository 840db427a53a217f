"""``dofs failed``: list and show failed orders."""

from typing import Annotated

import typer

from service.cli import render
from service.cli.backend import check_id, paginate
from service.cli.context import CommandContext
from service.cli.options import After, Before, OrderId, Reason, failed_orders_query
from service.cli.order_view import render_order

MAY_BE_SHIPPED = (
    "It may have been shipped. Send it again under the same number (safe):",
    "  dofs redrive {order_id} --note WHY",
    "It never shipped: cancel the old delivery at the warehouse, and send a new one:",
    "  dofs redrive {order_id} --new-delivery --note WHY",
)

app = typer.Typer(help="List and show failed orders.", no_args_is_help=True)


@app.command("list", epilog="dofs failed list --reason declined --after 2h")
def list_failed(
    ctx: typer.Context,
    reason: Reason = None,
    after: After = None,
    before: Before = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="Show at most N orders.")] = 20,
    everything: Annotated[bool, typer.Option("--all", help="Show all orders.")] = False,
) -> None:
    """List failed orders, newest first."""
    context: CommandContext = ctx.obj
    query = failed_orders_query(reason, after, before)
    found = paginate(context.backend.failed_orders, "failed_orders", query, None if everything else limit)
    if context.output.as_json:
        for failed in found:
            context.output.json(failed)
        return
    names = ("order_id", "reason", "failed_at", "attempts", "epoch", "customer_id", "reference", "detail")
    rows = [
        [render.format_instant(failed[name]) if name == "failed_at" else failed.get(name) for name in names]
        for failed in found
    ]
    if not rows:
        context.output.note("No failed orders.")
        return
    headings = ("order", "reason", "failed at (UTC)", "attempts", "redrives", "customer", "reference", "detail")
    context.output.show(render.table(headings, rows, numbers=(3, 4), optional=(5, 4, 3, 6)))


@app.command("show")
def show_failed(ctx: typer.Context, order_id: OrderId) -> None:
    """Show why an order failed, with its timeline and its message in the dead-letter queue."""
    context: CommandContext = ctx.obj
    failed = context.backend.failed_order(check_id(order_id))
    if context.output.as_json:
        context.output.json(failed)
        return
    facts = [
        (name.replace("_", " "), failed.get(name)) for name in ("reason", "detail", "failed_at", "epoch", "message_id")
    ]
    context.output.show(*render_order(failed["order"]), render.cell(""), render.table(("failure", ""), facts))
    if (failed["order"].get("delivery") or {}).get("asked"):
        for line in MAY_BE_SHIPPED:
            context.output.note(line.format(order_id=order_id))
