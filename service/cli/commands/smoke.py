"""``dofs smoke``: test a deployment with one order."""

import math
import secrets
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.context import CommandContext
from service.cli.errors import CliError, ExitCode
from service.cli.options import duration_option
from service.cli.polling import Backoff
from service.orders.lifecycle import Status
from service.orders.model import FailureKind

if TYPE_CHECKING:
    from service.cli.api import Api

CUSTOMER = "smoke-test"
ORDER = {
    "customer_id": CUSTOMER,
    "items": [{"product_id": "smoke-test", "quantity": 1, "price": 0}],
    "total_amount": 0,
    "metadata": {"purpose": "smoke test"},
}
BRAKE_SECONDS = 10.0  # an order that waits longer may wait for the brake
STARTUP_SECONDS = 60.0  # until a new API and its key are known to every part of API Gateway
# An attempt that ended with one of these has an answer of the warehouse, so every component works.
ANSWERS = frozenset({FailureKind.DECLINED, FailureKind.REFUSED, FailureKind.CLOSED})


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("smoke", epilog="dofs --api https://abc.execute-api.ap-south-1.amazonaws.com/dev smoke")(smoke)


def smoke(
    ctx: typer.Context,
    timeout: Annotated[
        str, typer.Option(metavar="DURATION", help="Wait at most this long for the warehouse's answer.")
    ] = "5m",
) -> None:
    """Send a zero-value test order through a deployment, and wait for the warehouse's answer.

    The exit code is 0 if the warehouse answers, and 1 otherwise. To decline or to refuse the order is an answer too.
    429, 503 and a refused connection are no answer: the command says so, and waits until the warehouse takes the order.
    The order is kept, under the customer smoke-test, and the metrics count it.
    """
    context: CommandContext = ctx.obj
    endpoint = context.endpoint
    from service.cli.api import Api

    api, start = Api(endpoint), time.monotonic()
    deadline = start + duration_option("--timeout", timeout)
    key = f"smoke-{secrets.token_hex(16)}"
    try:
        accepted = _retry(lambda: api.submit(ORDER, key), deadline, "The test order was not accepted.", context)
        order_id = str(accepted["order_id"])
        answer = _wait_for_answer(api, order_id, deadline, timeout, context)
    finally:
        api.close()
    seconds = time.monotonic() - start
    if context.output.as_json:
        context.output.json({"order_id": order_id, "answer": answer, "seconds": round(seconds, 3)})
    else:
        context.output.line(f"The warehouse answered order {order_id} after {seconds:.1f} s: {answer}.")


def _wait_for_answer(api: "Api", order_id: str, deadline: float, timeout: str, context: CommandContext) -> str:
    backoff, brake_at, noted = Backoff(), time.monotonic() + BRAKE_SECONDS, {""}
    while True:
        error = f"Order {order_id} was accepted, but cannot be read."
        order = _retry(lambda: api.order(order_id), deadline, error, context)
        answer = _find_answer(order)
        if answer is not None:
            return answer
        pause, reason = backoff.next_pause(deadline), _find_reason(order)
        if pause is None or time.monotonic() >= brake_at:
            brake, brake_at = _find_brake(api, order), math.inf
            reason = "; ".join(filter(None, (brake, reason)))
        if pause is None:
            raise CliError(
                ExitCode.INCOMPLETE,
                f"Order {order_id} is still {order['status']} after {timeout}{reason and f': {reason}'}. "
                f"Run `dofs trace {order_id}` to see its log lines.",
            )
        if reason not in noted:
            context.output.note(f"waiting: {reason}")
            noted.add(reason)
        time.sleep(pause)


def _find_reason(order: Mapping[str, Any]) -> str:
    """Return why the last attempt of a PENDING order did not count; empty if no attempt has ended."""
    ended = [entry for entry in order["timeline"] if entry["from"] == Status.PROCESSING]
    return str(ended[-1]["reason"]) if ended and order["status"] == Status.PENDING else ""


def _find_brake(api: "Api", order: Mapping[str, Any]) -> str:
    """Return since when a PENDING order waits for the brake; empty if it is off, or if the caller may not see it."""
    if order["status"] != Status.PENDING:
        return ""
    try:
        brake = api.stats().get("brake")
    except CliError:  # the operators' routes are off, or are for other callers
        return ""
    return f"the brake is on, because the warehouse has taken nothing since {brake['since']}" if brake else ""


def _retry(request: Callable[[], Any], deadline: float, message: str, context: CommandContext) -> Any:
    """Return the API's answer. While the deployment is new, repeat a request that fails or is denied."""
    backoff, last_try = Backoff(), min(deadline, time.monotonic() + STARTUP_SECONDS)
    while True:
        try:
            return request()
        except CliError as error:
            retryable = error.code in (ExitCode.API, ExitCode.NOT_AUTHORIZED)
            pause = backoff.next_pause(last_try) if retryable else None
            if pause is None:
                raise CliError(ExitCode.INCOMPLETE, f"{message} {error}", error.errors) from None
            context.output.note(f"retrying: {error}")
            time.sleep(pause)


def _find_answer(order: Mapping[str, Any]) -> str | None:
    """Return the reason in the first timeline entry with an answer of the warehouse; None if there is none yet.

    The entries of an older version have no ``failure``. They decide nothing until the order is in a terminal state.

    Raises:
        CliError: an attempt ended without an answer, or the order reached a terminal state without one.
    """
    order_id = order["order_id"]
    for entry in order["timeline"]:
        target, reason, failure = entry["to"], entry["reason"], entry.get("failure")
        if target in (Status.FULFILLED, Status.AT_WAREHOUSE) or failure in ANSWERS:
            return str(reason)
        if failure is not None:
            raise CliError(
                ExitCode.INCOMPLETE, f"Order {order_id}: an attempt ended without an answer ({failure}): {reason}."
            )
        if target in (Status.REJECTED, Status.CANCELLED):
            raise CliError(ExitCode.INCOMPLETE, f"Order {order_id} is {target}: {reason}.")
        if target == Status.FAILED:
            raise CliError(
                ExitCode.INCOMPLETE,
                f"Order {order_id} is FAILED: {reason}. The timeline has no `failure`, so the warehouse may have "
                "answered: the deployed version is older than this command.",
            )
    return None
