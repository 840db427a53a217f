"""Options and arguments that several commands share, and their parsers."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from service.cli.durations import parse_duration, parse_instant
from service.cli.errors import CliError, ExitCode
from service.cli.render import escape
from service.orders.model import FailureKind

OrderId = Annotated[
    str, typer.Argument(metavar="ORDER_ID", show_default=False, help="The id of the order, such as ord_1f0e….")
]
Reason = Annotated[
    FailureKind | None,
    typer.Option("--reason", case_sensitive=False, help="Select the orders that failed for this reason."),
]
After = Annotated[
    str | None,
    typer.Option(
        "--after",
        metavar="TIME",
        help="Select the orders that failed at or after this time: 2026-01-31T09:30:00Z, 2026-01-31, 2h.",
    ),
]
Before = Annotated[
    str | None, typer.Option("--before", metavar="TIME", help="Select the orders that failed before this time.")
]


def duration_option(name: str, text: str) -> float:
    """Return the seconds of an option's duration.

    Raises:
        CliError: the text is not a duration.
    """
    try:
        return parse_duration(text)
    except ValueError as error:
        raise CliError(ExitCode.USAGE, f"{name} {escape(text)!r}: {error}.") from None


def instant_option(name: str, text: str) -> str:
    """Return the instant of an option, as RFC 3339.

    Raises:
        CliError: the text is not an instant.
    """
    try:
        return parse_instant(text, datetime.now(UTC))
    except ValueError as error:
        raise CliError(ExitCode.USAGE, f"{name} {escape(text)!r}: {error}.") from None


def failed_orders_query(reason: FailureKind | None, after: str | None, before: str | None) -> dict[str, str]:
    """Return the filter of failed orders as parameters of the API.

    Raises:
        CliError: a time is not valid.
    """
    query = {"reason": str(reason)} if reason else {}
    for option, name, text in (("--after", "failed_after", after), ("--before", "failed_before", before)):
        if text is not None:
            query[name] = instant_option(option, text)
    return query
