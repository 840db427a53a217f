"""``dofs trace``: an order's log lines, from all parts of the system, in their order."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli import durations, render
from service.cli.commands.orders import TheOrder
from service.cli.context import CommandContext, checked_id
from service.cli.errors import CliError, ExitCode
from service.cli.log_lines import Line, Story, milliseconds
from service.cli.options import instant
from service.orders import timestamps

if TYPE_CHECKING:
    from datetime import date, datetime

    from rich.text import Text

NAMED = 3  # traces that are named
LONGEST = 300  # characters of a cell
GOOD = frozenset({"ok", "fulfilled", "200", "201", "202"})
LEVEL_STYLES = {"WARNING": "yellow", "ERROR": "red", "CRITICAL": "red"}
HEADINGS = ("time (UTC)", "+ms", "event", "outcome", "attempt", "took ms", "what happened")
_EXAMPLES = (
    "dofs trace ord_1f0e6a1f0c6b4a63b7c1d0b2a9e8f7c6 --aws",
    "docker compose logs --no-log-prefix lambda api | dofs trace ord_1f0e6a1f0c6b4a63b7c1d0b2a9e8f7c6 --file -",
)


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("trace", epilog="\n".join(_EXAMPLES))(trace)


def trace(
    ctx: typer.Context,
    order_id: TheOrder,
    file: Annotated[
        str | None, typer.Option("--file", metavar="FILE", help="A log of JSON lines in place of AWS's; - is stdin.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="With --aws: lines of then or later; since the order was created, or 7d, if not given.",
        ),
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="With --aws: lines of before then.")] = None,
) -> None:
    """Show an order's log lines in their order, whichever part of the system wrote them.

    They are those that name the order, and those of the same traces that name no order. --json shows them whole.
    """
    context: CommandContext = ctx.obj
    checked_id(order_id)
    if context.aws == (file is not None):
        raise CliError(
            ExitCode.USAGE, "Say where the log is: --aws for the deployed function's, or --file FILE for JSON lines."
        )
    if file is None:
        _from_aws(context, order_id, _instant("--since", since), _instant("--until", until))
    elif since or until:
        raise CliError(ExitCode.USAGE, "--since and --until go with --aws.")
    else:
        _from_file(context, order_id, file)


def _from_aws(context: CommandContext, order_id: str, since: "datetime | None", until: "datetime | None") -> None:
    if since and until and until <= since:
        raise CliError(ExitCode.USAGE, "--until is not after --since.")
    found = context.aws_backend.trace(order_id, since, until)
    _show(context, found.story)
    where = f"{found.group} in {found.region}"
    if found.cut:
        raise CliError(
            ExitCode.PARTLY,
            f"Order {order_id}: {where} was searched in part only, without {' and '.join(found.cut)}: "
            "narrow it with --since and --until.",
        )
    if not found.story.lines:
        raise CliError(
            ExitCode.NO_SUCH_ORDER,
            f"Order {order_id}: no line of {where} since {timestamps.text(found.since)} tells of it. "
            "Lines come seconds late; at DOFS_LOG_LEVEL=WARNING most are never written; "
            "older ones may be gone (the group's retention); --region, --environment and --since may be others.",
        )


def _from_file(context: CommandContext, order_id: str, file: str) -> None:
    from service.cli import log_file

    story = Story(order_id)
    count, passed_over = log_file.read(file, story)
    _show(context, story)
    if not story.lines:
        raise CliError(
            ExitCode.NO_SUCH_ORDER,
            f"Order {order_id}: none of {count:,} lines tells of it, and {passed_over:,} of them are no JSON objects. "
            "Lines are JSON with DOFS_LOG_FORMAT=json; at DOFS_LOG_LEVEL=WARNING most are never written.",
        )
    if passed_over:
        context.output.note(f"{passed_over:,} of {count:,} lines are no JSON objects, and were passed over.")


def _instant(option: str, written: str | None) -> "datetime | None":
    return None if written is None else timestamps.parse(instant(option, written))


def _show(context: CommandContext, story: Story) -> None:
    lines = story.lines
    if context.output.as_json:
        for line in lines:
            context.output.json(line.content)
        return
    if not lines:
        return
    from rich.text import Text

    told = [line for line in lines if not (line.is_read and str(line.content.get("outcome")) in GOOD)] or lines
    rows = [_row(line, gap, whole=len(_days(told)) > 1) for line, gap in zip(told, milliseconds(told), strict=True)]
    head = Text.assemble(render.cell(story.order_id, "bold"), "  ", render.cell(_head(story, told, len(lines))))
    context.output.show(head, Text(), render.table(HEADINGS, rows, numbers=(1, 4, 5), expendable=(5, 4)))


def _head(story: Story, told: list[Line], of: int) -> str:
    """The day, how many lines there are, the time between the first and the last, and their traces."""
    took = durations.shown(max((each for each in milliseconds(told) if each is not None), default=0) / 1000)
    parts = [f"{len(told)} line{'s' if len(told) > 1 else ''} in {took}"]
    if len(told) < of:
        parts[0] += f", and {of - len(told)} of who looked at it (--json shows them)"
    if len(days := _days(told)) == 1:
        parts.insert(0, str(*days))
    return "  ".join([*parts, *(f"trace {_short(each, 64)}" for each in [*story.traces][:NAMED])])


def _days(lines: list[Line]) -> "set[date]":
    return {line.at.date() for line in lines if line.at}


def _row(line: Line, gap: int | None, *, whole: bool) -> "list[Text]":
    content = line.content
    at = None if line.at is None else timestamps.text(line.at)[:-1].replace("T", " ")[0 if whole else 11 :]
    outcome, reason = content.get("outcome"), content.get("reason")
    if reason is not None:
        outcome = f"{'' if outcome is None else outcome}: {reason}"
    good = str(outcome) in GOOD
    level = str(content.get("level"))
    return [
        render.cell(at, "dim"),
        render.cell(None if gap is None else f"{gap:,}"),
        render.cell(_short(content.get("event"), 40)),
        render.cell(_short(outcome, 60), "green" if good else LEVEL_STYLES.get(level, "")),
        render.cell(_short(content.get("attempt"), 20)),
        render.cell(_short(content.get("duration_ms"), 20)),
        render.cell(_short(_happened(content), LONGEST), LEVEL_STYLES.get(level, "")),
    ]


def _happened(content: dict[str, Any]) -> str:
    """The message, after a level that wants attention, with the last line of a traceback."""
    level, told = str(content.get("level")), str(content.get("message", ""))
    told = told.removeprefix(f"order {content.get('order_id')}: ")  # which stands above all lines
    last = str(content.get("exception") or content.get("error") or "").strip().rpartition("\n")[2]
    return (f"{level} " if level in LEVEL_STYLES else "") + told + (f" ({last})" if last and last not in told else "")


def _short(value: object, most: int) -> str | None:
    if value is None:
        return None
    text = str(value)
    return text if len(text) <= most else f"{text[: most - 1]}…"
