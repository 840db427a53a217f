"""``dofs show``, ``watch``, ``list`` and ``cancel``."""

import time
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from service.cli import render
from service.cli.backend import check_id, paginate
from service.cli.context import CommandContext
from service.cli.errors import CliError, ExitCode
from service.cli.options import OrderId, duration_option
from service.cli.polling import Backoff, is_terminal
from service.orders.lifecycle import Status


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("watch", epilog="dofs watch ord_1f0e6a1f0c6b4a63b7c1d0b2a9e8f7c6 --timeout 2m")(watch)
    app.command("show")(show)
    app.command("list", epilog="dofs list --customer cust_123\ndofs list --status FAILED --all")(list_orders)
    app.command("cancel")(cancel)


def show(ctx: typer.Context, order_id: OrderId) -> None:
    """Show an order with its timeline."""
    context: CommandContext = ctx.obj
    _show_order(context, context.backend.order(check_id(order_id)))


def cancel(ctx: typer.Context, order_id: OrderId) -> None:
    """Cancel an order, or ask the warehouse to cancel it if it may have the order.

    The exit code is 0 if the order is CANCELLED or its cancellation was asked for, and 6 if it is too late.
    """
    context: CommandContext = ctx.obj
    order = context.backend.cancel(check_id(order_id))
    _show_order(context, order)
    if is_terminal(order):
        context.output.note(f"Order {order_id} is cancelled.")
    else:
        context.output.note(
            f"Order {order_id}: the cancellation was asked for. The warehouse may have the order, and decides: "
            f"run `dofs watch {order_id}`."
        )


def watch(
    ctx: typer.Context,
    order_id: OrderId,
    timeout: Annotated[
        str, typer.Option(metavar="DURATION", help="Stop after this time, if the order is still open.")
    ] = "5m",
) -> None:
    """Show an order's timeline as it grows, until the order reaches a terminal state.

    The exit code is 0 if the order is FULFILLED, and 1 otherwise.
    """
    context: CommandContext = ctx.obj
    check_id(order_id)
    seen: set[tuple[object, ...]] = set()
    deadline, backoff = time.monotonic() + duration_option("--timeout", timeout), Backoff()
    while True:
        order = context.backend.order(order_id)
        for entry in order["timeline"]:
            key = tuple(entry.get(name) for name in ("at", "to", "actor", "reason"))
            if key not in seen:
                seen.add(key)
                _show_entry(context, order_id, entry)
        if is_terminal(order):
            break
        pause = backoff.next_pause(deadline)
        if pause is None:
            raise CliError(ExitCode.INCOMPLETE, f"Order {order_id} is still {order['status']} after {timeout}.")
        time.sleep(pause)
    if order["status"] != Status.FULFILLED:
        raise CliError(ExitCode.INCOMPLETE, f"Order {order_id} is {order['status']}.", order.get("errors") or ())


def _show_entry(context: CommandContext, order_id: str, entry: Mapping[str, Any]) -> None:
    if context.output.as_json:
        context.output.json({"order_id": order_id, **entry})
        return
    from rich.text import Text

    target = str(entry.get("to"))
    text = Text.assemble(
        render.cell(entry.get("at"), "dim"),
        "  ",
        render.cell(f"{target:<10}", render.STYLES.get(target, render.OPEN_STYLE)),
        "  ",
        render.cell(entry.get("actor")),
    )
    if entry.get("reason"):
        text.append("  ").append_text(render.cell(entry["reason"]))
    context.output.show(text)


def list_orders(
    ctx: typer.Context,
    customer: Annotated[str | None, typer.Option(metavar="ID", help="List the orders of this customer.")] = None,
    status: Annotated[Status | None, typer.Option(case_sensitive=False, help="List the orders in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="List at most N orders.")] = 20,
    everything: Annotated[bool, typer.Option("--all", help="List all orders.")] = False,
) -> None:
    """List a customer's orders, or the orders in one state, newest first."""
    context: CommandContext = ctx.obj
    if (customer is None) == (status is None):
        raise CliError(ExitCode.USAGE, "Give either --customer or --status.")
    query = {"customer_id": check_id(customer, "a customer")} if customer else {"status": str(status)}
    found = paginate(context.backend.orders, "orders", query, None if everything else limit)
    if context.output.as_json:
        for order in found:
            context.output.json(order)
        return
    rows = [
        [
            render.cell(order.get("order_id")),
            render.status_cell(order.get("status")),
            order.get("customer_id"),
            render.format_amount(order),
            order.get("attempts"),
            render.format_instant(order.get("created_at")),
        ]
        for order in found
    ]
    if not rows:
        context.output.note("No orders.")
        return
    headings = ("order", "status", "customer", "amount", "attempts", "created (UTC)")
    context.output.show(render.table(headings, rows, numbers=(3, 4), optional=(4, 3, 2)))


def _show_order(context: CommandContext, order: Mapping[str, Any]) -> None:
    if context.output.as_json:
        context.output.json(order)
    else:
        context.output.show(*render.render_order(order))
