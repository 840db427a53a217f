"""``dofs submit``: submit the orders of a file."""

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
from service.cli.options import duration_option
from service.cli.orders_file import Format, Reading, Shop, read_orders
from service.cli.polling import TrackedOrders

if TYPE_CHECKING:
    from service.cli.api import AsyncApi
    from service.cli.order_entry import Entry
    from service.cli.submit import SubmitRequest, SubmitResult

MAX_NAMED = 10  # accepted orders that are listed with their ids
MAX_ROWS = 100  # of the table of errors
LABELS = {
    "valid": "valid",
    "accepted": "accepted",
    "already_there": "already there",
    "refused": "refused",
    "unreadable": "unreadable",
    "error": "failed at the API",
    "not_sent": "not sent",
}
ERRORS = ("refused", "unreadable", "error")
_EXAMPLES = (
    "CSV has one row for each item: order, customer_id, product_id, quantity, price, total_amount, currency, tax, "
    "shipping, discount, ship_to.NAME, metadata.NAME and others. Rows with the same order are one order. Separators, "
    "decimal commas and usual headings such as Order ID, SKU and Qty are recognized.",
    "dofs submit orders.csv --dry-run",
    "dofs submit export.csv --map price='Net price' --map order=No.",
    "dofs submit orders.json --from shopify",
    "dofs submit orders.jsonl --batch 2026-01-31 --wait --report outcome.jsonl",
    "generate | dofs submit -",
)


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("submit", epilog="\n".join(_EXAMPLES))(submit)


def submit(
    ctx: typer.Context,
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE", show_default=False, help="A file in JSON, JSON Lines or CSV; - for standard input."
        ),
    ],
    file_format: Annotated[
        Format | None, typer.Option("--format", help="The format, if the file's suffix does not give it.")
    ] = None,
    shop: Annotated[
        Shop | None,
        typer.Option("--from", show_default=False, help="The file has orders of this shop, in its own form."),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="OURS=THEIRS", show_default=False, help="A column's heading in a CSV file."),
    ] = None,
    delimiter: Annotated[
        str | None, typer.Option(metavar="CHARACTER", show_default=False, help="The separator of a CSV file.")
    ] = None,
    encoding: Annotated[str, typer.Option(metavar="NAME", help="The encoding of the file, such as cp1252.")] = "utf-8",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check every order, and submit none.")] = False,
    batch: Annotated[
        str,
        typer.Option(metavar="LABEL", show_default=False, help="Submit new orders for each label of the same file."),
    ] = "",
    concurrency: Annotated[
        int, typer.Option(min=1, max=256, metavar="N", help="Send at most N requests at the same time.")
    ] = 8,
    lenient: Annotated[bool, typer.Option("--lenient", help="Accept now, validate in the workflow.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until all orders reach a terminal state.")] = False,
    timeout: Annotated[str, typer.Option(metavar="DURATION", help="With --wait: wait at most this long.")] = "5m",
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE", dir_okay=False, help="Write the result of each order to a file, as JSON Lines."),
    ] = None,
) -> None:
    """Submit the orders of a file. A second run, also after an interruption, creates no duplicates."""
    context: CommandContext = ctx.obj
    seconds_to_wait = duration_option("--timeout", timeout) if wait else None
    from service.cli.api import AsyncApi

    api = AsyncApi(context.endpoint, concurrency)  # before the file is read: it checks the global options
    reading = Reading(file_format, shop, _delimiter(delimiter), _mapping(columns or []), encoding)
    entries = read_orders(_read_bytes(file), file, reading)
    if not entries:
        raise CliError(ExitCode.USAGE, f"{file}: the file has no orders.")
    if dry_run:
        _check(context, entries)
        return
    from service.cli.submit import build_requests

    run = _Run(context, len(entries), min(concurrency, len(entries)), batch)
    with _open_report(report) as run.report:
        try:
            asyncio.run(_submit_and_wait(run, api, build_requests(entries, batch), lenient, seconds_to_wait))
        except KeyboardInterrupt:
            run.interrupted = True
    run.results.sort(key=lambda result: result.line)
    if context.output.as_json or run.error is None or any(result.order_id for result in run.results):
        _show(context, run.results, run.tracked)
    _raise_errors(run)


@dataclass(slots=True)
class _Run:
    """The state of a run."""

    context: CommandContext
    orders: int
    concurrency: int
    batch: str = ""
    report: IO[str] | None = None
    results: "list[SubmitResult]" = field(default_factory=list)
    tracked: TrackedOrders | None = None
    error: CliError | None = None
    interrupted: bool = False

    def add_result(self, result: "SubmitResult") -> None:
        """Store a result, and write it to the report at once."""
        self.results.append(result)
        if self.report is not None:
            self.report.write(render.to_json(result.to_json()) + "\n")
            self.report.flush()


async def _submit_and_wait(
    run: _Run,
    api: "AsyncApi",
    requests: "Iterator[SubmitRequest | SubmitResult]",
    lenient: bool,
    seconds_to_wait: float | None,
) -> None:
    """Submit the orders, and wait for their terminal states unless ``seconds_to_wait`` is None."""
    from service.cli.follow import follow_each
    from service.cli.submit import SUBMITTED, Submitter

    async with api.client:
        with run.context.output.progress() as bar:
            task = bar.add_task("submitting", total=run.orders)

            def on_result(result: "SubmitResult") -> None:
                run.add_result(result)
                bar.advance(task)

            submitter = Submitter(api, on_result, lenient)
            run.interrupted = await submitter.submit(requests, run.concurrency)
        run.error = submitter.error
        if seconds_to_wait is None or run.interrupted or run.error:
            return
        run.tracked = TrackedOrders(
            result.order_id for result in run.results if result.status in SUBMITTED and result.order_id
        )
        with run.context.output.progress() as bar:
            task = bar.add_task("waiting", total=len(run.tracked.orders))
            await follow_each(run.tracked, api, seconds_to_wait, run.concurrency, lambda: bar.advance(task))


def _delimiter(given: str | None) -> str | None:
    delimiter = {"tab": "\t", "\\t": "\t"}.get(given or "", given)
    if delimiter is not None and len(delimiter) != 1:
        raise CliError(ExitCode.USAGE, "--delimiter: it must be one character, or tab.")
    return delimiter


def _mapping(given: list[str]) -> dict[str, str]:
    pairs = [each.split("=", 1) for each in given]
    if wrong := [each for each, pair in zip(given, pairs, strict=True) if len(pair) != 2 or not all(pair)]:
        raise CliError(
            ExitCode.USAGE, f"--map: {wrong[0]!r} must have the form OURS=THEIRS, such as price='Net price'."
        )
    return {pair[0]: pair[1] for pair in pairs}


def _check(context: CommandContext, entries: "Sequence[Entry]") -> None:
    """Validate all orders as the API does, without sending one."""
    from service.cli.submit import SubmitResult, SubmitStatus
    from service.orders.json_views import error_views
    from service.orders.validation import validate

    results = []
    for entry in entries:
        errors = () if entry.error else tuple(error_views(validate(entry.document).errors))
        status = SubmitStatus.UNREADABLE if entry.error else SubmitStatus.REFUSED if errors else SubmitStatus.VALID
        results.append(SubmitResult(entry.line, status, None, entry.error, errors, entry.reference))
    run = _Run(context, len(entries), 1, results=results)
    _show(context, results, None)
    _raise_errors(run)


def _read_bytes(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "the file name is not valid"
        raise CliError(ExitCode.USAGE, f"{file} cannot be read: {reason}.") from None


def _open_report(report: Path | None) -> "AbstractContextManager[IO[str] | None]":
    if report is None:
        return nullcontext()
    try:
        return report.open("w", encoding="utf-8")
    except OSError as error:
        raise CliError(ExitCode.USAGE, f"{report} cannot be written: {error.strerror}.") from None


def _show(context: CommandContext, results: "Sequence[SubmitResult]", tracked: TrackedOrders | None) -> None:
    counts = Counter(str(result.status) for result in results)
    if context.output.as_json:
        summary: dict[str, Any] = {name: counts[name] for name in LABELS}
        summary["ended"] = tracked.by_status if tracked else None
        context.output.json({**summary, "orders": [result.to_json() for result in results]})
        return
    with_id = [result for result in results if result.order_id]
    if len(with_id) <= MAX_NAMED:
        for result in with_id:
            named = f"  {result.reference}" if result.reference else ""
            context.output.line(f"{result.order_id}  line {result.line}{named}  {LABELS[result.status]}")
    shown = ("valid", "refused") if counts["valid"] else ("accepted", "already_there", "refused")
    for name, label in LABELS.items():
        if counts[name] or name in shown:
            context.output.line(f"{label:<18}{counts[name]:>7,}")
    rows = [row for result in results if result.status in ERRORS for row in _error_rows(result)]
    if rows:
        table = render.table(("line", "reference", "field", "error"), rows[:MAX_ROWS], numbers=(0,))
        context.output.show(render.cell(""), table)
    if len(rows) > MAX_ROWS:
        context.output.line(f"… and {len(rows) - MAX_ROWS:,} more; --report FILE lists all")
    if counts["already_there"]:
        context.output.note(
            "An order that is already there was submitted before; --batch LABEL submits it as a new order."
        )
    if tracked:
        context.output.line("")
        for status, count in tracked.by_status.items():
            context.output.line(f"{status:<18}{count:>7,}")


def _error_rows(result: "SubmitResult") -> list[list[object]]:
    if not result.errors:
        return [[result.line, result.reference or "", "", result.detail]]
    return [[result.line, result.reference or "", error["pointer"], error["detail"]] for error in result.errors]


def _raise_errors(run: _Run) -> None:
    counts = Counter(str(result.status) for result in run.results)
    submitted = counts["accepted"] + counts["already_there"]
    if run.interrupted:
        raise CliError(
            ExitCode.INTERRUPTED,
            f"interrupted: {submitted} of {run.orders} orders are submitted. "
            "Run the same command again to submit the others; it creates no duplicates.",
        )
    if run.error:
        advice = (
            f" {submitted} of {run.orders} orders are submitted; run the same command again to submit the others."
            if submitted
            else ""
        )
        raise CliError(run.error.code, f"{run.error}{advice}", run.error.errors)
    if counts["error"] == run.orders:
        raise CliError(ExitCode.API, f"The API fails: {run.results[0].detail}; try again.")
    bad = [f"{counts[name]} {LABELS[name]}" for name in ERRORS if counts[name]]
    if bad:
        raise CliError(ExitCode.INCOMPLETE, f"Of {run.orders} orders: {', '.join(bad)}; see the table for the reasons.")
    if repeats := [
        each for each in run.results if each.status == "already_there" and not each.reference and not run.batch
    ]:
        raise CliError(
            ExitCode.INCOMPLETE,
            f"{len(repeats)} orders equal orders that were submitted before, and were taken as repeats of them: line "
            f"{repeats[0].line}{' and others' if len(repeats) > 1 else ''}. If they are new orders, give each an order "
            "number (column order), or the whole file a --batch LABEL.",
        )
    if run.tracked and (left := len(run.tracked.orders) - run.tracked.by_status.get("FULFILLED", 0)):
        raise CliError(ExitCode.INCOMPLETE, f"{left} of {len(run.tracked.orders)} orders are not FULFILLED.")
