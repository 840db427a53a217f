"""Dependabot updates every pinned dependency, except those that must stay."""

import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
UPDATES: list[dict[str, Any]] = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text())["updates"]
LOOKED_AT = {
    each["package-ecosystem"]: [folder.strip("/") for folder in each.get("directories", [each.get("directory")])]
    for each in UPDATES
}
IGNORED = {each["package-ecosystem"]: {one["dependency-name"] for one in each.get("ignore", [])} for each in UPDATES}
PINS = {
    "pip": "requirements/*.txt",
    "docker": "Dockerfile*",
    "docker-compose": "docker-compose*.yml",
    "terraform": "terraform/**/versions.tf",
    "github-actions": ".github/actions/*/action.yml",
}


@pytest.mark.parametrize("ecosystem", PINS)
def test_dependabot_watches_every_folder_with_pins(ecosystem):
    files = {file for file in ROOT.glob(PINS[ecosystem]) if ".terraform" not in file.parts}
    folders = {file.parent.relative_to(ROOT).as_posix().removeprefix(".") for file in files}
    if ecosystem == "github-actions":  # the root stands for .github/workflows
        folders = {f".{folder}" for folder in folders} | {""}
    assert folders, f"no file matches {PINS[ecosystem]}"
    for folder in folders:
        assert any(fnmatch(folder, pattern) for pattern in LOOKED_AT[ecosystem]), folder


def test_providers_are_required_only_in_watched_folders():
    files = [file for file in (ROOT / "terraform").rglob("*.tf") if ".terraform" not in file.parts]
    requiring = {file.parent.relative_to(ROOT).as_posix() for file in files if "required_providers" in file.read_text()}
    assert requiring == {*LOOKED_AT["terraform"]}


@pytest.mark.parametrize("update", UPDATES, ids=lambda update: update["package-ecosystem"])
def test_updates_are_weekly_grouped_and_delayed(update):
    assert update["schedule"] == {"interval": "weekly"}
    assert update["cooldown"]["default-days"] >= 7
    assert [group["patterns"] for group in update["groups"].values()] == [["*"]]


def test_localstack_stays_at_its_last_version_without_account():
    image = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["localstack"]["image"]
    assert image == "${LOCALSTACK_IMAGE:-localstack/localstack:4.14.0}"
    assert IGNORED["docker-compose"] == {"localstack/localstack"}


def test_dependabot_ignores_exactly_the_packages_pinned_in_pyproject():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *(line for lines in project["optional-dependencies"].values() for line in lines)]
    exact = {each.name for each in map(Requirement, asked) if any(one.operator == "==" for one in each.specifier)}
    assert IGNORED["pip"] == exact
