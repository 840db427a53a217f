"""``dofs``, the command line."""

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: the arguments after ``dofs``; those of the process if None.

    Returns:
        The exit code, one of ``service.cli.errors.ExitCode``.
    """
    try:
        from service.cli.app import run
    except ModuleNotFoundError as error:
        sys.stderr.write(f"dofs needs {error.name}: pip install -e '.[cli]'\n")
        return 2
    return run(arguments)
