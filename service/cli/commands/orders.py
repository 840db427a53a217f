"""``dofs show``, ``watch``, ``list`` and ``cancel``."""

import time
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from service.cli import render
from service.cli.backend import check_id, check_name, paginate
from service.cli.context import CommandContext
from service.cli.errors import CliError, ExitCode
from service.cli.options import OrderId, duration_option
from service.cli.order_view import format_amount, render_order
from service.cli.polling import Backoff, is_terminal
from service.orders.lifecycle import Status


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("watch", epilog="dofs watch ord_1f0e6a1f0c6b4a63b7c1d0b2a9e8f7c6 --timeout 2m")(watch)
    app.command("show")(show)
    app.command(
        "list", epilog="dofs list --customer cust_123\ndofs list --reference '#1001'\ndofs list --status FAILED --all"
    )(list_orders)
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
    reference: Annotated[
        str | None,
        typer.Option(metavar="REF", help="List the orders with this order number of the shop; only your own orders."),
    ] = None,
    owner: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="With --aws and --reference: the caller of the API who submitted the orders, such as api_key:ID.",
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="List at most N orders.")] = 20,
    everything: Annotated[bool, typer.Option("--all", help="List all orders.")] = False,
) -> None:
    """List a customer's orders, the orders in one state, or with one reference, newest first."""
    context: CommandContext = ctx.obj
    query = _query(context, customer, status, reference, owner)
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
            order.get("reference"),
            format_amount(order),
            order.get("attempts"),
            render.format_instant(order.get("created_at")),
        ]
        for order in found
    ]
    if not rows:
        own = (
            " The API finds a reference among the orders that you have submitted."
            if reference and not context.aws
            else ""
        )
        context.output.note(f"No orders.{own}")
        return
    headings = ("order", "status", "customer", "reference", "amount", "attempts", "created (UTC)")
    context.output.show(render.table(headings, rows, numbers=(4, 5), optional=(5, 4, 2, 3)))


def _query(
    context: CommandContext, customer: str | None, status: Status | None, reference: str | None, owner: str | None
) -> dict[str, str]:
    """Return the filter of a list of orders.

    Raises:
        CliError: the options do not select one list.
    """
    if [customer, status, reference].count(None) != 2:
        raise CliError(ExitCode.USAGE, "Give one of --customer, --status and --reference.")
    if owner is not None and not (context.aws and reference is not None):
        raise CliError(ExitCode.USAGE, "--owner needs --aws and --reference: the API lists your own orders.")
    if customer is not None:
        return {"customer_id": check_name("--customer", customer)}
    if reference is None:
        return {"status": str(status)}
    query = {"reference": check_name("--reference", reference)}
    if owner is not None and not owner.isprintable():
        raise CliError(ExitCode.USAGE, f"--owner '{render.escape(owner)[:80]}' has unprintable characters.")
    return query if owner is None else {**query, "owner": owner}


def _show_order(context: CommandContext, order: Mapping[str, Any]) -> None:
    if context.output.as_json:
        context.output.json(order)
    else:
        context.output.show(*render_order(order))
