"""The exit codes, and the error that ends a command."""

from collections.abc import Sequence
from enum import IntEnum
from typing import Any


class ExitCode(IntEnum):
    """The exit codes. Scripts rely on them."""

    DONE = 0
    INCOMPLETE = 1
    USAGE = 2
    API = 3
    NOT_AUTHORIZED = 4
    NO_SUCH_ORDER = 5
    CONFLICT = 6
    INTERRUPTED = 130

    @property
    def meaning(self) -> str:
        """The meaning of the code, for the help text."""
        return _MEANINGS[self]


_MEANINGS = {
    ExitCode.DONE: "success",
    ExitCode.INCOMPLETE: "some orders were refused, not fulfilled, not redriven, or lost; or a check failed",
    ExitCode.USAGE: "wrong usage, or input that cannot be read",
    ExitCode.API: "the API or AWS cannot be reached, or fails",
    ExitCode.NOT_AUTHORIZED: "not authorized",
    ExitCode.NO_SUCH_ORDER: "no such order, or the order has not failed",
    ExitCode.CONFLICT: "the state of the order does not allow it",
    ExitCode.INTERRUPTED: "interrupted",
}


class CliError(Exception):
    """A command cannot continue.

    Args:
        code: the exit code.
        message: what happened, to which order, and what to do next.
        errors: the field errors of a problem, each with a ``pointer`` and a ``detail``.
    """

    def __init__(self, code: ExitCode, message: str, errors: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.errors = tuple(errors)
