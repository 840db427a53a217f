"""What ``image.txt`` pins, and what the installed packages say of themselves: of what license, and what they need."""

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

SAID_OTHERWISE = {
    "Apache License 2.0": "Apache-2.0",
    "License :: OSI Approved :: MIT License": "MIT",
    # Its LICENSE: the BSD license applies to all code, to what Apache-2.0 covers as well.
    "Dual License": "BSD-3-Clause",
}
"""What packages say in words of their own, in SPDX's."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package at the version that the image gets."""

    name: str
    version: str
    sha256: tuple[str, ...]
    """Of each of its files for any platform; pip installs one of these."""
    installed: Distribution

    @property
    def license(self) -> str:
        """As an SPDX expression; empty where the package says nothing that SPDX knows."""
        metadata = self.installed.metadata
        classifiers = [line for line in metadata.get_all("Classifier", []) if line.startswith("License ::")]
        for said in (metadata["License-Expression"], metadata["License"], *classifiers):
            expression = SAID_OTHERWISE.get(said, said)
            if expression and not SPDX.validate(expression).errors:
                return expression
        return ""

    def needs(self, python: str) -> set[str]:
        """The packages that it needs on Linux, without extras.

        Args:
            python: the image's version of Python, as 3.13.
        """
        image = {"extra": "", "python_version": python, "python_full_version": f"{python}.0"}
        image |= {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}
        needed = map(Requirement, self.installed.requires or [])
        return {canonicalize_name(each.name) for each in needed if not each.marker or each.marker.evaluate(image)}


def locked(lock: str) -> Iterable[tuple[str, str, tuple[str, ...]]]:
    """The name, version and hashes of every package of a lock whose pins hold everywhere, as the image's."""
    for pin in PINNED.finditer(lock):
        yield pin["name"], pin["version"], tuple(re.findall("[0-9a-f]{64}", pin["hashes"]))


def packages() -> list[Package]:
    """Every package that is installed for the image; it ends the program where another version is installed here."""
    return [
        Package(name, version, hashes, _installed(name, version)) for name, version, hashes in locked(IMAGE.read_text())
    ]


def _installed(name: str, version: str) -> Distribution:
    try:
        found = distribution(name)
    except PackageNotFoundError:
        sys.exit(f"{name} is not installed here")
    if found.version != version:
        sys.exit(f"{name} is {version} in image.txt and {found.version} here")
    return found


def base_image() -> tuple[str, str]:
    """The name and the tag of the image that ours is made from."""
    ((name, tag),) = set(BASE.findall((ROOT / "Dockerfile").read_text()))
    return name, tag
