"""The settings, commands, files and routes in the README exist and are complete."""

import json
import re
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from service.orders.lifecycle import Status
from service.settings import EMBEDDED_DEFAULTS, PREFIX, Settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()


def row(variable: str) -> list[str]:
    line = next(line for line in README.splitlines() if line.startswith(f"| `{variable}` |"))
    return [cell.strip().strip("`") for cell in line.strip("|").split("|")]


@pytest.mark.parametrize("field", fields(Settings), ids=lambda field: field.name)
def test_every_setting_is_in_the_table_with_its_meaning_and_its_defaults(field):
    variable = PREFIX + field.name.upper()
    _, description, default, embedded = row(variable)
    assert description == field.metadata["description"].strip("`")
    shown = "–" if field.default == "" else "required" if field.default is MISSING else str(field.default)
    if field.metadata["embedded_only"]:
        assert (default, embedded) == ("–", shown)
    else:
        assert default == shown
        if field.default is not MISSING:
            assert embedded == EMBEDDED_DEFAULTS.get(variable, "the same")


def test_the_table_names_existing_settings_only():
    named = set(re.findall(r"^\| `(DOFS_\w+)` \|", README, re.MULTILINE))
    assert named == {PREFIX + field.name.upper() for field in fields(Settings)}, (
        "change the table of settings in README.md"
    )


def test_every_named_make_target_exists():
    for target in set(re.findall(r"\bmake (?:\w+=\S+ )?([a-z-]+)\b", README)) - {"and"}:
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), target


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\((?!http)([^)#]+)\)", README))))
def test_every_linked_file_exists(path):
    assert (ROOT / path).exists()


DIRECTORIES = sorted(set(re.findall(r"^\| `((?:service|tests|workflows)/[^`]*)` \|", README + CONTRIBUTING, re.M)))
"""The directories that the README (of the service) and CONTRIBUTING.md (of the tests) list."""


@pytest.mark.parametrize("folder", DIRECTORIES)
def test_every_listed_directory_exists(folder):
    assert (ROOT / folder).exists()


def test_every_directory_of_the_service_and_of_the_tests_is_listed():
    folders = [folder for parent in ("service", "tests") for folder in (ROOT / parent).iterdir() if folder.is_dir()]
    names = {f"{folder.relative_to(ROOT).as_posix()}/" for folder in folders if folder.name != "__pycache__"}
    assert names - set(DIRECTORIES) == {"tests/events/"}


def test_every_route_is_in_a_table():
    paths = json.loads((ROOT / "docs" / "openapi.json").read_text())["paths"]
    routes = {f"{method.upper()} {re.sub('{.+?}', '{id}', path)}" for path, each in paths.items() for method in each}
    cells = "\n".join(line.split("|")[1] for line in README.splitlines() if line.startswith(("| `GET", "| `POST")))
    listed = set(re.findall(r"`((?:GET|POST) [^`?]+)", cells))
    assert routes - listed == {"POST /orders"}, "add the route to README.md"
    assert listed - routes == {"GET /stats/live"}, "remove the route from README.md"


RELIABILITY = (ROOT / "docs" / "reliability.md").read_text()


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`(tests/[\w/.]+)`", RELIABILITY))))
def test_every_test_in_the_failure_model_exists(path):
    assert (ROOT / path).exists()


def test_every_failure_names_a_test():
    model = RELIABILITY.partition("## What can happen")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in model.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 15
    assert all("`tests/" in row[-1] for row in rows)


def test_every_make_target_in_the_failure_model_exists():
    for target in set(re.findall(r"`make ([a-z-]+)", RELIABILITY)):
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), target


DIAGRAM = README.partition("```mermaid")[2].partition("```")[0]


def test_the_diagram_has_every_status_of_the_transition_table():
    shown = set(re.findall(r"\b[A-Z_]{6,}\b", DIAGRAM))
    assert shown == set(Status), "change the diagram at the top of README.md"


def test_the_diagram_has_every_task_of_the_workflow():
    states = json.loads((ROOT / "workflows/order_processing.asl.json").read_text())["States"]
    tasks = {name for name, state in states.items() if state["Type"] == "Task"}
    missing = {name for name in tasks if f"[{name}" not in DIAGRAM}
    assert not missing, "add them to the diagram at the top of README.md"
