"""Runs `dofs`: in a process of its own as a user does, or in this process, which is faster."""

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.cli import main
from tests.polling import PATIENCE

DOFS = Path(sys.executable).parent / "dofs"


@dataclass(frozen=True)
class CommandResult:
    """The result of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The JSON document on stdout."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """The JSON Lines on stdout."""
        return [json.loads(line) for line in self.out.splitlines()]


def clean_environment(**variables: str) -> dict[str, str]:
    """The environment without settings and credentials, and with a wide terminal."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DOFS_", "AWS_"))}
    nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    return {**kept, **nowhere, "AWS_EC2_METADATA_DISABLED": "true", "COLUMNS": "200", **variables}


def start_installed(*arguments: str, **variables: str) -> subprocess.Popen[str]:
    """Start the installed command."""
    return subprocess.Popen(
        [DOFS, *arguments],
        env=clean_environment(**variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_installed(*arguments: str, **variables: str) -> CommandResult:
    """Run the installed command."""
    process = start_installed(*arguments, **variables)
    out, err = process.communicate(timeout=PATIENCE)
    assert "Traceback" not in err, err
    return CommandResult(process.returncode, out, err)


def run(*arguments: str, stdin: bytes = b"") -> CommandResult:
    """Run a command in this process."""
    out, err, before = io.StringIO(), io.StringIO(), sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin))
    try:
        with redirect_stdout(out), redirect_stderr(err):
            code = main(arguments)
    finally:
        sys.stdin = before
    assert "Traceback" not in err.getvalue(), err.getvalue()
    return CommandResult(int(code), out.getvalue(), err.getvalue())
