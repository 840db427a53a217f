"""Output: results go to stdout, as text or as JSON; progress and errors go to stderr.

No text from outside reaches a terminal with control characters in it, or is read as markup.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.progress import Progress
    from rich.text import Text

GAP = 2  # characters between two columns of a table
PIPE_WIDTH = 200  # characters; the width of a table outside a terminal
STYLES = {
    "FULFILLED": "green",
    "PARTLY_FULFILLED": "yellow",
    "FAILED": "red",
    "REJECTED": "red",
    "CANCELLED": "yellow",
}
OPEN_STYLE = "cyan"


def escape(value: object) -> str:
    """Return a text with every unprintable character written as an escape sequence."""
    text = str(value)
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def to_json(value: Any) -> str:
    """Return JSON on one line, in ASCII, with the digits of amounts unchanged."""
    import simplejson

    return str(simplejson.dumps(value, use_decimal=True, ensure_ascii=True, separators=(",", ":")))


class Output:
    """The output of a command. With ``as_json``, stdout has one JSON document, or JSON Lines for lists."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json

    def json(self, value: Any) -> None:
        """Write a JSON document, or one line of JSON Lines, to stdout."""
        sys.stdout.write(to_json(value) + "\n")
        sys.stdout.flush()

    def line(self, text: str) -> None:
        """Write a line of text to stdout."""
        sys.stdout.write(escape(text) + "\n")
        sys.stdout.flush()

    def show(self, *parts: "RenderableType") -> None:
        """Write tables, panels and texts to stdout."""
        target = create_console()
        for part in parts:
            target.print(part)

    def note(self, text: str) -> None:
        """Write a line to stderr."""
        sys.stderr.write(escape(text) + "\n")
        sys.stderr.flush()

    def progress(self) -> "Progress":
        """Return a progress bar on stderr. It is shown only on a terminal."""
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        console = create_console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def create_console(stderr: bool = False) -> "Console":
    """Create a console that ignores markup, and is wide if it is not a terminal."""
    from rich.console import Console

    console = Console(stderr=stderr, markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = max(console.width, PIPE_WIDTH)
    return console


def cell(value: object, style: str = "") -> "Text":
    """Return the escaped text of a cell; a dash for None."""
    from rich.text import Text

    return Text("–" if value is None else escape(value), style)


def status_cell(status: object) -> "Text":
    """Return a state in its color."""
    return cell(status, STYLES.get(str(status), OPEN_STYLE))


def table(
    headings: Sequence[str],
    rows: Iterable[Sequence[object]],
    numbers: Iterable[int] = (),
    optional: Iterable[int] = (),
) -> "RenderableType":
    """Return a table without borders. If it is too wide, its last column is wrapped.

    Args:
        headings: the heading of each column.
        rows: the cells. A cell that is not a ``Text`` is escaped.
        numbers: the indexes of the columns that are aligned right.
        optional: the indexes of the columns that a narrow terminal omits, in this order.
    """
    from rich.table import Table
    from rich.text import Text

    cells = [[each if isinstance(each, Text) else cell(each) for each in row] for row in rows]
    shown, right, room = [*range(len(headings))], frozenset(numbers), create_console().width
    widths = [
        max([len(heading), *(row[number].cell_len for row in cells)]) + GAP for number, heading in enumerate(headings)
    ]
    for number in optional:
        if sum(widths[each] for each in shown) - GAP > room:
            shown.remove(number)
    result = Table(box=None, pad_edge=False, header_style="bold", show_header=any(headings))
    for number in shown:
        justify: Literal["left", "right"] = "right" if number in right else "left"
        result.add_column(headings[number], justify=justify, overflow="fold", no_wrap=number != shown[-1])
    for row in cells:
        result.add_row(*(row[number] for number in shown))
    return result


def format_instant(instant: object) -> str:
    """Format an instant of a list, to the second, in UTC: ``2026-01-31 09:30:00``."""
    return str(instant)[:19].replace("T", " ")


def format_count(count: object) -> str:
    """Format a count of the statistics: ``2,000+`` for at least 2,000."""
    if not isinstance(count, Mapping):
        return "–"
    number = count.get("count")
    text = f"{number:,}" if isinstance(number, int) else str(number)
    return text if count.get("exact", True) else f"{text}+"
