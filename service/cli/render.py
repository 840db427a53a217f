"""What is written where: results to stdout, for people or as JSON; progress and errors to stderr.

Texts that come from elsewhere never reach a terminal with control characters in them, and are never read as markup.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.progress import Progress
    from rich.text import Text

GAP = 2  # columns between two columns of a table
PIPE_WIDTH = 200  # columns of a table that no terminal shows
STYLES = {"FULFILLED": "green", "FAILED": "red", "REJECTED": "red", "CANCELLED": "yellow"}
OPEN_STYLE = "cyan"


def plain(value: object) -> str:
    """A text with everything that a terminal would obey, or that has no shape, written as an escape."""
    text = str(value)
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def json_text(value: Any) -> str:
    """JSON on one line, amounts digit for digit, in ASCII only."""
    import simplejson

    return str(simplejson.dumps(value, use_decimal=True, ensure_ascii=True, separators=(",", ":")))


class Output:
    """Where a command writes. With ``as_json``, stdout holds one JSON document, or JSON Lines for streams."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json

    def json(self, value: Any) -> None:
        """Write one JSON document, or one line of a stream, at once."""
        sys.stdout.write(json_text(value) + "\n")
        sys.stdout.flush()

    def line(self, text: str) -> None:
        """Write one line for people to stdout."""
        sys.stdout.write(plain(text) + "\n")
        sys.stdout.flush()

    def show(self, *parts: "RenderableType") -> None:
        """Write tables, panels and texts to stdout."""
        target = console()
        for part in parts:
            target.print(part)

    def note(self, text: str) -> None:
        """Write one line to stderr."""
        sys.stderr.write(plain(text) + "\n")
        sys.stderr.flush()

    def progress(self) -> "Progress":
        """A progress bar on stderr; it shows itself on a terminal only."""
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        errors = console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        return Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal)


def console(stderr: bool = False) -> "Console":
    """A console that takes no text for markup, and has room when it is no terminal."""
    from rich.console import Console

    made = Console(stderr=stderr, markup=False, highlight=False, emoji=False)
    if not made.is_terminal:
        made.width = max(made.width, PIPE_WIDTH)
    return made


def cell(value: object, style: str = "") -> "Text":
    """A text of a table, as it is."""
    from rich.text import Text

    return Text("–" if value is None else plain(value), style)


def status_cell(status: object) -> "Text":
    """A status in its color."""
    return cell(status, STYLES.get(str(status), OPEN_STYLE))


def table(
    headings: Sequence[str],
    rows: Iterable[Sequence[object]],
    numbers: Iterable[int] = (),
    expendable: Iterable[int] = (),
) -> "RenderableType":
    """A table without lines. Its last column is folded where there is too little room.

    Args:
        headings: one for each column.
        rows: the cells; those that are no ``Text`` yet are made safe.
        numbers: the columns that hold numbers, counted from 0.
        expendable: the columns that are left out of a narrow terminal, the first of these first.
    """
    from rich.table import Table
    from rich.text import Text

    cells = [[each if isinstance(each, Text) else cell(each) for each in row] for row in rows]
    shown, right, room = [*range(len(headings))], frozenset(numbers), console().width
    widths = [
        max([len(heading), *(row[number].cell_len for row in cells)]) + GAP for number, heading in enumerate(headings)
    ]
    for number in expendable:
        if sum(widths[each] for each in shown) - GAP > room:
            shown.remove(number)
    made = Table(box=None, pad_edge=False, header_style="bold", show_header=any(headings))
    for number in shown:
        justify: Literal["left", "right"] = "right" if number in right else "left"
        made.add_column(headings[number], justify=justify, overflow="fold", no_wrap=number != shown[-1])
    for row in cells:
        made.add_row(*(row[number] for number in shown))
    return made


def moment(instant: object) -> str:
    """An instant in a list, to the second, in UTC: ``2026-01-31 09:30:00``."""
    return str(instant)[:19].replace("T", " ")


def count_text(count: object) -> str:
    """A count of the stats: ``2,000+`` when there are at least so many."""
    if not isinstance(count, Mapping):
        return "–"
    number = count.get("count")
    shown = f"{number:,}" if isinstance(number, int) else str(number)
    return shown if count.get("exact", True) else f"{shown}+"


def amount(order: Mapping[str, Any]) -> str:
    """What an order costs."""
    parts = (order.get("total_amount"), order.get("currency"))
    return " ".join(str(part) for part in parts if part is not None) or "–"


def order_parts(order: Mapping[str, Any]) -> "list[RenderableType]":
    """One order with all that is known of it."""
    from rich.text import Text

    head = Text.assemble(cell(order.get("order_id"), "bold"), "  ", status_cell(order.get("status")))
    facts: list[tuple[object, object]] = [
        ("customer", order.get("customer_id")),
        ("amount", amount(order)),
        ("attempts", order.get("attempts")),
        ("created", order.get("created_at")),
        ("updated", order.get("updated_at")),
    ]
    metadata = order.get("metadata")
    facts += list(metadata.items()) if isinstance(metadata, Mapping) else []
    parts: list[RenderableType] = [head, Text(), table(("", ""), facts)]
    items = [each for each in order.get("items") or () if isinstance(each, Mapping)]
    if items:
        rows = [[item.get(name) for name in ("product_id", "quantity", "price")] for item in items]
        parts += [Text(), table(("product", "quantity", "price"), rows, numbers=(1, 2))]
    errors = [each for each in order.get("errors") or () if isinstance(each, Mapping)]
    if errors:
        parts += [Text(), table(("wrong at", "what is wrong"), [(e.get("pointer"), e.get("detail")) for e in errors])]
    timeline = [each for each in order.get("timeline") or () if isinstance(each, Mapping)]
    rows = [[e.get("at"), status_cell(e.get("to")), e.get("actor"), e.get("reason")] for e in timeline]
    return [*parts, Text(), table(("at", "status", "by", "why"), rows)]
