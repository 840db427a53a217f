"""``dofs show``, ``watch``, ``list`` and ``cancel``."""

import time
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from service.cli import render
from service.cli.context import CommandContext, checked_id, paged
from service.cli.errors import CliError, ExitCode
from service.cli.options import duration
from service.cli.polling import is_at_its_end, pauses
from service.orders.lifecycle import Status

TheOrder = Annotated[str, typer.Argument(metavar="ORDER_ID", show_default=False, help="The order, such as ord_1f0e….")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("watch", epilog="dofs watch ord_1f0e6a1f0c6b4a63b7c1d0b2a9e8f7c6 --timeout 2m")(watch)
    app.command("show")(show)
    app.command("list", epilog="dofs list --customer cust_123\ndofs list --status FAILED --all")(list_orders)
    app.command("cancel")(cancel)


def show(ctx: typer.Context, order_id: TheOrder) -> None:
    """Show an order with its timeline."""
    context: CommandContext = ctx.obj
    _show(context, context.backend.order(checked_id(order_id)))


def cancel(ctx: typer.Context, order_id: TheOrder) -> None:
    """Cancel an order that fulfillment has not begun."""
    context: CommandContext = ctx.obj
    _show(context, context.backend.cancel(checked_id(order_id)))


def watch(
    ctx: typer.Context,
    order_id: TheOrder,
    timeout: Annotated[str, typer.Option(metavar="DURATION", help="How long to wait for its end.")] = "5m",
) -> None:
    """Follow an order's timeline to its end. Ends with 0 if it is FULFILLED, and with 1 otherwise."""
    context: CommandContext = ctx.obj
    checked_id(order_id)
    seen: set[tuple[object, ...]] = set()
    ends, gaps = time.monotonic() + duration("--timeout", timeout), pauses()
    while True:
        order = context.backend.order(order_id)
        for entry in order["timeline"]:
            key = tuple(entry.get(name) for name in ("at", "to", "actor", "reason"))
            if key not in seen:
                seen.add(key)
                _show_entry(context, order_id, entry)
        if is_at_its_end(order):
            break
        pause = gaps.within(ends)
        if pause is None:
            raise CliError(ExitCode.PARTLY, f"Order {order_id} is {order['status']} still, after {timeout}.")
        time.sleep(pause)
    if order["status"] != Status.FULFILLED:
        raise CliError(ExitCode.PARTLY, f"Order {order_id} ended as {order['status']}.", order.get("errors") or ())


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
    customer: Annotated[str | None, typer.Option(metavar="ID", help="The orders of a customer.")] = None,
    status: Annotated[Status | None, typer.Option(case_sensitive=False, help="The orders in a state.")] = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="How many, the newest first.")] = 20,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
) -> None:
    """List a customer's orders, or the orders in one state, newest first."""
    context: CommandContext = ctx.obj
    if (customer is None) == (status is None):
        raise CliError(ExitCode.USAGE, "Give either --customer or --status.")
    query = {"customer_id": checked_id(customer, "a customer")} if customer else {"status": str(status)}
    found = paged(context.backend.orders, "orders", query, None if everything else limit)
    if context.output.as_json:
        for order in found:
            context.output.json(order)
        return
    rows = [
        [
            render.cell(order.get("order_id")),
            render.status_cell(order.get("status")),
            order.get("customer_id"),
            render.amount(order),
            order.get("attempts"),
            render.moment(order.get("created_at")),
        ]
        for order in found
    ]
    if not rows:
        context.output.note("No orders.")
        return
    context.output.show(
        render.table(("order", "status", "customer", "amount", "attempts", "created (UTC)"), rows, (3, 4), (4, 3, 2))
    )


def _show(context: CommandContext, order: Mapping[str, Any]) -> None:
    if context.output.as_json:
        context.output.json(order)
    else:
        context.output.show(*render.order_parts(order))
