"""``dofs show``, ``watch``, ``list`` and ``cancel``."""

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli import render
from service.cli.backend import check_id, paginate
from service.cli.context import CommandContext
from service.cli.errors import CliError, ExitCode
from service.cli.list_filters import (
    CreatedAfter,
    CreatedBefore,
    UpdatedAfter,
    UpdatedBefore,
    name_options,
    names_query,
    times_query,
)
from service.cli.options import OrderId, duration_option
from service.cli.order_view import format_amount, render_order
from service.cli.polling import Backoff, is_terminal
from service.orders.lifecycle import Status

if TYPE_CHECKING:
    from rich.console import RenderableType

_STATUS_WIDTH = max(map(len, Status))


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("watch", epilog="dofs watch ord_1f0e6a1f0c6b4a63b7c1d0b2a9e8f7c6 --timeout 2m")(watch)
    app.command("show")(show)
    app.command(
        "list",
        epilog="dofs list --customer cust_123 --status FAILED\ndofs list --reference '#1001'\n"
        "dofs list --updated-after 2h --all",
    )(list_orders)
    app.command("cancel")(cancel)


def show(ctx: typer.Context, order_id: OrderId) -> None:
    """Show an order with its timeline."""
    context: CommandContext = ctx.obj
    show_order(context, context.backend.order(check_id(order_id)))


def cancel(ctx: typer.Context, order_id: OrderId) -> None:
    """Cancel an order, or ask the warehouse to cancel it if it may have the order.

    The exit code is 0 if the order or the rest of it is cancelled, or if its cancellation was asked for; and 6 if it is
    too late.
    """
    context: CommandContext = ctx.obj
    order = context.backend.cancel(check_id(order_id))
    show_order(context, order)
    if order.get("status") == Status.PARTLY_FULFILLED:
        context.output.note(f"Order {order_id}: a part was shipped, and the rest is cancelled.")
    elif is_terminal(order):
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
        render.cell(f"{target:<{_STATUS_WIDTH}}", render.STYLES.get(target, render.OPEN_STYLE)),
        "  ",
        render.cell(entry.get("actor")),
    )
    if entry.get("reason"):
        text.append("  ").append_text(render.cell(entry["reason"]))
    context.output.show(text)


def list_orders(
    ctx: typer.Context,
    customer: Annotated[str | None, typer.Option(metavar="ID", help="Select the orders of this customer.")] = None,
    status: Annotated[
        Status | None, typer.Option(case_sensitive=False, help="Select the orders in this state.")
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(metavar="REF", help="Select your orders with this order number of the shop, or those of --owner."),
    ] = None,
    owner: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="For operators: select the orders that this caller of the API has submitted, as `dofs show` names it. "
            "Needs --reference, unless the API authenticates the users of a Cognito user pool.",
        ),
    ] = None,
    created_after: CreatedAfter = None,
    created_before: CreatedBefore = None,
    updated_after: UpdatedAfter = None,
    updated_before: UpdatedBefore = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="List at most N orders.")] = 20,
    everything: Annotated[bool, typer.Option("--all", help="List all of them, without a limit.")] = False,
) -> None:
    """List orders, newest first. Without an option, list all orders that you may see.

    The last column is the time by which the list is sorted.

    With --customer, --reference or --owner, it is the creation: give --created-after and --created-before.

    Otherwise, it is the last update: give --updated-after and --updated-before.

    Customers of a Cognito user pool see their own orders only, sorted by creation.
    """
    context: CommandContext = ctx.obj
    query = {
        **names_query(customer, reference, owner),
        **({"status": str(status)} if status else {}),
        **times_query(
            created_after=created_after,
            created_before=created_before,
            updated_after=updated_after,
            updated_before=updated_before,
        ),
    }

    def get_page(query: Mapping[str, str], limit: int, cursor: Any) -> Any:
        with name_options():
            page = context.backend.orders(query, limit, cursor)
        return {**page, "orders": [{**order, "sorted_by": page.get("sorted_by")} for order in page["orders"]]}

    found = paginate(get_page, "orders", query, None if everything else limit)
    if context.output.as_json:
        for order in found:
            context.output.json(order)
        return
    orders = list(found)
    if not orders:
        is_own = reference is not None and owner is None
        own = " The API finds a reference among the orders that you have submitted." if is_own else ""
        context.output.note(f"No orders.{own}")
        return
    context.output.show(_table(orders))


def _table(orders: Sequence[Mapping[str, Any]]) -> "RenderableType":
    """The orders of a list, with the time by which they are sorted. Earlier versions of the API do not name it."""
    sorted_by = orders[0].get("sorted_by")
    time = "updated" if sorted_by == "updated_at" else "created"
    rows = [
        [
            render.cell(order.get("order_id")),
            render.status_cell(order.get("status")),
            order.get("customer_id"),
            order.get("reference"),
            format_amount(order),
            order.get("attempts"),
            render.format_instant(order.get(f"{time}_at")),
        ]
        for order in orders
    ]
    heading = f"{time} (UTC)" + (" ↓" if sorted_by else "")
    headings = ("order", "status", "customer", "reference", "amount", "attempts", heading)
    return render.table(headings, rows, numbers=(4, 5), optional=(5, 4, 2, 3))


def show_order(context: CommandContext, order: Mapping[str, Any]) -> None:
    """Show an order; with ``--json`` as the API shows it."""
    if context.output.as_json:
        context.output.json(order)
    else:
        context.output.show(*render_order(order))
