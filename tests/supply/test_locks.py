"""The lock files have only pins with hashes, for every requirement of pyproject.toml."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = PROJECT["project"]["optional-dependencies"]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
CONDITION = r"[a-z_]+ [!<>=]+ '[\w.]+'"
PIN = re.compile(rf"([a-z0-9]+(?:-[a-z0-9]+)*)==([0-9][0-9a-z.]*)(?: ; {CONDITION}(?: and {CONDITION})*)? \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?")
ASKED = {
    "image": [*PROJECT["project"]["dependencies"], *EXTRAS["server"]],
    "dev": [*PROJECT["project"]["dependencies"], *EXTRAS["local"], *EXTRAS["cli"], *EXTRAS["dev"]],
    "checks": PROJECT["dependency-groups"]["checks"],
}


def pinned(lock: str) -> dict[str, set[str]]:
    """The versions of each package; it has two if they depend on the Python version."""
    versions: dict[str, set[str]] = {}
    for line in (ROOT / "requirements" / f"{lock}.txt").read_text().splitlines():
        if pin := PIN.fullmatch(line):
            versions.setdefault(pin[1], set()).add(pin[2])
    return versions


def test_every_lock_file_has_a_list_of_requirements():
    assert {lock.stem for lock in LOCKS} == ASKED.keys()


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_a_lock_file_has_only_pins_with_hashes(lock):
    lines = lock.read_text().splitlines()
    for line, following in zip(lines, [*lines[1:], "the end"], strict=True):
        assert PIN.fullmatch(line) or HASH.fullmatch(line), line
        assert line.endswith("\\") == bool(HASH.fullmatch(following)), line
    assert len(lines) > 2


@pytest.mark.parametrize("lock", ASKED)
def test_every_requirement_is_pinned_at_an_allowed_version(lock):
    versions = pinned(lock)
    for requirement in map(Requirement, ASKED[lock]):
        found = versions[canonicalize_name(requirement.name)]
        assert all(version in requirement.specifier for version in found), requirement


def test_development_pins_include_those_of_the_image():
    assert pinned("image").items() <= pinned("dev").items()


def test_the_image_installs_only_its_lock_file():
    text = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text())
    (install,) = re.findall(r"\bpip3? install [^&\n]*", text)
    assert {"--require-hashes", "--only-binary=:all:", "--requirement image.txt"} <= set(
        re.split(r" +(?=--)", install.strip())
    )
    assert install.split("--requirement image.txt")[1].strip() == ""
    assert not re.search(r"\b(?:yum|dnf|microdnf|curl|wget|ADD)\b", text)
