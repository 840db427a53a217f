"""docker-compose.yml: complete settings, ports on this machine only, and minimal privileges."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.provisioning.__main__ import emulator_deployment
from service.settings import PREFIX, Settings
from service.warehouses.server.options import create_parser
from service.warehouses.signatures import read_secret

ROOT = Path(__file__).parents[2]
OURS = ("lambda", "deploy", "warehouse", "api")


def interpolated(text: str) -> str:
    """The file with the defaults of its variables, as compose reads it."""
    return re.sub(r"\$\{\w+(?::-([^}]*))?\}", lambda match: match[1] or "", text)


TEXT = (ROOT / "docker-compose.yml").read_text()
SERVICES: dict[str, Any] = yaml.safe_load(interpolated(TEXT))["services"]


def settings_of(service: str) -> dict[str, str]:
    environment = SERVICES[service]["environment"]
    return {name: str(value) for name, value in environment.items() if name.startswith(PREFIX) and value is not None}


@pytest.mark.parametrize("service", OURS)
def test_settings_are_complete_and_equal_for_all_services(service):
    assert Settings.load(settings_of(service)) == Settings.load(settings_of("lambda"))


def test_settings_name_the_deployed_function():
    names = emulator_deployment(Settings.load(settings_of("deploy"))).names
    assert SERVICES["lambda"]["environment"]["AWS_LAMBDA_FUNCTION_NAME"] == names.function


def test_every_setting_but_resource_names_can_be_set_from_the_shell():
    fixed = {"cloud", "aws_endpoint_url", "region", "environment", "orders_table", "failed_orders_table", "queue_url"}
    fixed |= {"dead_letter_queue_url", "state_machine_arn"}
    fixed |= {*(field.name for field in fields(Settings) if field.metadata["embedded_only"])}
    for name in {field.name for field in fields(Settings)} - fixed:
        variable = PREFIX + name.upper()
        assert re.search(rf"^  {variable}:(?: \$\{{{variable}:-[^}}]+\}})?$", TEXT, re.MULTILINE), (
            f"{variable}: add it to docker-compose.yml"
        )


def test_each_service_waits_for_its_dependencies():
    healthy = {"condition": "service_healthy"}
    assert SERVICES["deploy"]["depends_on"] == {"localstack": healthy, "lambda": healthy}
    assert SERVICES["api"]["depends_on"] == {"deploy": {"condition": "service_completed_successfully"}}


def test_only_one_service_builds_the_image():
    """Two services that build the same image interfere with each other."""
    assert "build" in SERVICES["lambda"]
    assert "build" not in SERVICES["api"]
    assert SERVICES["api"]["image"] == SERVICES["lambda"]["image"] == "dofs"


def test_the_emulator_has_the_timeout_of_the_function():
    assert "AWS_LAMBDA_FUNCTION_TIMEOUT: ${DOFS_FUNCTION_TIMEOUT:-10}\n" in TEXT
    assert "DOFS_FUNCTION_TIMEOUT: ${DOFS_FUNCTION_TIMEOUT:-10}\n" in TEXT
    assert SERVICES["lambda"]["environment"]["AWS_LAMBDA_FUNCTION_TIMEOUT"] == 10
    assert Settings.load(settings_of("lambda")).function_timeout == 10


def test_every_port_is_published_on_loopback_only():
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert sorted(ports) == ["127.0.0.1:4566:4566", "127.0.0.1:8000:8000", "127.0.0.1:8090:8080"]


def test_no_service_mounts_the_docker_socket():
    volumes = [volume for service in SERVICES.values() for volume in service.get("volumes", [])]
    assert volumes == ["./localstack/start.d:/etc/localstack/init/start.d:ro"]


@pytest.mark.parametrize("service", OURS)
def test_containers_are_read_only_and_have_no_capabilities(service):
    given = SERVICES[service]
    assert (given["read_only"], given["cap_drop"]) == (True, ["ALL"])
    assert given["tmpfs"] == ["/tmp:size=16m"]  # noqa: S108
    assert given["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in given
    assert "user" not in given, "the image sets the user"


def test_no_container_gets_credentials():
    """The secret of the warehouse is a public one, of the container of that name."""
    for service in SERVICES.values():
        secrets = {name for name in service["environment"] if "KEY" in name or "SECRET" in name}
        assert secrets <= {"DOFS_WAREHOUSE_SECRET"}
    assert read_secret(settings_of("lambda")["DOFS_WAREHOUSE_SECRET"]) == b"01234567890123456789012345678901"


def test_the_system_uses_the_warehouse_container_when_its_url_is_given():
    given = settings_of("lambda") | {"DOFS_WAREHOUSE_URL": "http://warehouse:8080"}
    assert Settings.load(settings_of("lambda")).warehouse_url == ""
    assert Settings.load(given).warehouse_url == "http://warehouse:8080"
    options = create_parser(settings_of("warehouse")).parse_args(SERVICES["warehouse"]["command"].split())
    assert (options.host, options.port) == ("0.0.0.0", 8080)  # noqa: S104
    assert settings_of("warehouse")["DOFS_WAREHOUSE_SECRET"] == given["DOFS_WAREHOUSE_SECRET"]


def test_the_warehouse_runs_in_the_image_that_has_its_server():
    assert SERVICES["warehouse"]["image"] == SERVICES["deploy"]["image"] == "dofs-provisioner"
    assert "build" not in SERVICES["warehouse"]


def test_the_emulator_is_pinned_and_replaceable_by_a_variable():
    assert "image: ${LOCALSTACK_IMAGE:-localstack/localstack:4.14.0}\n" in TEXT


@pytest.mark.parametrize("command", [" ".join(SERVICES["api"]["command"]), (ROOT / "Makefile").read_text()])
def test_idle_connections_outlive_those_of_clients(command):
    """The server must not be the first to close one: a request that is sent meanwhile is lost without an answer."""
    of_clients = 60  # seconds: nginx's and the default of an Application Load Balancer; httpx has 5, as uvicorn
    assert int(re.findall(r"--timeout-keep-alive (\d+)", command)[0]) > of_clients
