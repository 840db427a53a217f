"""An order's story from a file of log lines: a server's, or what ``docker compose logs`` prints."""

import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from service.cli.errors import CliError, ExitCode
from service.cli.log_lines import Story

LONGEST = 1024 * 1024  # bytes of a line that is read
# What compose puts before a container's line: its name, and in 2.26, even into a pipe, "erase this line".
_PREFIX = re.compile(r"(?:\x1b\[2K)?(?:[\w.-]{1,128} *\| ?)?(?=\{)")


def read(name: str, story: Story) -> tuple[int, int]:
    """Read an order's lines.

    Args:
        name: the file's name; ``-`` for standard input.
        story: takes the lines.

    Returns:
        How many lines the file has, and how many of them are no JSON objects.

    Raises:
        CliError: it cannot be read.
    """
    try:
        with _opened(name) as file:
            count = passed_over = 0
            for number, text in _lines(file):
                count += 1
                passed_over += not story.take(number, text)
            if story.traces:
                file.seek(0)
                for number, text in _lines(file):
                    story.take(number, text)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no name of a file"
        raise CliError(ExitCode.USAGE, f"{name} cannot be read: {reason}.") from None
    return count, passed_over


@contextmanager
def _opened(name: str) -> Iterator[IO[bytes]]:
    """A file that can be read twice: a pipe is copied first, since what names no order may belong to one."""
    if name == "-":
        with tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(sys.stdin.buffer, copy)
            copy.seek(0)
            yield copy
        return
    with Path(name).open("rb") as file:
        if file.seekable():
            yield file
            return
        with tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(file, copy)
            copy.seek(0)
            yield copy


def _lines(file: IO[bytes]) -> Iterator[tuple[int, str]]:
    """The lines that are not empty, by number; of one that is too long its begin, which is no JSON object."""
    number = 0
    while line := file.readline(LONGEST):
        number += 1
        whole = line
        while len(whole) == LONGEST and not whole.endswith(b"\n"):
            whole = file.readline(LONGEST)
        text = line.decode(errors="replace").removeprefix("\ufeff").strip()
        if text:
            prefix = _PREFIX.match(text)
            yield number, text[prefix.end() :] if prefix else text
