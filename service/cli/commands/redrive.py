"""``dofs redrive``: send failed orders again."""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer

from service.cli import render
from service.cli.context import PAGE, CommandContext, checked_id
from service.cli.errors import CliError, ExitCode
from service.cli.options import TheAfter, TheBefore, TheReason, failed_filter

AT_ONCE = 40  # orders of one request: at 20 a second, an answer every two seconds
NOTE_LENGTH = 200
_GOOD = frozenset({"redriven", "would_redrive", "already_redriven"})
_CODES = {"unknown": ExitCode.NO_SUCH_ORDER, "not_failed": ExitCode.CONFLICT}
_STYLES = {"redriven": "green", "would_redrive": "cyan", "already_redriven": "yellow"}
_EXAMPLES = (
    'dofs redrive ord_1f0e6a1f0c6b4a63b7c1d0b2a9e8f7c6 --note "address corrected"',
    'dofs redrive --all --reason declined --after 2h --note "the warehouse is back" --dry-run',
)


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("redrive", epilog="\n".join(_EXAMPLES))(redrive)


def redrive(
    ctx: typer.Context,
    note: Annotated[
        str,
        typer.Option(
            metavar="WHY", show_default=False, help="Why; every order's timeline tells it, to its customer too."
        ),
    ],
    order_ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ORDER_ID]...", show_default=False, help="The orders.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that failed, or those that the filter takes.")] = False,
    reason: TheReason = None,
    after: TheAfter = None,
    before: TheBefore = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Send failed orders again, with all their attempts anew."""
    context: CommandContext = ctx.obj
    told = _checked_note(note)
    query = failed_filter(reason, after, before)
    if bool(order_ids) == everything:
        raise CliError(ExitCode.USAGE, "Name the orders, or give --all.")
    if order_ids and query:
        raise CliError(ExitCode.USAGE, "--reason, --after and --before go with --all.")
    named = [*dict.fromkeys(checked_id(each) for each in order_ids or ())]
    if everything and not (dry_run or yes):
        _ask(query)
    results: list[Mapping[str, Any]] = []
    removed, stopped = 0, None
    try:
        for answer in _answers(context, {"note": told, "dry_run": dry_run}, named, query, results):
            removed += answer.get("dead_letters_removed", 0)
    except CliError as stop:
        stopped = stop
    except KeyboardInterrupt:
        stopped = CliError(
            ExitCode.INTERRUPTED, "interrupted: what stands above is done. Running it again takes the rest."
        )
    _report(context, dry_run, results, removed)
    if stopped:
        raise stopped
    _end(named, results)


def _checked_note(note: str) -> str:
    told = note.strip()
    if not told or len(told) > NOTE_LENGTH or not told.isprintable():
        raise CliError(ExitCode.USAGE, f"--note takes one line of 1 to {NOTE_LENGTH} characters.")
    return told


def _ask(query: Mapping[str, str]) -> None:
    """Have the user confirm.

    Raises:
        CliError: there is nobody to ask, or the answer is no.
    """
    if not _somebody_is_there():
        raise CliError(
            ExitCode.USAGE, "--all asks for confirmation, and this is no terminal: give --yes, or --dry-run to see."
        )
    which = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in query.items())
    try:
        agreed = typer.confirm(f"Send every failed order again{f' ({which})' if which else ''}?", err=True)
    except typer.Abort:
        agreed = False
    if not agreed:
        raise CliError(ExitCode.INTERRUPTED, "nothing was done.")


def _somebody_is_there() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _answers(
    context: CommandContext,
    body: Mapping[str, Any],
    named: Sequence[str],
    query: Mapping[str, str],
    results: list[Mapping[str, Any]],
) -> Iterator[Mapping[str, Any]]:
    """Each answer of the API, whose results are put to ``results``."""
    size = PAGE if body["dry_run"] else AT_ONCE
    with context.output.progress() as bar:
        task = bar.add_task("redriving", total=len(named) or None)
        for selection in _selections(named, query, size, body):
            while True:
                answer = context.backend.redrive(selection)
                results.extend(answer["results"])
                bar.advance(task, len(answer["results"]))
                yield answer
                if answer["next_cursor"] is None:
                    break
                selection = {**selection, "cursor": answer["next_cursor"]}


def _selections(
    named: Sequence[str], query: Mapping[str, str], size: int, body: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    if not named:
        yield {**body, **query, "limit": size}
    for start in range(0, len(named), size):
        yield {**body, "order_ids": [*named[start : start + size]]}


def _report(context: CommandContext, dry_run: bool, results: Sequence[Mapping[str, Any]], removed: int) -> None:
    counts = Counter(str(each["outcome"]) for each in results)
    if context.output.as_json:
        view = {"dry_run": dry_run, "results": results, "counts": counts, "dead_letters_removed": removed}
        context.output.json(view)
        return
    if not results:
        context.output.note("No failed orders.")
        return
    rows = [
        [
            render.cell(each["order_id"]),
            render.cell(str(each["outcome"]).replace("_", " "), _STYLES.get(str(each["outcome"]), "red")),
            each.get("detail") or "",
        ]
        for each in results
    ]
    context.output.show(render.table(("order", "outcome", "detail"), rows))
    told = ", ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in sorted(counts.items()))
    context.output.line(f"{told}; dead letters removed: {removed}")


def _end(named: Sequence[str], results: Sequence[Mapping[str, Any]]) -> None:
    bad = [each for each in results if each["outcome"] not in _GOOD]
    if not bad:
        return
    if len(named) == 1:
        only = bad[0]
        raise CliError(
            _CODES.get(str(only["outcome"]), ExitCode.PARTLY),
            f"Order {only['order_id']} was not redriven: {only['detail']}.",
        )
    raise CliError(ExitCode.PARTLY, f"{len(bad)} of {len(results)} orders were not redriven; the table says why.")
