"""The compose stack for tests: its own project on free ports. Tests use its API and its AWS endpoint."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest

from service.provisioning.names import Names
from service.settings import Settings

ROOT = Path(__file__).parents[2]
ACCOUNT, REGION = "000000000000", "ap-south-1"
HEALTHY_WITHIN = 300  # seconds; only a stack that does not start takes so long
CREDENTIALS = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": REGION}


def require_docker() -> None:
    """Skip a test without a Docker engine; in CI, fail it."""
    missing = "no docker command" if not shutil.which("docker") else ""
    if not missing:
        version = subprocess.run(["docker", "version"], capture_output=True, text=True, check=False)
        missing = version.stderr.strip().splitlines()[-1] if version.returncode else ""
    if missing and os.environ.get("CI"):
        pytest.fail(f"CI must test the image and compose, but Docker is not available: {missing}")
    if missing:
        pytest.skip(f"needs a Docker engine: {missing}")


def docker(*command: str) -> str:
    """Run ``docker``, and return its standard output."""
    return subprocess.run(["docker", *command], capture_output=True, text=True, check=True, timeout=600).stdout


class Stack:
    """One compose project."""

    def __init__(self, project: str, **environ: str) -> None:
        self.project = project
        self.names = Names("dev", ACCOUNT, REGION)
        changing = ("DOFS_", "AWS_", "FUNCTION_IMAGE", "PROVISIONER_IMAGE", "LAMBDA_REPLICAS", "WAREHOUSE_")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(changing)}
        self._environ = {**clean, "PORT": "0", "LOCALSTACK_PORT": "0", "WAREHOUSE_PORT": "0", **environ}
        self._addresses: dict[str, str] = {}

    def compose(self, *command: str, **environ: str) -> str:
        """Run ``docker compose`` on this project, and return its standard output."""
        done = subprocess.run(
            ["docker", "compose", "--project-name", self.project, "--ansi", "never", *command],
            cwd=ROOT,
            env={**self._environ, **environ},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        if done.returncode:
            logs = "" if command[0] == "logs" else self.logs()
            raise AssertionError(f"docker compose {' '.join(command)} failed:\n{done.stderr[-3000:]}\n{logs}")
        return done.stdout

    def build(self) -> None:
        """Build the images."""
        self.compose("build", "--quiet")

    def up(self, *services: str, **environ: str) -> None:
        """Start services (all by default), and wait until they are healthy. The variables change the settings."""
        self._environ.update(environ)
        self._addresses.clear()
        self.compose("up", "--detach", "--wait", "--wait-timeout", str(HEALTHY_WITHIN), *services)

    def down(self) -> None:
        """Remove all containers and networks."""
        self.compose("down", "--timeout", "2")

    def logs(self) -> str:
        """Return the last log lines of each container."""
        return self.compose("logs", "--tail", "40")[-20_000:]

    def containers(self, service: str) -> list[str]:
        """Return the ids of a service's running containers."""
        return self.compose("ps", "--quiet", service).split()

    def restart(self, *services: str) -> None:
        """Restart the containers of some services, and wait until all services are healthy again."""
        self.compose("restart", "--timeout", "2", *services)
        self.up()

    def address(self, service: str, port: int) -> str:
        """Return the local host and port that Docker maps to a service's port."""
        if service not in self._addresses:
            self._addresses[service] = self.compose("port", service, str(port)).strip()
        return self._addresses[service]

    def api(self, access: str) -> httpx.AsyncClient:
        """Create a client of the API: through API Gateway (``gateway``) or through the API server (``server``)."""
        if access == "server":
            return httpx.AsyncClient(base_url=f"http://{self.address('api', 8000)}", timeout=60)
        host = {"Host": "dofs.execute-api.localhost:4566"}
        base = f"http://{self.address('localstack', 4566)}/dev"
        return httpx.AsyncClient(base_url=base, headers=host, timeout=60)

    def client(self, service: Any) -> Any:
        """Create a boto3 client of LocalStack."""
        return boto3.client(service, endpoint_url=f"http://{self.address('localstack', 4566)}", **CREDENTIALS)

    @property
    def settings(self) -> Settings:
        """The settings of the function."""
        return Settings.load(self.function_environment())

    def function_environment(self) -> dict[str, str]:
        """Read the function's environment variables from Lambda."""
        found = self.client("lambda").get_function_configuration(FunctionName=self.names.function)
        variables: dict[str, str] = found["Environment"]["Variables"]
        return variables

    def invoke(self, event: object) -> tuple[Any, str | None]:
        """Invoke the function. Returns its response, and Lambda's ``FunctionError`` if it failed."""
        answer = self.client("lambda").invoke(FunctionName=self.names.alias_arn, Payload=json.dumps(event))
        return json.loads(answer["Payload"].read()), answer.get("FunctionError")


@contextmanager
def running_stack(project: str, *services: str, **environ: str) -> Iterator[Stack]:
    """Start a healthy stack, and remove it at the end. The stack of an interrupted run is removed first."""
    stack = Stack(project, **environ)
    stack.down()
    try:
        stack.up(*services)
        yield stack
    finally:
        stack.down()
