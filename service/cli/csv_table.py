"""Reads a CSV file as a table: its separator, its headings under any name that shops use, and its rows."""

import csv
import io
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from service.cli.errors import CliError, ExitCode

SEPARATORS = (",", ";", "\t", "|")
_TEXT_FORMULA = re.compile('="([^"]*)"')
_ESCAPE = re.compile("^'(?=[=+@-])")
_SHORTENED = re.compile(r"[0-9]([.,][0-9]+)?E\+[0-9]+")
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\r?\n', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns that a file may have.

    Args:
        required: the columns without which no order can be read.
        optional: the other columns.
        prefixes: beginnings of further columns, such as ``metadata.``.
        aliases: other headings of columns, in lower case without spaces and signs.
        substitutes: a column that may stand for a required one.
        ids: the columns with numbers and ids, which a spreadsheet may have shortened.
        ignores_others: whether the file may have other columns, which have no meaning.
    """

    required: Sequence[str]
    optional: Sequence[str]
    prefixes: Sequence[str] = ()
    aliases: Mapping[str, str] | None = None
    substitutes: Mapping[str, str] = field(default_factory=dict)
    ids: Sequence[str] = ()
    ignores_others: bool = False

    def name_of(self, heading: str) -> str:
        """The column that a heading names; the heading itself if it names none."""
        known = (*self.required, *self.optional)
        plain = re.sub(r"[^a-z0-9]", "", heading.lower())
        by_form = {re.sub(r"[^a-z0-9]", "", each): each for each in known}
        if heading in known or heading.startswith(tuple(self.prefixes)):
            return heading
        return by_form.get(plain) or (self.aliases or {}).get(plain) or heading

    def is_known(self, name: str) -> bool:
        """Whether a name is one of a column."""
        return name in (*self.required, *self.optional) or any(
            name.startswith(prefix) and name != prefix for prefix in self.prefixes
        )


@dataclass(frozen=True, slots=True)
class Row:
    """A row by its columns, or why it cannot be read."""

    line: int
    cells: dict[str, str]
    error: str | None = None


def first_row(text: str) -> str:
    """The first line that is not empty, and is not Excel's ``sep=``."""
    lines = (line for line in text.splitlines() if line.strip() and not line.strip('"').lower().startswith("sep="))
    return next(lines, "")


def read_table(
    text: str, name: str, columns: Columns, *, delimiter: str | None = None, mapping: Mapping[str, str] | None = None
) -> Iterator[Row]:
    """Read the rows of a CSV file that are not empty.

    Args:
        text: the text of the file; its first row names the columns. Excel's ``sep=;`` may stand before it.
        name: the file's name, for error messages.
        columns: the columns that it may have.
        delimiter: the separator; found by the headings if None.
        mapping: headings of the file by the column that they name.

    Raises:
        CliError: a column is missing, unknown or repeated.
    """
    skipped, given = 0, delimiter
    if declared := _SEPARATOR_LINE.match(text):
        text, skipped, delimiter = text[declared.end() :], 1, delimiter or declared[1]
    delimiter = delimiter or _find_separator(text, columns, mapping or {})
    rows = _read_rows(csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter), skipped)
    _, first = next(rows, (0, []))
    if isinstance(first, str):
        raise CliError(ExitCode.USAGE, f"{name}: {first}")
    headings = _name_columns(first, columns, mapping or {})
    if len(headings) > 1:
        _check_mapping(mapping or {}, first, columns, name)
    _check_headings(headings, first, columns, name, given)
    for line, row in rows:
        if isinstance(row, str):
            yield Row(line, {}, row)
            continue
        cells = dict(zip(headings, map(_read_cell, row), strict=False))
        error = _find_shortened(cells, columns)
        if len(row) != len(headings):
            error = f"the row has {len(row)} cells, but the file has {len(headings)} columns"
        yield Row(line, cells, error)


def _read_cell(cell: str) -> str:
    """Remove what keeps a spreadsheet from changing a cell: ``="00123"`` is 00123, and ``'-1.00`` is -1.00."""
    cell = cell.strip()
    formula = _TEXT_FORMULA.fullmatch(cell)
    return formula[1] if formula else _ESCAPE.sub("", cell)


def _find_shortened(cells: Mapping[str, str], columns: Columns) -> str | None:
    """The error of a row whose order number or id has lost digits: two of them could be the same."""
    for name in columns.ids:
        if _SHORTENED.fullmatch(cells.get(name, "")):
            return (
                f"{name} is {cells[name]}, which a spreadsheet writes for a longer number. "
                "Format the column as text, and export the file again"
            )
    return None


def _find_separator(text: str, columns: Columns, mapping: Mapping[str, str]) -> str:
    """The separator with which the first row names the most columns; of several, the one with the most headings."""
    first = first_row(text)

    def count(separator: str) -> tuple[int, int]:
        try:
            headings = next(csv.reader([first], delimiter=separator), [])
        except csv.Error:
            return 0, 0
        return sum(map(columns.is_known, _name_columns(headings, columns, mapping))), len(headings)

    return max(SEPARATORS, key=count)


def _name_columns(headings: Sequence[str], columns: Columns, mapping: Mapping[str, str]) -> list[str]:
    given = {theirs: ours for ours, theirs in mapping.items()}
    return [given.get(heading) or columns.name_of(heading) for heading in map(_strip, headings)]


def _strip(heading: str) -> str:
    return heading.strip().removeprefix("\ufeff")


def _read_rows(reader: Any, skipped: int) -> Iterator[tuple[int, list[str] | str]]:
    """Read each row that is not empty, with the line on which it begins. An invalid row is an error message."""
    while True:
        line = reader.line_num + 1 + skipped
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, f"the row is not valid CSV ({error})"
            continue
        if any(cell.strip() for cell in row):
            yield line, row


def _check_mapping(mapping: Mapping[str, str], headings: Sequence[str], columns: Columns, name: str) -> None:
    stripped = [*map(_strip, headings)]
    for ours, theirs in mapping.items():
        if not columns.is_known(ours) and not columns.ignores_others:
            raise CliError(ExitCode.USAGE, f"--map: {ours!r} is not a column. The columns are {_list(columns)}.")
        if theirs not in stripped:
            raise CliError(
                ExitCode.USAGE,
                f"{name}: --map: there is no heading {theirs!r}. The headings are {', '.join(stripped)}.",
            )


def _list(columns: Columns) -> str:
    return ", ".join((*columns.required, *columns.optional, *(f"{prefix}NAME" for prefix in columns.prefixes)))


def _check_headings(
    headings: Sequence[str], given: Sequence[str], columns: Columns, name: str, delimiter: str | None
) -> None:
    unknown = [each or "(empty)" for each in headings if not columns.is_known(each) and not columns.ignores_others]
    missing = [each for each in columns.required if not {each, columns.substitutes.get(each)} & {*headings}]
    known = [each for each in headings if columns.is_known(each)]
    repeated = [
        f"{each} ({', '.join(_strip(one) for one, ours in zip(given, headings, strict=True) if ours == each)})"
        for each in sorted({*known})
        if known.count(each) > 1
    ]
    problems = [
        f"{problem} {', '.join(found)}"
        for problem, found in (("missing", missing), ("unknown", unknown), ("repeated", repeated))
        if found
    ]
    if not problems:
        return
    if len(headings) == 1:
        used = f" with --delimiter {delimiter!r}" if delimiter else ""
        raise CliError(
            ExitCode.USAGE, f"{name}: the first row has one column only{used}; give the separator with --delimiter."
        )
    ours, theirs = (missing or ["OURS"])[0], (unknown or ["THEIRS"])[0]
    raise CliError(
        ExitCode.USAGE,
        f"{name}: columns {'; '.join(problems)}. The columns are {_list(columns)}. "
        f"--map {shlex.quote(f'{ours}={theirs}')} names a column of the file that is called otherwise.",
    )
