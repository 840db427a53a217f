"""Running `dofs`: as a user does, in a process of its own; or in this one, which is quicker."""

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.cli import main

DOFS = Path(sys.executable).parent / "dofs"
PATIENCE = 20  # seconds


@dataclass(frozen=True)
class Ran:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """The JSON Lines on stdout."""
        return [json.loads(line) for line in self.out.splitlines()]


def clean_environment(**variables: str) -> dict[str, str]:
    """The environment without anybody's settings or credentials, as wide as a wide terminal."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DOFS_", "AWS_"))}
    nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    return {**kept, **nowhere, "AWS_EC2_METADATA_DISABLED": "true", "COLUMNS": "200", **variables}


def started(*arguments: str, **variables: str) -> subprocess.Popen[str]:
    """The installed command, started."""
    return subprocess.Popen(
        [DOFS, *arguments],
        env=clean_environment(**variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def installed(*arguments: str, **variables: str) -> Ran:
    """Run the installed command."""
    process = started(*arguments, **variables)
    out, err = process.communicate(timeout=PATIENCE)
    assert "Traceback" not in err, err
    return Ran(process.returncode, out, err)


def here(*arguments: str, stdin: bytes = b"") -> Ran:
    """Run a command in this process."""
    out, err, before = io.StringIO(), io.StringIO(), sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin))
    try:
        with redirect_stdout(out), redirect_stderr(err):
            code = main(arguments)
    finally:
        sys.stdin = before
    assert "Traceback" not in err.getvalue(), err.getvalue()
    return Ran(int(code), out.getvalue(), err.getvalue())


def eventually(holds: Callable[[], Any]) -> Any:
    """What a condition comes to, once it holds."""
    ends = time.monotonic() + PATIENCE
    while not (value := holds()):
        assert time.monotonic() < ends
        time.sleep(0.02)
    return value
