"""The allowed licenses of the image's packages."""

from dataclasses import dataclass
from importlib.metadata import Distribution
from pathlib import Path

import pytest

from tools.licenses import is_allowed, page
from tools.packages import Package, packages

ROOT = Path(__file__).parents[2]


@dataclass
class Metadata(Distribution):
    """A package that consists of metadata only."""

    text: str

    def read_text(self, filename: str) -> str | None:
        return f"Metadata-Version: 2.4\nName: some\nVersion: 1\n{self.text}" if filename == "METADATA" else None

    def locate_file(self, path: object) -> Path:
        return Path(str(path))


def package_with(text: str) -> Package:
    return Package("some", "1", (), Metadata(text))


def test_the_licenses_page_is_up_to_date():
    assert (ROOT / "docs" / "licenses.md").read_text() == page(packages())


@pytest.mark.parametrize("expression", ["MIT", "MIT OR GPL-3.0-only", "MIT AND (AFL-2.1 OR Apache-2.0)"])
def test_an_expression_with_an_allowed_choice_is_allowed(expression):
    assert is_allowed(expression)


@pytest.mark.parametrize("expression", ["", "GPL-3.0-only", "MIT AND GPL-3.0-only", "Apache-2.0 WITH LLVM-exception"])
def test_other_licenses_are_not_allowed(expression):
    assert not is_allowed(expression)


@pytest.mark.parametrize("said", ["License-Expression: GPL-3.0-only", "License: as you like", ""])
def test_a_package_with_another_license_is_reported(said):
    with pytest.raises(SystemExit, match=r"some: license .* is not allowed"):
        page([package_with(said)])


@pytest.mark.parametrize(
    "said",
    ["License-Expression: MIT\nLicense: GPL", "License: MIT", "Classifier: License :: OSI Approved :: MIT License"],
)
def test_a_license_is_read_from_each_metadata_field(said):
    assert package_with(said).license == "MIT"
