"""The files, make targets and versions that CONTRIBUTING.md and CHANGELOG.md name exist."""

import re
from pathlib import Path

import pytest

from service import __version__

ROOT = Path(__file__).parents[2]
PAGES = {name: (ROOT / name).read_text() for name in ("CONTRIBUTING.md", "CHANGELOG.md")}
MAKEFILE = (ROOT / "Makefile").read_text()
PATH = r"(?<![\w./])((?:service|tests|terraform|workflows|docs|\.ci)/[\w./-]*\w|tests/\w+/)(?![\w…])"
"""A path in this repository, with or without code quotes."""


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_is_named_exists(page):
    named = set(re.findall(PATH, PAGES[page]))
    assert named
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_target_that_is_named_exists(page):
    targets = set(re.findall(r"(?<=`)(?:\w+=\S+ )?make ([a-z-]+)", PAGES[page]))
    assert targets
    assert [each for each in sorted(targets) if not re.search(rf"^{each}:", MAKEFILE, re.MULTILINE)] == []


def test_the_example_of_a_single_test_names_a_test():
    examples = re.findall(r"pytest (tests/\S+\.py) -k (\w+)", PAGES["CONTRIBUTING.md"])
    assert examples
    assert [each for each in examples if not re.search(rf"def test_\w*{each[1]}", (ROOT / each[0]).read_text())] == []


def test_the_latest_release_in_the_changelog_is_this_version():
    assert re.findall(r"^## \[(.+?)\]", PAGES["CHANGELOG.md"], re.MULTILINE)[:2] == ["Unreleased", __version__]
