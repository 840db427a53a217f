"""SECURITY.md names existing tests, every threat of OWASP's list, and every mode of the API."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from service import __version__
from service.settings import API_AUTHS

ROOT = Path(__file__).parents[2]
SECURITY = (ROOT / "SECURITY.md").read_text()
NAMED = sorted(set(re.findall(r"`((?:tests|terraform)/[\w/.-]+)::(\w+)`", SECURITY)))
OWASP = (
    "Broken Object Level Authorization",
    "Broken Authentication",
    "Broken Object Property Level Authorization",
    "Unrestricted Resource Consumption",
    "Broken Function Level Authorization",
    "Unrestricted Access to Sensitive Business Flows",
    "Server Side Request Forgery",
    "Security Misconfiguration",
    "Improper Inventory Management",
    "Unsafe Consumption of APIs",
)


@cache
def named_in(path):
    text = (ROOT / path).read_text()
    if path.endswith(".hcl"):
        return set(re.findall(r'^run "(\w+)"', text, re.MULTILINE))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.parse(text).body if isinstance(node, functions) and node.name.startswith("test")}


def section(heading):
    return SECURITY.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def rows(heading):
    """The cells of each row of a section's table, without its head."""
    lines = [line for line in section(heading).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))] for line in lines[2:]]


def test_every_test_that_is_named_exists():
    assert len(NAMED) > 40
    assert [f"{path}::{name}" for path, name in NAMED if name not in named_in(path)] == []


def test_whatever_looks_like_a_test_is_named_with_its_file():
    assert sorted(set(re.findall(r"[\w/.]+::\w+", SECURITY))) == sorted(f"{path}::{name}" for path, name in NAMED)


@pytest.mark.parametrize("heading", ["Threats", "Secrets", "Emulators"])
def test_every_attack_has_a_test_that_shows_how_it_is_stopped(heading):
    assert len(rows(heading)) > 5
    for row in rows(heading):
        assert all(row[1 if heading == "Threats" else 0 :]), row
        assert "::" in row[-1], row


def test_every_threat_of_the_list_is_there_in_its_order():
    first_cells = [row[0] for row in rows("Threats") if row[0]]
    assert first_cells == [f"**API{number} {name}**" for number, name in enumerate(OWASP, 1)]


def test_every_question_of_the_serverless_lens_is_answered():
    assert [row[0][:9] for row in rows("The serverless lens")] == ["**SEC 1**", "**SEC 2**", "**SEC 3**"]


def test_every_mode_of_the_api_is_told_of():
    assert [row[0] for row in rows("Authentication")] == [f"`{mode}`" for mode in API_AUTHS]


def test_the_version_that_gets_fixes_is_this_one():
    assert rows("Supported versions")[0][0].startswith(__version__.rpartition(".")[0] + ",")


def test_what_is_kept_is_kept_for_as_long_as_terraform_says():
    """The numbers of the table of data that are ours to set."""
    given = {
        "queue.tf": ("4 * 86400", "14 * 86400"),
        "artifacts.tf": ("days = 14",),
        "bootstrap/state.tf": ("days = 14",),
        "bootstrap/variables.tf": ('variable "state_versions_days"',),
    }
    for file, settings in given.items():
        text = (ROOT / "terraform" / file).read_text()
        assert all(setting in text for setting in settings), file
    kept = {row[0]: row[2] for row in rows("Data")}
    assert kept["messages: an order's id, its trace"].startswith("4 days; 14 days")
    assert default("variables.tf", "log_retention_days") in kept["events of executions, without data"]
    states = next(long for what, long in kept.items() if what.startswith("Terraform's states"))
    assert f"{default('bootstrap/variables.tf', 'state_versions_days')} days" in states
    assert "recovery_period_in_days" not in (ROOT / "terraform" / "tables.tf").read_text()  # AWS's own 35


def default(file, variable):
    text = (ROOT / "terraform" / file).read_text().partition(f'variable "{variable}"')[2]
    return re.search(r"default\s+= (\S+)", text)[1]
