"""``dofs submit``: submit the orders of a file."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from service.cli.context import CommandContext
from service.cli.errors import CliError, ExitCode
from service.cli.options import duration_option
from service.cli.orders_file import Format, Reading, read_orders
from service.cli.shops.shop import Shop

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
        typer.Option(
            "--from",
            metavar="SHOP",
            show_default=False,
            help="Read the orders of a shop in its own form: shopify, woocommerce, medusa, saleor.",
        ),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="OURS=THEIRS",
            show_default=False,
            help="Read the column OURS below the heading THEIRS of a CSV file; repeat it for each column.",
        ),
    ] = None,
    currency: Annotated[
        str | None,
        typer.Option(
            metavar="CODE", show_default=False, help="The currency of the orders that name none, such as EUR."
        ),
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
    reading = Reading(file_format, shop, _delimiter(delimiter), _mapping(columns or []), encoding, currency)
    entries = read_orders(_read_bytes(file), file, reading)
    if not entries:
        raise CliError(ExitCode.USAGE, f"{file}: the file has no orders.")
    from service.cli.submit_file import check_file, submit_file
    from service.cli.submit_run import SubmitRun

    run = SubmitRun(context, len(entries), batch, dry_run)
    if dry_run:
        check_file(run, entries, report)
    else:
        submit_file(
            run, api, entries, report, concurrency=concurrency, lenient=lenient, seconds_to_wait=seconds_to_wait
        )


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


def _read_bytes(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "the file name is not valid"
        raise CliError(ExitCode.USAGE, f"{file} cannot be read: {reason}.") from None
