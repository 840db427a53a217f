"""docker-compose.yml: it starts what the settings describe, on this machine only, with no more rights than on AWS."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.provisioning.__main__ import emulated
from service.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
OURS = ("lambda", "deploy", "api")


def interpolated(text: str) -> str:
    """The file as compose reads it where no variable is set."""
    return re.sub(r"\$\{\w+(?::-([^}]*))?\}", lambda match: match[1] or "", text)


TEXT = (ROOT / "docker-compose.yml").read_text()
SERVICES: dict[str, Any] = yaml.safe_load(interpolated(TEXT))["services"]


def settings_of(service: str) -> dict[str, str]:
    environment = SERVICES[service]["environment"]
    return {name: str(value) for name, value in environment.items() if name.startswith(PREFIX) and value is not None}


@pytest.mark.parametrize("service", OURS)
def test_its_settings_are_complete_and_the_same_for_all(service):
    assert Settings.load(settings_of(service)) == Settings.load(settings_of("lambda"))


def test_its_settings_name_the_resources_that_are_deployed():
    names = emulated(Settings.load(settings_of("deploy"))).names
    assert SERVICES["lambda"]["environment"]["AWS_LAMBDA_FUNCTION_NAME"] == names.function


def test_every_setting_can_be_changed_from_the_shell_but_for_the_names():
    fixed = {"cloud", "aws_endpoint_url", "region", "environment", "orders_table", "failed_orders_table", "queue_url"}
    fixed |= {"dead_letter_queue_url", "state_machine_arn"}
    fixed |= {*(field.name for field in fields(Settings) if field.metadata["embedded_only"])}
    for name in {field.name for field in fields(Settings)} - fixed:
        variable = PREFIX + name.upper()
        assert re.search(rf"^  {variable}:(?: \$\{{{variable}:-[^}}]+\}})?$", TEXT, re.MULTILINE), (
            f"{variable}: add it to docker-compose.yml"
        )


def test_each_waits_for_what_it_needs():
    healthy = {"condition": "service_healthy"}
    assert SERVICES["deploy"]["depends_on"] == {"localstack": healthy, "lambda": healthy}
    assert SERVICES["api"]["depends_on"] == {"deploy": {"condition": "service_completed_successfully"}}


def test_one_service_builds_the_image_and_the_other_takes_it():
    """Two that build the same name get in each other's way."""
    assert "build" in SERVICES["lambda"]
    assert "build" not in SERVICES["api"]
    assert SERVICES["api"]["image"] == SERVICES["lambda"]["image"] == "dofs"


def test_the_emulators_time_out_when_the_function_does():
    assert "AWS_LAMBDA_FUNCTION_TIMEOUT: ${DOFS_FUNCTION_TIMEOUT:-30}\n" in TEXT
    assert "DOFS_FUNCTION_TIMEOUT: ${DOFS_FUNCTION_TIMEOUT:-30}\n" in TEXT
    assert SERVICES["lambda"]["environment"]["AWS_LAMBDA_FUNCTION_TIMEOUT"] == 30
    assert Settings.load(settings_of("lambda")).function_timeout == 30


def test_every_port_is_open_to_this_machine_only():
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert sorted(ports) == ["127.0.0.1:4566:4566", "127.0.0.1:8000:8000"]


def test_no_service_is_given_the_docker_socket():
    volumes = [volume for service in SERVICES.values() for volume in service.get("volumes", [])]
    assert volumes == ["./localstack/start.d:/etc/localstack/init/start.d:ro"]


@pytest.mark.parametrize("service", OURS)
def test_our_containers_can_write_nowhere_but_to_a_small_tmp_and_have_no_capability(service):
    given = SERVICES[service]
    assert (given["read_only"], given["cap_drop"]) == (True, ["ALL"])
    assert given["tmpfs"] == ["/tmp:size=16m"]  # noqa: S108
    assert given["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in given
    assert "user" not in given, "the image says who"


def test_no_credential_is_given_to_any_container():
    for service in SERVICES.values():
        assert not {name for name in service["environment"] if "KEY" in name or "SECRET" in name}


def test_the_emulator_is_pinned_and_one_variable_swaps_it():
    assert "image: ${LOCALSTACK_IMAGE:-localstack/localstack:4.14.0}\n" in TEXT
