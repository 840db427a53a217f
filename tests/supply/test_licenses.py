"""Which licenses the image's packages may come under."""

from dataclasses import dataclass
from importlib.metadata import Distribution
from pathlib import Path

import pytest

from tools.licenses import allowed, page
from tools.packages import Package, packages

ROOT = Path(__file__).parents[2]


@dataclass
class Metadata(Distribution):
    """A package that is nothing but what it says of itself."""

    text: str

    def read_text(self, filename: str) -> str | None:
        return f"Metadata-Version: 2.4\nName: some\nVersion: 1\n{self.text}" if filename == "METADATA" else None

    def locate_file(self, path: object) -> Path:
        return Path(str(path))


def saying(text: str) -> Package:
    return Package("some", "1", (), Metadata(text))


def test_the_page_is_what_the_packages_say():
    assert (ROOT / "docs" / "licenses.md").read_text() == page(packages())


@pytest.mark.parametrize("expression", ["MIT", "MIT OR GPL-3.0-only", "MIT AND (AFL-2.1 OR Apache-2.0)"])
def test_a_license_that_leaves_an_allowed_choice_is_allowed(expression):
    assert allowed(expression)


@pytest.mark.parametrize("expression", ["", "GPL-3.0-only", "MIT AND GPL-3.0-only", "Apache-2.0 WITH LLVM-exception"])
def test_any_other_is_not(expression):
    assert not allowed(expression)


@pytest.mark.parametrize("said", ["License-Expression: GPL-3.0-only", "License: as you like", ""])
def test_the_package_is_named_that_comes_under_another_license(said):
    with pytest.raises(SystemExit, match="some is licensed under"):
        page([saying(said)])


@pytest.mark.parametrize(
    "said",
    ["License-Expression: MIT\nLicense: GPL", "License: MIT", "Classifier: License :: OSI Approved :: MIT License"],
)
def test_a_license_is_read_from_wherever_packages_say_it(said):
    assert saying(said).license == "MIT"
