"""How a command ends: its exit code, and the sentence that says why."""

from collections.abc import Sequence
from enum import IntEnum
from typing import Any


class ExitCode(IntEnum):
    """The exit codes, which scripts rely on."""

    DONE = 0
    PARTLY = 1
    USAGE = 2
    API = 3
    NOT_AUTHORIZED = 4
    NO_SUCH_ORDER = 5
    CONFLICT = 6
    INTERRUPTED = 130

    @property
    def meaning(self) -> str:
        """What it tells the caller."""
        return _MEANINGS[self]


_MEANINGS = {
    ExitCode.DONE: "done",
    ExitCode.PARTLY: "done in part, or ended badly: orders refused, not fulfilled, not redriven, or lost",
    ExitCode.USAGE: "wrong usage, or input that cannot be read",
    ExitCode.API: "the API or AWS cannot be reached, or is failing",
    ExitCode.NOT_AUTHORIZED: "not authorized",
    ExitCode.NO_SUCH_ORDER: "no such order, or not among the failed ones",
    ExitCode.CONFLICT: "the order's state does not allow it",
    ExitCode.INTERRUPTED: "interrupted",
}


class CliError(Exception):
    """A command cannot go on. The message is for the user: what happened, to which order, what to do.

    ``errors`` are a problem's own, each with a ``pointer`` and a ``detail``.
    """

    def __init__(self, code: ExitCode, message: str, errors: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.errors = tuple(errors)
