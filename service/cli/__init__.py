"""``dofs``, the command line."""

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: what stands after ``dofs``; the process's own arguments if None.

    Returns:
        The exit code, one of ``service.cli.errors.ExitCode``.
    """
    try:
        from service.cli.app import run
    except ModuleNotFoundError as missing:
        sys.stderr.write(f"dofs needs {missing.name}: pip install -e '.[cli]'\n")
        return 2
    return run(arguments)
