"""Copies the contents of the image into local folders: locked packages and the service, trimmed as in the image."""

import compileall
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import service
from tools.trim import trim

ROOT = Path(service.__file__).parents[1]
LOCK = ROOT / "requirements" / "image.txt"
INSTALLED = ROOT / "build" / f"packages-{sys.version_info.major}.{sys.version_info.minor}"
RUNTIME_CLIENT = ("awslambdaric", "runtime_client", "snapshot_restore_py", "simplejson")
UNPACKED = shutil.ignore_patterns("__pycache__")


@dataclass(frozen=True, slots=True)
class Folders:
    """The folders.

    Args:
        runtime: only AWS's runtime client, as in the base image.
        whole: every installed package of the lock file, and the service.
        trimmed: the same without the files that the image removes.
    """

    runtime: Path
    whole: Path
    trimmed: Path


@contextmanager
def folders() -> Iterator[Folders]:
    """Create the folders. The installed packages stay in ``build/`` until the lock file changes."""
    _install()
    with TemporaryDirectory() as temporary:
        made = Folders(*(Path(temporary, name) for name in ("runtime", "whole", "trimmed")))
        made.runtime.mkdir()
        for name in RUNTIME_CLIENT:
            spec = find_spec(name)
            assert spec and spec.origin, f"{name} is not installed: make test"
            source = Path(spec.origin)
            source = source.parent if source.stem == "__init__" else source
            (made.runtime / source.name).symlink_to(source)
        for folder in (made.whole, made.trimmed):
            shutil.copytree(INSTALLED, folder, ignore=UNPACKED)
            shutil.copytree(ROOT / "service", folder / "service", ignore=UNPACKED)
        trim(made.trimmed)
        for folder in (made.whole, made.trimmed):
            compileall.compile_dir(folder, quiet=2, workers=0)
        yield made


def _install() -> None:
    stamp = INSTALLED / ".lock"
    if stamp.exists() and stamp.read_text() == LOCK.read_text():
        return
    sys.stderr.write("installing the image's packages …\n")
    shutil.rmtree(INSTALLED, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    subprocess.run([*pip, "--require-hashes", "--target", str(INSTALLED), "-r", str(LOCK)], check=True)
    stamp.write_text(LOCK.read_text())
