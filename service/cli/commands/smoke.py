"""``dofs smoke``: whether a deployment carries an order."""

import secrets
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.context import CommandContext
from service.cli.errors import CliError, ExitCode
from service.cli.options import duration
from service.cli.polling import pauses
from service.fulfillers.simulated import DECLINED
from service.orders.lifecycle import Status

if TYPE_CHECKING:
    from service.cli.api import Api

CUSTOMER = "smoke-test"
ORDER = {
    "customer_id": CUSTOMER,
    "items": [{"product_id": "smoke-test", "quantity": 1, "price": 0}],
    "total_amount": 0,
    "metadata": {"purpose": "smoke test"},
}
UNTIL_KNOWN = 60.0  # seconds; a new API and a new key of it are known everywhere only after some


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("smoke", epilog="dofs --api https://abc.execute-api.ap-south-1.amazonaws.com/dev smoke")(smoke)


def smoke(
    ctx: typer.Context,
    timeout: Annotated[
        str, typer.Option(metavar="DURATION", help="How long to wait for the warehouse's answer.")
    ] = "5m",
) -> None:
    """Send one real order, of nothing for nothing, through every part, until the warehouse has answered.

    Ends with 0 when it has, and with 1 otherwise. The simulated warehouse may decline: that is an answer. The order
    stays, with the customer smoke-test, and counts as any other.
    """
    context: CommandContext = ctx.obj
    endpoint = context.endpoint
    from service.cli.api import Api

    api = Api(endpoint)
    ends, began = time.monotonic() + duration("--timeout", timeout), time.monotonic()
    key = f"smoke-{secrets.token_hex(16)}"
    try:
        accepted = _asked(lambda: api.submit(ORDER, key), ends, "The smoke test's order was not accepted.", context)
        order_id = str(accepted["order_id"])
        said = _answer_of_the_warehouse(api, order_id, ends, timeout, context)
    finally:
        api.close()
    took = time.monotonic() - began
    if context.output.as_json:
        context.output.json({"order_id": order_id, "answer": said, "seconds": round(took, 3)})
    else:
        context.output.line(f"Order {order_id} went through every part in {took:.1f} s: {said}.")


def _answer_of_the_warehouse(api: "Api", order_id: str, ends: float, timeout: str, context: CommandContext) -> str:
    gaps = pauses()
    while True:
        order = _asked(
            lambda: api.order(order_id), ends, f"Order {order_id} was accepted, and cannot be seen.", context
        )
        said = _said(order)
        if said is not None:
            return said
        pause = gaps.within(ends)
        if pause is None:
            raise CliError(
                ExitCode.PARTLY,
                f"Order {order_id} is {order['status']} still, after {timeout}: "
                f"`dofs trace {order_id}` shows where it stands.",
            )
        time.sleep(pause)


def _asked(ask: Callable[[], Any], ends: float, failed: str, context: CommandContext) -> Any:
    """What the API answers, which is given time to know itself and its callers, wherever it is asked."""
    gaps, until = pauses(), min(ends, time.monotonic() + UNTIL_KNOWN)
    while True:
        try:
            return ask()
        except CliError as stop:
            pause = gaps.within(until) if stop.code in (ExitCode.API, ExitCode.NOT_AUTHORIZED) else None
            if pause is None:
                raise CliError(ExitCode.PARTLY, f"{failed} {stop}", stop.errors) from None
            context.output.note(f"not yet: {stop}")
            time.sleep(pause)


def _said(order: Mapping[str, Any]) -> str | None:
    """What came of the first attempt; None before it has come to anything.

    Raises:
        CliError: it is not what a working deployment comes to.
    """
    for entry in order["timeline"]:
        if entry["to"] == Status.FULFILLED or (
            entry["from"] == Status.PROCESSING and str(entry["reason"]).endswith(DECLINED)
        ):
            return str(entry["reason"])
        if entry["from"] == Status.PROCESSING or entry["to"] in (Status.REJECTED, Status.CANCELLED):
            raise CliError(ExitCode.PARTLY, f"Order {order['order_id']} became {entry['to']}: {entry['reason']}.")
    return None
