"""Every Terraform variable is described and has tested validations; the README names existing variables and files."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
ROOTS = {
    "terraform": "terraform/tests/validation.tftest.hcl",
    "terraform/bootstrap": "terraform/bootstrap/bootstrap.tftest.hcl",
}


def variables(root: str) -> dict[str, str]:
    """The blocks of a root's variables, by name."""
    text = (ROOT / root / "variables.tf").read_text()
    return dict(re.findall(r'^variable "(\w+)" \{\n(.*?)^\}', text, re.MULTILINE | re.DOTALL))


CASES = [(root, name) for root in ROOTS for name in variables(root)]


@pytest.mark.parametrize(("root", "name"), CASES)
def test_a_variable_has_a_type_a_description_and_a_validation(root, name):
    block = variables(root)[name]
    assert re.search(r"^  type +=", block, re.MULTILINE)
    assert re.search(r'^  description += "[A-Z].+\."$', block, re.MULTILINE)
    assert "validation {" in block or re.search(r"^  type += bool$", block, re.MULTILINE)


@pytest.mark.parametrize(("root", "name"), CASES)
def test_each_validation_has_a_failing_case(root, name):
    lists = re.findall(r"expect_failures = \[([^\]]*)\]", (ROOT / ROOTS[root]).read_text())
    cases = sum(f"var.{name}" in re.findall(r"[\w.]+", each) for each in lists)
    assert cases >= variables(root)[name].count("validation {")


@pytest.mark.parametrize(
    ("name", "default"),
    [
        ("aws_region", '"ap-south-1"'),
        ("environment", '"dev"'),
        ("project_name", '"dofs"'),
        ("lambda_timeout", "30"),
        ("lambda_memory_size", "256"),
        ("sqs_visibility_timeout", "180"),
        ("sqs_retry_delay", "0"),
        ("sqs_max_receive_count", "3"),
        ("enable_dlq_alerting", "true"),
        ("dlq_alert_threshold", "5"),
        ("deploy_cicd_pipeline", "false"),
        ("github_repo_url", "null"),
        ("notification_email", None),
    ],
)
def test_a_variable_has_its_documented_default(name, default):
    found = re.search(r"^  default +=\s*(.*)$", variables("terraform")[name], re.MULTILINE)
    assert (found[1] if found else None) == default
    assert f"`{name}`" in README


def test_variables_and_files_of_the_readme_exist():
    section = README.partition("## On AWS")[2].partition("\n## ")[0]
    table = section.partition("| variable |")[2].partition("\n\n")[0]
    first_cells = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    named = {name for cell in first_cells for name in re.findall(r"`(\w+)`", cell)}
    assert named
    assert named <= variables("terraform").keys()
    files = re.findall(r"^\| (`[a-z]+\.tf`(?:, `[a-z]+\.tf`)*) \|", section, re.MULTILINE)
    listed = {file for row in files for file in re.findall(r"`([a-z]+\.tf)`", row)}
    there = {file.name for file in (ROOT / "terraform").glob("*.tf")}
    assert there - listed == {"variables.tf", "outputs.tf", "versions.tf", "names.tf"}
    assert listed <= there
