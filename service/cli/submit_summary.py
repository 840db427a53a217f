"""Shows the results of a file, and raises the error that describes them."""

from typing import Any

from service.cli import render
from service.cli.errors import CliError, ExitCode
from service.cli.submit_results import SubmitResult, SubmitStatus
from service.cli.submit_run import SubmitRun

MAX_NAMED = 10  # accepted or valid orders that are listed
MAX_ROWS = 100  # of the table of errors
LABELS = {
    SubmitStatus.VALID: "valid",
    SubmitStatus.ACCEPTED: "accepted",
    SubmitStatus.ALREADY_THERE: "already there",
    SubmitStatus.REFUSED: "refused",
    SubmitStatus.UNREADABLE: "unreadable",
    SubmitStatus.SKIPPED: "skipped",
    SubmitStatus.ERROR: "failed at the API",
    SubmitStatus.NOT_SENT: "not sent",
}
ERRORS = (SubmitStatus.REFUSED, SubmitStatus.UNREADABLE, SubmitStatus.ERROR)
_ALWAYS_SHOWN = (SubmitStatus.ACCEPTED, SubmitStatus.ALREADY_THERE, SubmitStatus.REFUSED)


def show_results(run: SubmitRun) -> None:
    """Show the number of orders with each result, and a table of the errors; with ``--json`` every result."""
    output, counts = run.context.output, run.counts
    if output.as_json:
        summary: dict[str, Any] = {name: counts[name] for name in LABELS}
        summary["ended"] = run.tracked.by_status if run.tracked else None
        output.json({**summary, "orders": [result.to_json() for result in run.results]})
        return
    named = [result for result in run.results if result.order_id or result.status is SubmitStatus.VALID]
    if len(named) <= MAX_NAMED:
        for result in named:
            about = result.detail if result.status is SubmitStatus.VALID else None
            cells = (result.order_id, f"line {result.line}", result.reference, about, LABELS[result.status])
            output.line("  ".join(filter(None, cells)))
    shown = (SubmitStatus.VALID, SubmitStatus.REFUSED) if run.dry_run else _ALWAYS_SHOWN
    for name, label in LABELS.items():
        if counts[name] or name in shown:
            output.line(f"{label:<18}{counts[name]:>7,}")
    rows = [row for result in run.results if result.status in ERRORS for row in _error_rows(result)]
    if rows:
        table = render.table(("line", "reference", "field", "error"), rows[:MAX_ROWS], numbers=(0,))
        output.show(render.cell(""), table)
    if len(rows) > MAX_ROWS:
        output.line(f"… and {len(rows) - MAX_ROWS:,} more; --report FILE lists all")
    if counts[SubmitStatus.ALREADY_THERE]:
        output.note("An order that is already there was submitted before; --batch LABEL submits it as a new order.")
    if counts[SubmitStatus.SKIPPED]:
        output.note(
            "Skipped orders are closed or shipped in part in the shop, or have nothing to ship; see --report FILE."
        )
    if run.tracked:
        output.line("")
        for status, count in run.tracked.by_status.items():
            output.line(f"{status:<18}{count:>7,}")


def _error_rows(result: SubmitResult) -> list[list[object]]:
    if not result.errors:
        return [[result.line, result.reference or "", "", result.detail]]
    return [[result.line, result.reference or "", error["pointer"], error["detail"]] for error in result.errors]


def raise_errors(run: SubmitRun) -> None:
    """Raise the error of a run that did not end well.

    Raises:
        CliError: the run was interrupted or stopped, an order has an error, or a result must be looked at.
    """
    counts = run.counts
    submitted = counts[SubmitStatus.ACCEPTED] + counts[SubmitStatus.ALREADY_THERE]
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
    if counts[SubmitStatus.ERROR] == run.orders:
        raise CliError(ExitCode.API, f"The API fails: {run.results[0].detail}; try again.")
    bad = [f"{counts[name]} {LABELS[name]}" for name in ERRORS if counts[name]]
    if bad:
        where = "orders[].detail and orders[].errors have" if run.context.output.as_json else "see the table for"
        raise CliError(ExitCode.INCOMPLETE, f"Of {run.orders} orders: {', '.join(bad)}; {where} the reasons.")
    _check_repeats(run)
    if run.tracked and (left := len(run.tracked.orders) - run.tracked.by_status.get("FULFILLED", 0)):
        raise CliError(ExitCode.INCOMPLETE, f"{left} of {len(run.tracked.orders)} orders are not FULFILLED.")


def _check_repeats(run: SubmitRun) -> None:
    """Report the orders that only their content identifies: they may be new orders, and not repeats."""
    repeats = [each for each in run.results if each.status is SubmitStatus.ALREADY_THERE and not each.reference]
    if repeats and not run.batch:
        raise CliError(
            ExitCode.INCOMPLETE,
            f"{len(repeats)} orders equal orders that were submitted before, and were taken as repeats of them: line "
            f"{repeats[0].line}{' and others' if len(repeats) > 1 else ''}. If they are new orders, give each an order "
            "number (column order), or the whole file a --batch LABEL.",
        )
