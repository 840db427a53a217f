"""An attempt ends before its lease, and the lease before the queue delivers again, in every way to run the system.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
"""

import re
from pathlib import Path

import pytest

from service.embedded.cloud import embedded_settings
from service.settings import Settings, SettingsError
from tests.provisioning.test_compose_file import settings_of
from tests.support import SETTINGS
from tests.terraform.test_variables import variables

ROOT = Path(__file__).parents[2]
RESOURCES = ("_TABLE", "_QUEUE_URL", "_MACHINE_ARN")
WAYS = ["make run", "compose", "Terraform"]


def terraform_environment() -> dict[str, str]:
    """The numbers of the function's environment in Terraform, with the defaults of their variables."""
    text, blocks = (ROOT / "terraform" / "function.tf").read_text(), variables("terraform")
    named = dict(re.findall(r"^    (DOFS_\w+) += tostring\(var\.(\w+)\)$", text, re.MULTILINE))
    defaults = {name: re.search(r"^  default += (\S+)$", blocks[name], re.MULTILINE) for name in named.values()}
    return {variable: found[1] for variable, name in named.items() if (found := defaults[name])}


def environment(way: str) -> dict[str, str]:
    """The function's environment variables in one way to run."""
    match way:
        case "make run":
            return embedded_settings({}).environment_variables()
        case "compose":
            return settings_of("lambda")
    resources = {name: value for name, value in SETTINGS.environment_variables().items() if name.endswith(RESOURCES)}
    return resources | terraform_environment()


@pytest.mark.parametrize("way", WAYS)
def test_no_attempt_outlives_its_lease(way):
    settings = Settings.load(environment(way))
    longest_attempt = settings.function_timeout  # a batch may claim an order at its start
    assert longest_attempt < settings.lease < settings.visibility_timeout
    assert settings.visibility_timeout >= 6 * settings.function_timeout


@pytest.mark.parametrize("way", WAYS)
def test_a_visibility_timeout_below_six_function_timeouts_is_refused(way):
    timeout = int(environment(way)["DOFS_FUNCTION_TIMEOUT"])
    Settings.load({**environment(way), "DOFS_VISIBILITY_TIMEOUT": str(6 * timeout)})
    with pytest.raises(SettingsError) as refused:
        Settings.load({**environment(way), "DOFS_VISIBILITY_TIMEOUT": str(6 * timeout - 1)})
    assert str(refused.value) == (
        f"DOFS_VISIBILITY_TIMEOUT={6 * timeout - 1} must be at least six times DOFS_FUNCTION_TIMEOUT, {6 * timeout}: "
        "the queue would deliver a message again during an attempt"
    )


def test_terraform_gives_the_function_the_timeouts_of_its_resources():
    given = terraform_environment()
    assert (given["DOFS_VISIBILITY_TIMEOUT"], given["DOFS_FUNCTION_TIMEOUT"]) == ("180", "30")
