"""Options that several commands take, and how their texts are read."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from service.cli import durations
from service.cli.errors import CliError, ExitCode
from service.cli.render import plain
from service.orders.model import FailureKind

TheReason = Annotated[
    FailureKind | None, typer.Option("--reason", case_sensitive=False, help="Those that failed for one reason.")
]
TheAfter = Annotated[
    str | None,
    typer.Option("--after", metavar="TIME", help="Failed then or later: 2026-01-31T09:30:00Z, 2026-01-31, 2h."),
]
TheBefore = Annotated[str | None, typer.Option("--before", metavar="TIME", help="Failed before then.")]


def duration(option: str, written: str) -> float:
    """The seconds that an option says.

    Raises:
        CliError: it says none.
    """
    try:
        return durations.seconds(written)
    except ValueError as error:
        raise CliError(ExitCode.USAGE, f"{option} {plain(written)!r}: {error}.") from None


def instant(option: str, written: str) -> str:
    """The instant that an option says, as RFC 3339.

    Raises:
        CliError: it says none.
    """
    try:
        return durations.instant(written, datetime.now(UTC))
    except ValueError as error:
        raise CliError(ExitCode.USAGE, f"{option} {plain(written)!r}: {error}.") from None


def failed_filter(reason: FailureKind | None, after: str | None, before: str | None) -> dict[str, str]:
    """Which failed orders are meant, as the API's parameters.

    Raises:
        CliError: a time cannot be read.
    """
    given = {"reason": str(reason)} if reason else {}
    for option, name, written in (("--after", "failed_after", after), ("--before", "failed_before", before)):
        if written is not None:
            given[name] = instant(option, written)
    return given
