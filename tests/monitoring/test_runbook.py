"""The commands, names and links of the runbook exist."""

import re

import pytest
from typer.main import get_command

from service.cli import app as command_line
from tests.monitoring.test_alarms import RUNBOOK, SECTIONS
from tests.monitoring.watched import ROOT

TERRAFORM = {file.name: file.read_text() for file in (ROOT / "terraform").glob("*.tf")}
NAMES = set(re.findall(r'"\$\{local\.prefix\}-([a-z-]+)-\$\{local\.suffix\}"', TERRAFORM["names.tf"]))
COMMANDS = re.findall(r"\bdofs (?:--aws )?([a-z]+)(?: ([a-z]+(?:-[a-z]+)*)\b)?", RUNBOOK)


@pytest.mark.parametrize(("name", "second"), sorted(set(COMMANDS)))
def test_each_dofs_command_of_the_runbook_exists(name, second):
    command = get_command(command_line.app).commands[name]
    if second:
        assert second in command.commands


@pytest.mark.parametrize("name", sorted(set(re.findall(r"\bdofs-([a-z-]+)-dev\b", RUNBOOK))))
def test_each_resource_name_of_the_runbook_exists_in_terraform(name):
    assert name in NAMES


@pytest.mark.parametrize("name", sorted(set(re.findall(r"terraform output -raw (\w+)", RUNBOOK))))
def test_each_terraform_output_of_the_runbook_exists(name):
    assert f'output "{name}"' in TERRAFORM["outputs.tf"]


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([a-z]+(?:_[a-z]+)+)(?: = [^`]*)?`", RUNBOOK))))
def test_each_snake_case_name_is_a_variable_or_a_log_field(name):
    log_and_metrics = {"gateway_request_id", "gave_up", "customer_id", "order_id"}
    assert f'variable "{name}"' in TERRAFORM["variables.tf"] or name in log_and_metrics


@pytest.mark.parametrize("name", sorted(set(re.findall(r"\]\(#([a-z0-9-]+)\)", RUNBOOK))))
def test_each_linked_section_exists(name):
    assert name in SECTIONS


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\((?!http|#)([^)]+)\)", RUNBOOK))))
def test_each_linked_file_exists(path):
    assert (ROOT / "docs" / path.partition("#")[0]).exists()
