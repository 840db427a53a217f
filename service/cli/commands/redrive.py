"""``dofs redrive``: redrive failed orders."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer

from service.cli import render
from service.cli.backend import PAGE_SIZE, check_id
from service.cli.confirmation import confirm
from service.cli.context import CommandContext
from service.cli.errors import CliError, ExitCode
from service.cli.options import After, Before, Reason, failed_orders_query
from service.orders.redrive import validate_note

BATCH_SIZE = 40  # orders of one request; at the default rate of 20 per second, a request takes two seconds
_SUCCESS = frozenset({"redriven", "would_redrive", "already_redriven"})
_CODES = {
    "unknown": ExitCode.NO_SUCH_ORDER,
    "not_failed": ExitCode.CONFLICT,
    "delivery_open": ExitCode.CONFLICT,
}
_STYLES = {"redriven": "green", "would_redrive": "cyan", "already_redriven": "yellow"}
_EXAMPLES = (
    'dofs redrive ord_1f0e6a1f0c6b4a63b7c1d0b2a9e8f7c6 --note "address corrected"',
    'dofs redrive ord_1f0e6a1f0c6b4a63b7c1d0b2a9e8f7c6 --new-delivery --note "the warehouse never shipped it"',
    'dofs redrive --all --reason declined --after 2h --note "the warehouse is open again" --dry-run',
)


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("redrive", epilog="\n".join(_EXAMPLES))(redrive)


def redrive(
    ctx: typer.Context,
    note: Annotated[
        str,
        typer.Option(
            metavar="TEXT",
            show_default=False,
            help="The reason. The timeline of each order shows it, also to customers.",
        ),
    ],
    order_ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ORDER_ID]...", show_default=False, help="The ids of the orders.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Redrive all failed orders, or those that match the filter.")
    ] = False,
    reason: Reason = None,
    after: After = None,
    before: Before = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the orders that would be redriven, without any change.")
    ] = False,
    new_delivery: Annotated[
        bool,
        typer.Option(
            "--new-delivery",
            help="The warehouse never shipped the orders: cancel the old deliveries there, and send new ones.",
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
) -> None:
    """Redrive failed orders: fulfill them again, with all their attempts.

    An order that may have been shipped is sent again under the same number, so that nothing is shipped twice. Of an
    order that is PARTLY_FULFILLED, the warehouse is asked for the remainder only.
    """
    context: CommandContext = ctx.obj
    body = {"note": check_note(note), "dry_run": dry_run, **({"new_delivery": True} if new_delivery else {})}
    query = failed_orders_query(reason, after, before)
    if bool(order_ids) == everything:
        raise CliError(ExitCode.USAGE, "Give either the ids of orders, or --all.")
    if order_ids and query:
        raise CliError(ExitCode.USAGE, "--reason, --after and --before need --all.")
    if everything and new_delivery:
        raise CliError(ExitCode.USAGE, "--new-delivery needs the ids of orders: it is a decision about each of them.")
    ids = [*dict.fromkeys(check_id(each) for each in order_ids or ())]
    if everything and not (dry_run or yes):
        _confirm(query)
    results: list[Mapping[str, Any]] = []
    removed, error = 0, None
    try:
        for answer in _send_requests(context, body, ids, query, results):
            removed += answer.get("dead_letters_removed", 0)
    except CliError as raised:
        error = raised
    except KeyboardInterrupt:
        error = CliError(
            ExitCode.INTERRUPTED,
            "interrupted: the orders above are redriven. Run the same command again to redrive the others.",
        )
    _show(context, dry_run, results, removed)
    if error:
        raise error
    _raise_errors(ids, results)


def check_note(note: str) -> str:
    """Return the note of an operator.

    Raises:
        CliError: no order can have it.
    """
    try:
        return validate_note(note)
    except ValueError as error:
        raise CliError(ExitCode.USAGE, f"--note {error}.") from None


def _confirm(query: Mapping[str, str]) -> None:
    query_text = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in query.items())
    confirm(
        f"Redrive all failed orders{f' ({query_text})' if query_text else ''}?",
        "--all asks for confirmation, but there is no terminal: give --yes, or --dry-run to list the orders.",
        "no order was redriven.",
    )


def _send_requests(
    context: CommandContext,
    body: Mapping[str, Any],
    ids: Sequence[str],
    query: Mapping[str, str],
    results: list[Mapping[str, Any]],
) -> Iterator[Mapping[str, Any]]:
    """Send all requests, add the results of each answer to ``results``, and return the answer."""
    size = PAGE_SIZE if body["dry_run"] else 1 if "new_delivery" in body else BATCH_SIZE
    with context.output.progress() as bar:
        task = bar.add_task("redriving", total=len(ids) or None)
        for selection in _selections(ids, query, size, body):
            while True:
                answer = context.backend.redrive(selection)
                results.extend(answer["results"])
                bar.advance(task, len(answer["results"]))
                yield answer
                if answer["next_cursor"] is None:
                    break
                selection = {**selection, "cursor": answer["next_cursor"]}


def _selections(
    ids: Sequence[str], query: Mapping[str, str], size: int, body: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    if not ids:
        yield {**body, **query, "limit": size}
    for start in range(0, len(ids), size):
        yield {**body, "order_ids": [*ids[start : start + size]]}


def _show(context: CommandContext, dry_run: bool, results: Sequence[Mapping[str, Any]], removed: int) -> None:
    counts = Counter(str(result["outcome"]) for result in results)
    if context.output.as_json:
        report = {"dry_run": dry_run, "results": results, "counts": counts, "dead_letters_removed": removed}
        context.output.json(report)
        return
    if not results:
        context.output.note("No failed orders.")
        return
    rows = [
        [
            render.cell(result["order_id"]),
            result.get("reference"),
            render.cell(str(result["outcome"]).replace("_", " "), _STYLES.get(str(result["outcome"]), "red")),
            result.get("detail") or "",
        ]
        for result in results
    ]
    context.output.show(render.table(("order", "reference", "outcome", "detail"), rows, optional=(1,)))
    summary = ", ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in sorted(counts.items()))
    context.output.line(f"{summary}; messages removed from the dead-letter queue: {removed}")


def _raise_errors(ids: Sequence[str], results: Sequence[Mapping[str, Any]]) -> None:
    bad = [result for result in results if result["outcome"] not in _SUCCESS]
    if not bad:
        return
    if len(ids) == 1:
        only = bad[0]
        raise CliError(
            _CODES.get(str(only["outcome"]), ExitCode.INCOMPLETE),
            f"Order {only['order_id']} was not redriven: {only['detail']}.",
        )
    raise CliError(
        ExitCode.INCOMPLETE,
        f"{len(bad)} of {len(results)} orders were not redriven; see the table for the reasons.",
    )
