"""``dofs warehouse``: look at orders at the warehouse, cancel them there, or give them up; check a warehouse."""

from typing import Annotated

import typer

from service.cli.backend import check_id
from service.cli.commands import warehouse_check
from service.cli.commands.orders import cancel, show_order
from service.cli.commands.redrive import check_note
from service.cli.context import CommandContext
from service.cli.options import OrderId
from service.orders.lifecycle import Status

app = typer.Typer(
    help="Look at orders at the warehouse, cancel them there, or give them up; check a warehouse of your own.",
    no_args_is_help=True,
)


@app.command("look", epilog="dofs list --status AT_WAREHOUSE\ndofs warehouse look ord_1f0e6a1f0c6b4a63b7c1d0b2a9e8f7c6")
def look(ctx: typer.Context, order_id: OrderId) -> None:
    """Ask the warehouse now about an order that it has, or may have.

    The order is AT_WAREHOUSE; or FAILED or PARTLY_FULFILLED, and the warehouse gave no final answer.
    """
    context: CommandContext = ctx.obj
    order = context.backend.look(check_id(order_id))
    show_order(context, order)
    still = "still " if order["status"] == Status.AT_WAREHOUSE else ""
    context.output.note(f"Order {order_id} is {still}{order['status']}: {order['timeline'][-1]['reason']}.")


app.command("cancel")(cancel)


@app.command(
    "give-up", epilog='dofs warehouse give-up ord_1f0e6a1f0c6b4a63b7c1d0b2a9e8f7c6 --note "the warehouse has lost it"'
)
def give_up(
    ctx: typer.Context,
    order_id: OrderId,
    note: Annotated[
        str,
        typer.Option(
            metavar="TEXT", show_default=False, help="The reason. The order's timeline shows it, also to the customer."
        ),
    ],
) -> None:
    """Give up an order at the warehouse: it becomes FAILED, or PARTLY_FULFILLED if a parcel was shipped.

    The warehouse is not asked to cancel it, and may still ship it: a parcel that comes later is recorded.
    """
    context: CommandContext = ctx.obj
    order = context.backend.give_up(check_id(order_id), check_note(note))
    show_order(context, order)
    context.output.note(
        f"Order {order_id} is {order['status']}. The warehouse may still ship it: "
        f"`dofs failed show {order_id}` says how to send it again."
    )


warehouse_check.add_to(app)
