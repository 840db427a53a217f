"""``dofs load``: submit orders at a fixed rate, and check every one of them."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli import render
from service.cli.context import CommandContext
from service.cli.durations import format_duration, seconds_between
from service.cli.errors import CliError, ExitCode
from service.cli.options import duration_option
from service.cli.polling import TrackedOrders, is_terminal

if TYPE_CHECKING:
    from service.cli.load import LoadResult

MAX_ORDERS = 1_000_000  # of one run
MAX_NAMED = 20  # orders that are named in an error
BAR_WIDTH = 40  # characters


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("load", epilog="dofs load --rate 50 --duration 30s")(load)


def load(
    ctx: typer.Context,
    rate: Annotated[float, typer.Option(min=0.1, max=10_000, metavar="N", help="Submit N orders per second.")] = 50,
    duration: Annotated[str, typer.Option(metavar="DURATION", help="Submit orders for this time.")] = "30s",
    concurrency: Annotated[
        int,
        typer.Option(
            min=1, max=5000, metavar="N", help="Send at most N requests at the same time; others wait, which counts."
        ),
    ] = 200,
    timeout: Annotated[
        str,
        typer.Option(metavar="DURATION", help="Wait this long for the terminal states, after the last order is sent."),
    ] = "2m",
) -> None:
    """Submit orders at a fixed rate, then check that each accepted order reaches a terminal state.

    A response time counts from the planned time of the request, so it includes the delays that a slow server causes.
    """
    context: CommandContext = ctx.obj
    seconds, seconds_to_wait = duration_option("--duration", duration), duration_option("--timeout", timeout)
    if rate * seconds > MAX_ORDERS:
        raise CliError(ExitCode.USAGE, f"--rate and --duration are for at most {MAX_ORDERS:,} orders.")
    endpoint = context.endpoint
    from service.cli.api import AsyncApi
    from service.cli.follow import follow_customer
    from service.cli.load import generate_load

    customer_id = f"load_{secrets.token_hex(6)}"

    async def run() -> "tuple[LoadResult, TrackedOrders, int]":
        api = AsyncApi(endpoint, concurrency)
        async with api.client:
            # One request first: if the API cannot be reached, or denies access, the command ends here.
            await api.get("/orders", "The list", customer_id=customer_id, limit=1)
            with context.output.progress() as bar:
                task = bar.add_task("submitting", total=max(1, round(rate * seconds)))
                result = await generate_load(api, customer_id, rate, seconds, concurrency, lambda: bar.advance(task))
            tracked = TrackedOrders(result.accepted)
            others: Mapping[str, Any] = {}
            if result.accepted:
                with context.output.progress() as bar:
                    task = bar.add_task("waiting", total=len(tracked.orders))
                    others = await follow_customer(
                        tracked, customer_id, api, seconds_to_wait, lambda: bar.advance(task)
                    )
            return result, tracked, len(others)

    try:
        result, tracked, others = asyncio.run(run())
    except KeyboardInterrupt:
        raise CliError(
            ExitCode.INTERRUPTED, f"interrupted; `dofs list --customer {customer_id}` lists the orders."
        ) from None
    report = _report(customer_id, result, tracked, others)
    if context.output.as_json:
        context.output.json(report)
    else:
        _show(context, report)
    _raise_errors(context, result, tracked, report)


def _report(customer_id: str, result: "LoadResult", tracked: TrackedOrders, others: int) -> dict[str, Any]:
    from service.cli.load import histogram, percentiles

    orders = [order for order in tracked.orders.values() if order and is_terminal(order)]
    seconds_to_end = [seconds_between(order["created_at"], order["updated_at"]) for order in orders]
    return {
        "customer_id": customer_id,
        "sent": result.sent,
        "accepted": len(result.accepted),
        "errors": dict(result.errors.most_common()),
        "seconds": round(result.seconds, 3),
        "response_seconds": percentiles(result.response_times),
        "response_histogram": histogram(result.response_times),
        "ended": tracked.by_status,
        "seconds_to_end": percentiles(seconds_to_end),
        "not_at_their_end": [order_id for order_id in tracked.open_ids if tracked.orders[order_id]],
        "lost": [order_id for order_id, order in tracked.orders.items() if order is None],
        "accepted_without_an_answer": others,
    }


def _show(context: CommandContext, report: Mapping[str, Any]) -> None:
    output = context.output
    rate = report["sent"] / report["seconds"] if report["seconds"] else 0.0
    output.line(
        f"{report['sent']:,} orders in {format_duration(report['seconds'])}, {rate:.1f} per second, "
        f"customer {report['customer_id']}"
    )
    output.line(f"accepted {report['accepted']:,}")
    for kind, count in report["errors"].items():
        output.line(f"{kind} {count:,}")
    rows = [
        [heading, *(format_duration(report[name][each]) for each in report[name])]
        for heading, name in (("response", "response_seconds"), ("received to terminal", "seconds_to_end"))
        if report[name]
    ]
    if rows:
        output.show(render.cell(""), render.table(("", "p50", "p90", "p99", "max"), rows, numbers=range(1, 5)))
    bars = _bars(report["response_histogram"])
    output.show(render.cell(""), render.table(("response", "", ""), bars, numbers=(0, 2)))
    output.line("")
    for status, count in report["ended"].items():
        output.line(f"{status:<12}{count:>9,}")
    if report["accepted_without_an_answer"]:
        output.line(f"accepted, but the answer did not arrive: {report['accepted_without_an_answer']:,}")


def _bars(bars: Sequence[Mapping[str, Any]]) -> list[list[object]]:
    most = max((bar["count"] for bar in bars), default=1)
    return [
        [f"≤ {format_duration(bar['up_to'])}", "█" * -(-BAR_WIDTH * bar["count"] // most), f"{bar['count']:,}"]
        for bar in bars
    ]


def _raise_errors(
    context: CommandContext, result: "LoadResult", tracked: TrackedOrders, report: Mapping[str, Any]
) -> None:
    problems = []
    for text, name in (("lost", "lost"), ("not in a terminal state", "not_at_their_end")):
        if report[name]:
            problems.append(f"{len(report[name])} {text}")
            for order_id in report[name][:MAX_NAMED]:
                status = (tracked.orders[order_id] or {}).get("status", "unknown to the API")
                context.output.note(f"  {order_id}: {status}")
            if len(report[name]) > MAX_NAMED:
                context.output.note(f"  … and {len(report[name]) - MAX_NAMED} more; --json lists all")
    if result.errors:
        problems.append(f"{sum(result.errors.values())} not accepted")
    text = ", ".join(problems)
    if result.interrupted:
        raise CliError(ExitCode.INTERRUPTED, f"interrupted after {result.sent} orders{f': {text}' if text else ''}.")
    if problems:
        raise CliError(ExitCode.INCOMPLETE, f"Of {report['sent']} orders: {text}.")
