"""``dofs submit``: send a file of orders."""

import asyncio
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from service.cli import render
from service.cli.context import CommandContext
from service.cli.errors import CliError, ExitCode
from service.cli.options import duration
from service.cli.orders_file import Format, read_orders

if TYPE_CHECKING:
    from service.cli.api import AsyncApi
    from service.cli.polling import Followed
    from service.cli.submit import SubmitRequest, SubmitResult

SHOWN = 10  # accepted orders that are named, each with its id
MOST_ROWS = 100  # of what is wrong
WORDS = {
    "accepted": "accepted",
    "already_there": "already there",
    "refused": "refused",
    "unreadable": "unreadable",
    "error": "failed at the API",
    "not_sent": "not sent",
}
_EXAMPLES = (
    "CSV has one row for each item: order, customer_id, product_id, quantity, price, total_amount, "
    "currency, metadata.NAME. Rows of one order are one order.",
    "dofs submit orders.csv",
    "dofs submit orders.jsonl --batch 2026-01-31 --wait --report outcome.jsonl",
    "generate | dofs submit -",
)


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("submit", epilog="\n".join(_EXAMPLES))(submit)


def submit(
    ctx: typer.Context,
    file: Annotated[
        str, typer.Argument(metavar="FILE", show_default=False, help="JSON, JSON Lines or CSV; - is stdin.")
    ],
    form: Annotated[
        Format | None, typer.Option("--format", help="The format, where the file's ending does not tell.")
    ] = None,
    batch: Annotated[
        str, typer.Option(metavar="LABEL", show_default=False, help="Another label makes new orders of the same file.")
    ] = "",
    concurrency: Annotated[int, typer.Option(min=1, max=256, metavar="N", help="Requests at the same time.")] = 8,
    lenient: Annotated[bool, typer.Option("--lenient", help="Leave the judgment to the workflow.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Follow all to their end.")] = False,
    timeout: Annotated[str, typer.Option(metavar="DURATION", help="With --wait: how long.")] = "5m",
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE", dir_okay=False, help="Write what became of each order, as JSON Lines."),
    ] = None,
) -> None:
    """Submit the orders of a file. Running it again, or going on after an interruption, doubles nothing."""
    context: CommandContext = ctx.obj
    patience = duration("--timeout", timeout) if wait else None
    from service.cli.api import AsyncApi

    api = AsyncApi(context.endpoint, concurrency)  # wrong options are told before a long file is read
    entries = read_orders(_content(file), file, form)
    if not entries:
        raise CliError(ExitCode.USAGE, f"{file}: there are no orders in it.")
    from service.cli.submit import parcels

    run = _Run(context, len(entries), min(concurrency, len(entries)))
    with _opened(report) as run.lines:
        try:
            asyncio.run(_work(run, api, parcels(entries, batch), lenient, patience))
        except KeyboardInterrupt:
            run.interrupted = True
    run.outcomes.sort(key=lambda outcome: outcome.line)
    if context.output.as_json or run.stopped is None or any(outcome.order_id for outcome in run.outcomes):
        _show(context, run.outcomes, run.followed)
    _end(run)


@dataclass(slots=True)
class _Run:
    """What a run has come to."""

    context: CommandContext
    orders: int
    at_once: int
    lines: IO[str] | None = None
    outcomes: "list[SubmitResult]" = field(default_factory=list)
    followed: "Followed | None" = None
    stopped: CliError | None = None
    interrupted: bool = False

    def heard(self, outcome: "SubmitResult") -> None:
        """Note what became of one order, at once."""
        self.outcomes.append(outcome)
        if self.lines is not None:
            self.lines.write(render.json_text(outcome.view) + "\n")
            self.lines.flush()


async def _work(
    run: _Run, api: "AsyncApi", parcels: "Iterator[SubmitRequest | SubmitResult]", lenient: bool, patience: float | None
) -> None:
    """Submit, and follow for ``patience`` seconds unless it is None."""
    from service.cli.follow import each_by_id
    from service.cli.polling import Followed
    from service.cli.submit import IN, Sending

    async with api.client:
        with run.context.output.progress() as bar:
            task = bar.add_task("submitting", total=run.orders)

            def heard(outcome: "SubmitResult") -> None:
                run.heard(outcome)
                bar.advance(task)

            sending = Sending(api, heard, lenient)
            run.interrupted = await sending.run(parcels, run.at_once)
        run.stopped = sending.stopped
        if patience is None or run.interrupted or run.stopped:
            return
        run.followed = Followed(each.order_id for each in run.outcomes if each.fate in IN and each.order_id)
        with run.context.output.progress() as bar:
            task = bar.add_task("waiting", total=len(run.followed.orders))
            await each_by_id(run.followed, api, patience, run.at_once, lambda: bar.advance(task))


def _content(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no name of a file"
        raise CliError(ExitCode.USAGE, f"{file} cannot be read: {reason}.") from None


def _opened(report: Path | None) -> "AbstractContextManager[IO[str] | None]":
    if report is None:
        return nullcontext()
    try:
        return report.open("w", encoding="utf-8")
    except OSError as error:
        raise CliError(ExitCode.USAGE, f"{report} cannot be written: {error.strerror}.") from None


def _show(context: CommandContext, outcomes: "Sequence[SubmitResult]", followed: "Followed | None") -> None:
    counts = Counter(str(outcome.fate) for outcome in outcomes)
    if context.output.as_json:
        view: dict[str, Any] = {name: counts[name] for name in WORDS}
        view["ended"] = followed.by_status if followed else None
        context.output.json({**view, "orders": [outcome.view for outcome in outcomes]})
        return
    known = [outcome for outcome in outcomes if outcome.order_id]
    if len(known) <= SHOWN:
        for outcome in known:
            context.output.line(f"{outcome.order_id}  line {outcome.line}  {WORDS[outcome.fate]}")
    for name, words in WORDS.items():
        if counts[name] or name in ("accepted", "already_there", "refused"):
            context.output.line(f"{words:<18}{counts[name]:>7,}")
    rows = [row for outcome in outcomes if outcome.fate in ("refused", "unreadable", "error") for row in _rows(outcome)]
    if rows:
        context.output.show(render.cell(""), render.table(("line", "where", "what is wrong"), rows[:MOST_ROWS], (0,)))
    if len(rows) > MOST_ROWS:
        context.output.line(f"… and {len(rows) - MOST_ROWS:,} more; --report FILE has all")
    if counts["already_there"]:
        context.output.note(
            "Orders that are already there were submitted before; --batch LABEL makes new ones of them."
        )
    if followed:
        context.output.line("")
        for status, count in followed.by_status.items():
            context.output.line(f"{status:<18}{count:>7,}")


def _rows(outcome: "SubmitResult") -> list[list[object]]:
    if not outcome.errors:
        return [[outcome.line, "", outcome.detail]]
    return [[outcome.line, error["pointer"], error["detail"]] for error in outcome.errors]


def _end(run: _Run) -> None:
    counts = Counter(str(outcome.fate) for outcome in run.outcomes)
    count = counts["accepted"] + counts["already_there"]
    if run.interrupted:
        raise CliError(
            ExitCode.INTERRUPTED,
            f"interrupted: {count} of {run.orders} orders are in. "
            "Run the same command again to send the rest; none is doubled.",
        )
    if run.stopped:
        told = f" {count} of {run.orders} orders are in; run the same command again to send the rest." if count else ""
        raise CliError(run.stopped.code, f"{run.stopped}{told}", run.stopped.errors)
    if counts["error"] == run.orders:
        raise CliError(ExitCode.API, f"The API is failing: {run.outcomes[0].detail}; try again.")
    bad = [f"{counts[name]} {WORDS[name]}" for name in ("refused", "unreadable", "error") if counts[name]]
    if bad:
        raise CliError(ExitCode.PARTLY, f"Of {run.orders} orders {', '.join(bad)}; the table says why.")
    if run.followed and (left := len(run.followed.orders) - run.followed.by_status.get("FULFILLED", 0)):
        raise CliError(ExitCode.PARTLY, f"{left} of {len(run.followed.orders)} orders are not FULFILLED.")
