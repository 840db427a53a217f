"""``dofs load``: put the system under load, and account for every order."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli import durations, render
from service.cli.context import CommandContext
from service.cli.errors import CliError, ExitCode
from service.cli.options import duration

if TYPE_CHECKING:
    from service.cli.load import Measured
    from service.cli.polling import Followed

MOST = 1_000_000  # orders of one run
NAMED = 20  # lost orders that are named
BAR = 40  # columns


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("load", epilog="dofs load --rate 50 --duration 30s")(load)


def load(
    ctx: typer.Context,
    rate: Annotated[float, typer.Option(min=0.1, max=10_000, metavar="N", help="Orders a second.")] = 50,
    how_long: Annotated[str, typer.Option("--duration", metavar="DURATION", help="How long to go on.")] = "30s",
    concurrency: Annotated[
        int, typer.Option(min=1, max=5000, metavar="N", help="Requests at the same time; more wait, which counts.")
    ] = 200,
    timeout: Annotated[
        str, typer.Option(metavar="DURATION", help="How long to wait for the orders' end, after the last is sent.")
    ] = "2m",
) -> None:
    """Submit orders at a fixed rate, then check that each that was accepted comes to its end.

    Response times are counted from the instant at which a request was due, so a slow server cannot hide.
    """
    context: CommandContext = ctx.obj
    span, patience = duration("--duration", how_long), duration("--timeout", timeout)
    if rate * span > MOST:
        raise CliError(ExitCode.USAGE, f"That would be more than {MOST:,} orders.")
    endpoint = context.endpoint
    from service.cli import load as generator
    from service.cli.api import AsyncApi
    from service.cli.follow import of_one_customer
    from service.cli.polling import Followed

    customer_id = f"load_{secrets.token_hex(6)}"

    async def work() -> "tuple[Measured, Followed, int]":
        api = AsyncApi(endpoint, concurrency)
        async with api.client:
            # Whether it can be reached at all, and by this caller, before many requests find out.
            await api.get("/orders", "The list", customer_id=customer_id, limit=1)
            with context.output.progress() as bar:
                task = bar.add_task("submitting", total=max(1, round(rate * span)))
                measured = await generator.generate(
                    api, customer_id, rate, span, concurrency, lambda: bar.advance(task)
                )
            followed = Followed(measured.accepted)
            others: Mapping[str, Any] = {}
            if measured.accepted:
                with context.output.progress() as bar:
                    task = bar.add_task("following", total=len(followed.orders))
                    others = await of_one_customer(followed, customer_id, api, patience, lambda: bar.advance(task))
            return measured, followed, len(others)

    try:
        measured, followed, others = asyncio.run(work())
    except KeyboardInterrupt:
        raise CliError(
            ExitCode.INTERRUPTED, f"interrupted; dofs list --customer {customer_id} shows what became of the orders."
        ) from None
    view = _view(customer_id, measured, followed, others)
    if context.output.as_json:
        context.output.json(view)
    else:
        _show(context, view)
    _end(context, measured, followed, view)


def _view(customer_id: str, measured: "Measured", followed: "Followed", others: int) -> dict[str, Any]:
    from service.cli.load import histogram, percentiles
    from service.cli.polling import is_at_its_end

    known = [order for order in followed.orders.values() if order]
    ended = [durations.between(order["created_at"], order["updated_at"]) for order in known if is_at_its_end(order)]
    return {
        "customer_id": customer_id,
        "sent": measured.sent,
        "accepted": len(measured.accepted),
        "errors": dict(measured.errors.most_common()),
        "seconds": round(measured.took, 3),
        "response_seconds": percentiles(measured.times),
        "response_histogram": histogram(measured.times),
        "ended": followed.by_status,
        "seconds_to_end": percentiles(ended),
        "not_at_their_end": [order_id for order_id in followed.open if followed.orders[order_id]],
        "lost": [order_id for order_id, order in followed.orders.items() if order is None],
        "accepted_without_an_answer": others,
    }


def _show(context: CommandContext, view: Mapping[str, Any]) -> None:
    output = context.output
    a_second = view["sent"] / view["seconds"] if view["seconds"] else 0.0
    output.line(
        f"{view['sent']:,} orders in {durations.shown(view['seconds'])}, "
        f"{a_second:.1f} a second, as {view['customer_id']}"
    )
    output.line(f"accepted {view['accepted']:,}")
    for kind, count in view["errors"].items():
        output.line(f"{kind} {count:,}")
    rows = [
        [called, *(durations.shown(view[name][each]) for each in view[name])]
        for called, name in (("response", "response_seconds"), ("received to end", "seconds_to_end"))
        if view[name]
    ]
    if rows:
        output.show(render.cell(""), render.table(("", "p50", "p90", "p99", "max"), rows, range(1, 5)))
    output.show(render.cell(""), render.table(("response", "", ""), _bars(view["response_histogram"]), (0, 2)))
    output.line("")
    for status, count in view["ended"].items():
        output.line(f"{status:<12}{count:>9,}")
    if view["accepted_without_an_answer"]:
        output.line(f"accepted, though the answer did not arrive: {view['accepted_without_an_answer']:,}")


def _bars(bars: Sequence[Mapping[str, Any]]) -> list[list[object]]:
    most = max((bar["count"] for bar in bars), default=1)
    return [
        [f"≤ {durations.shown(bar['up_to'])}", "█" * -(-BAR * bar["count"] // most), f"{bar['count']:,}"]
        for bar in bars
    ]


def _end(context: CommandContext, measured: "Measured", followed: "Followed", view: Mapping[str, Any]) -> None:
    problems = []
    for called, name in (("lost", "lost"), ("not at their end", "not_at_their_end")):
        if view[name]:
            problems.append(f"{len(view[name])} {called}")
            for order_id in view[name][:NAMED]:
                status = (followed.orders[order_id] or {}).get("status", "unknown to the API")
                context.output.note(f"  {order_id}: {status}")
            if len(view[name]) > NAMED:
                context.output.note(f"  … and {len(view[name]) - NAMED} more; --json names all")
    if measured.errors:
        problems.append(f"{sum(measured.errors.values())} not accepted")
    if measured.interrupted:
        raise CliError(ExitCode.INTERRUPTED, f"interrupted after {measured.sent} orders{_and(problems)}.")
    if problems:
        raise CliError(ExitCode.PARTLY, f"Of {view['sent']} orders {', '.join(problems)}.")


def _and(problems: Sequence[str]) -> str:
    return f"; {', '.join(problems)}" if problems else ""
