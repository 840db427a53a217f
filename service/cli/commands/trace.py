"""``dofs trace``: show the log lines of an order, from all components of the system, in order of time."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli import render
from service.cli.backend import check_id
from service.cli.context import CommandContext
from service.cli.durations import format_duration
from service.cli.errors import CliError, ExitCode
from service.cli.options import OrderId, instant_option
from service.cli.order_log import LogLine, OrderLog, offsets_ms
from service.orders import timestamps

if TYPE_CHECKING:
    from datetime import date, datetime

    from rich.text import Text

MAX_TRACES = 3  # trace ids in the heading
MAX_LENGTH = 300  # characters of a message
SUCCESS = frozenset({"ok", "fulfilled", "200", "201", "202"})
LEVEL_STYLES = {"WARNING": "yellow", "ERROR": "red", "CRITICAL": "red"}
HEADINGS = ("time (UTC)", "+ms", "event", "outcome", "attempt", "took ms", "message")
_EXAMPLES = (
    "dofs trace ord_1f0e6a1f0c6b4a63b7c1d0b2a9e8f7c6 --aws",
    "docker compose logs --no-log-prefix lambda api | dofs trace ord_1f0e6a1f0c6b4a63b7c1d0b2a9e8f7c6 --file -",
)


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("trace", epilog="\n".join(_EXAMPLES))(trace)


def trace(
    ctx: typer.Context,
    order_id: OrderId,
    file: Annotated[
        str | None,
        typer.Option("--file", metavar="FILE", help="Read a file of JSON log lines; - for standard input."),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="With --aws: show lines from this time on. By default, from the creation of the order, or 7d.",
        ),
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="With --aws: show lines from before this time.")
    ] = None,
) -> None:
    """Show the log lines of an order, from all components of the system, in order of time.

    These are the lines that name the order, and the lines of the same traces that name no order. --json shows all
    fields of the lines.
    """
    context: CommandContext = ctx.obj
    check_id(order_id)
    if context.aws == (file is not None):
        raise CliError(
            ExitCode.USAGE, "Give either --aws for the log of the deployed function, or --file FILE for JSON lines."
        )
    if file is None:
        _trace_on_aws(context, order_id, _parse_instant("--since", since), _parse_instant("--until", until))
    elif since or until:
        raise CliError(ExitCode.USAGE, "--since and --until need --aws.")
    else:
        _trace_in_file(context, order_id, file)


def _trace_on_aws(context: CommandContext, order_id: str, since: "datetime | None", until: "datetime | None") -> None:
    if since and until and until <= since:
        raise CliError(ExitCode.USAGE, "--until is not after --since.")
    search = context.aws_backend.trace(order_id, since, until)
    _show(context, search.log, search.reference)
    source = f"{search.group} in {search.region}"
    if search.skipped:
        raise CliError(
            ExitCode.INCOMPLETE,
            f"Order {order_id}: the search of {source} is incomplete, without {' and '.join(search.skipped)}: "
            "narrow it with --since and --until.",
        )
    if not search.log.lines:
        raise CliError(
            ExitCode.NO_SUCH_ORDER,
            f"Order {order_id}: {source} has no line of it since {timestamps.text(search.since)}. Lines arrive some "
            "seconds late. With DOFS_LOG_LEVEL=WARNING most lines are not written. The group's retention may have "
            "deleted older lines. Check --region, --environment and --since.",
        )


def _trace_in_file(context: CommandContext, order_id: str, file: str) -> None:
    from service.cli.log_file import read_log_file

    log = OrderLog(order_id)
    count, not_json = read_log_file(file, log)
    _show(context, log)
    if not log.lines:
        raise CliError(
            ExitCode.NO_SUCH_ORDER,
            f"Order {order_id}: none of {count:,} lines belongs to it, and {not_json:,} of them are not JSON objects. "
            "Lines are JSON with DOFS_LOG_FORMAT=json. With DOFS_LOG_LEVEL=WARNING most lines are not written.",
        )
    if not_json:
        context.output.note(f"Skipped {not_json:,} of {count:,} lines: they are not JSON objects.")


def _parse_instant(option: str, text: str | None) -> "datetime | None":
    return None if text is None else timestamps.parse(instant_option(option, text))


def _show(context: CommandContext, log: OrderLog, reference: str | None = None) -> None:
    lines = log.lines
    if context.output.as_json:
        for line in lines:
            context.output.json(line.content)
        return
    if not lines:
        return
    from rich.text import Text

    shown = [line for line in lines if not (line.is_read and str(line.content.get("outcome")) in SUCCESS)] or lines
    with_date = len(_days(shown)) > 1
    rows = [_row(line, offset, with_date=with_date) for line, offset in zip(shown, offsets_ms(shown), strict=True)]
    names = [render.cell(log.order_id, "bold"), *([render.cell(reference)] if reference else [])]
    head = Text("  ").join([*names, render.cell(_heading(log, shown, len(lines)))])
    context.output.show(head, Text(), render.table(HEADINGS, rows, numbers=(1, 4, 5), optional=(5, 4)))


def _heading(log: OrderLog, shown: list[LogLine], total: int) -> str:
    """Return the day, the number of lines, the time from the first line to the last, and the trace ids."""
    span = format_duration(max((each for each in offsets_ms(shown) if each is not None), default=0) / 1000)
    parts = [f"{len(shown)} line{'s' if len(shown) > 1 else ''} in {span}"]
    if len(shown) < total:
        parts[0] += f", without {total - len(shown)} of GET requests (--json shows them)"
    if len(days := _days(shown)) == 1:
        parts.insert(0, str(*days))
    return "  ".join([*parts, *(f"trace {_shorten(trace, 64)}" for trace in [*log.traces][:MAX_TRACES])])


def _days(lines: list[LogLine]) -> "set[date]":
    return {line.at.date() for line in lines if line.at}


def _row(line: LogLine, offset: int | None, *, with_date: bool) -> "list[Text]":
    content = line.content
    at = None if line.at is None else timestamps.text(line.at)[:-1].replace("T", " ")[0 if with_date else 11 :]
    outcome, reason = content.get("outcome"), content.get("reason")
    if reason is not None:
        outcome = f"{'' if outcome is None else outcome}: {reason}"
    success = str(outcome) in SUCCESS
    level = str(content.get("level"))
    return [
        render.cell(at, "dim"),
        render.cell(None if offset is None else f"{offset:,}"),
        render.cell(_shorten(content.get("event"), 40)),
        render.cell(_shorten(outcome, 60), "green" if success else LEVEL_STYLES.get(level, "")),
        render.cell(_shorten(content.get("attempt"), 20)),
        render.cell(_shorten(content.get("duration_ms"), 20)),
        render.cell(_shorten(_message(content), MAX_LENGTH), LEVEL_STYLES.get(level, "")),
    ]


def _message(content: dict[str, Any]) -> str:
    """Return the message with its level, if it is a warning or an error, and the last line of the traceback."""
    level, message = str(content.get("level")), str(content.get("message", ""))
    message = message.removeprefix(f"order {content.get('order_id')}: ")  # the heading names the order
    last = str(content.get("exception") or content.get("error") or "").strip().rpartition("\n")[2]
    prefix = f"{level} " if level in LEVEL_STYLES else ""
    return prefix + message + (f" ({last})" if last and last not in message else "")


def _shorten(value: object, length: int) -> str | None:
    if value is None:
        return None
    text = str(value)
    return text if len(text) <= length else f"{text[: length - 1]}…"
