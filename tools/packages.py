"""Reads the pins of ``image.txt``, and the licenses and dependencies of the installed packages."""

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from license_expression import get_spdx_licensing
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
IMAGE = ROOT / "requirements" / "image.txt"
PINNED = re.compile(
    r"^(?P<name>[a-z0-9.-]+)==(?P<version>\S+)(?P<hashes>(?: \\\n    --hash=sha256:[0-9a-f]{64})+)$", re.M
)
BASE = re.compile(r"^FROM (?:--platform=\S+ )?([\w./-]+):([\w.-]+)", re.M)
SPDX = get_spdx_licensing()

SPDX_NAMES = {
    "Apache License 2.0": "Apache-2.0",
    "License :: OSI Approved :: MIT License": "MIT",
    # python-dateutil's LICENSE: the BSD license applies to all code, also to code under Apache-2.0.
    "Dual License": "BSD-3-Clause",
}
"""SPDX expressions for licenses that packages name in their own words."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package at the version in the image."""

    name: str
    version: str
    sha256: tuple[str, ...]
    """The hashes of its files, one for each platform; pip installs one of these files."""
    installed: Distribution

    @property
    def license(self) -> str:
        """The license as an SPDX expression; empty if the metadata holds none."""
        metadata = self.installed.metadata
        classifiers = [line for line in metadata.get_all("Classifier", []) if line.startswith("License ::")]
        for declared in (metadata["License-Expression"], metadata["License"], *classifiers):
            expression = SPDX_NAMES.get(declared, declared)
            if expression and not SPDX.validate(expression).errors:
                return expression
        return ""

    def needs(self, python: str) -> set[str]:
        """The package's dependencies on Linux, without extras.

        Args:
            python: the image's version of Python, such as 3.13.
        """
        image = {"extra": "", "python_version": python, "python_full_version": f"{python}.0"}
        image |= {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}
        needed = map(Requirement, self.installed.requires or [])
        return {canonicalize_name(each.name) for each in needed if not each.marker or each.marker.evaluate(image)}


def read_pins(lock: str) -> Iterable[tuple[str, str, tuple[str, ...]]]:
    """The name, version and hashes of every package in a lock file without environment markers, such as the image's."""
    for pin in PINNED.finditer(lock):
        yield pin["name"], pin["version"], tuple(re.findall("[0-9a-f]{64}", pin["hashes"]))


def packages() -> list[Package]:
    """Every package of the image. Exits the program if this environment has another version of one, or none."""
    return [
        Package(name, version, hashes, _find(name, version)) for name, version, hashes in read_pins(IMAGE.read_text())
    ]


def _find(name: str, version: str) -> Distribution:
    try:
        found = distribution(name)
    except PackageNotFoundError:
        sys.exit(f"{name} is not installed; install requirements/dev.txt")
    if found.version != version:
        sys.exit(f"{name} is {version} in image.txt, but {found.version} is installed; install requirements/dev.txt")
    return found


def base_image() -> tuple[str, str]:
    """The name and the tag of the Dockerfile's base image."""
    ((name, tag),) = set(BASE.findall((ROOT / "Dockerfile").read_text()))
    return name, tag
