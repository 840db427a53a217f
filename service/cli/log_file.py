"""Reads the log lines of an order from a file, such as the output of ``docker compose logs``."""

import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from service.cli.errors import CliError, ExitCode
from service.cli.order_log import OrderLog

MAX_LENGTH = 1024 * 1024  # bytes; the rest of a longer line is skipped
# Docker Compose writes the container's name before a line; version 2.26 also writes "erase this line" into a pipe.
_PREFIX = re.compile(r"(?:\x1b\[2K)?(?:[\w.-]{1,128} *\| ?)?(?=\{)")


def read_log_file(name: str, log: OrderLog) -> tuple[int, int]:
    """Read the lines of an order.

    Args:
        name: the file's name; ``-`` for standard input.
        log: takes the lines.

    Returns:
        The number of lines in the file, and the number of those that are not JSON objects.

    Raises:
        CliError: the file cannot be read.
    """
    try:
        with _open_seekable(name) as file:
            count = not_json = 0
            for number, text in _read_lines(file):
                count += 1
                not_json += not log.add(number, text)
            if log.traces:
                file.seek(0)
                for number, text in _read_lines(file):
                    log.add(number, text)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "the file name is not valid"
        raise CliError(ExitCode.USAGE, f"{name} cannot be read: {reason}.") from None
    return count, not_json


@contextmanager
def _open_seekable(name: str) -> Iterator[IO[bytes]]:
    """Open a file that can be read twice. A pipe is copied first."""
    if name == "-":
        with _copy(sys.stdin.buffer) as copy:
            yield copy
        return
    with Path(name).open("rb") as file:
        if file.seekable():
            yield file
            return
        with _copy(file) as copy:
            yield copy


@contextmanager
def _copy(file: IO[bytes]) -> Iterator[IO[bytes]]:
    with tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(file, copy)
        copy.seek(0)
        yield copy


def _read_lines(file: IO[bytes]) -> Iterator[tuple[int, str]]:
    """Read the lines that are not empty, with their numbers. A line above ``MAX_LENGTH`` is cut, and thus not JSON."""
    number = 0
    while line := file.readline(MAX_LENGTH):
        number += 1
        part = line
        while len(part) == MAX_LENGTH and not part.endswith(b"\n"):
            part = file.readline(MAX_LENGTH)
        text = line.decode(errors="replace").removeprefix("\ufeff").strip()
        if text:
            prefix = _PREFIX.match(text)
            yield number, text[prefix.end() :] if prefix else text
