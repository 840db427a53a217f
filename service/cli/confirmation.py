"""Asks the user for confirmation."""

import sys

import typer

from service.cli.errors import CliError, ExitCode


def confirm(question: str, without_terminal: str, refused: str) -> None:
    """Ask the user a question, and go on if the answer is yes.

    Args:
        question: the question.
        without_terminal: the error if there is no terminal.
        refused: what was not done, if the answer is no.

    Raises:
        CliError: the answer is no, or there is no terminal.
    """
    if not _has_terminal():
        raise CliError(ExitCode.USAGE, without_terminal)
    try:
        confirmed = typer.confirm(question, err=True)
    except typer.Abort:
        confirmed = False
    if not confirmed:
        raise CliError(ExitCode.INTERRUPTED, refused)


def _has_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()
