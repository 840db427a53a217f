"""The Terraform root, applied to the LocalStack of the compose stack with the real AWS provider."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.settings import Settings
from tests.compose.stack import ROOT, Stack

VARIABLES = {
    "notification_email": "orders@example.com",
    "image_uri": f"000000000000.dkr.ecr.ap-south-1.amazonaws.com/dofs@sha256:{0:064}",
    "lambda_timeout": "15",
    "sqs_visibility_timeout": "90",
    "sqs_retry_delay": "2",
    "dlq_alert_threshold": "1",
}
"""The image is never pulled, because LocalStack invokes the containers. The timings keep the tests short."""

OVERRIDE = """
terraform {
  backend "local" {}
}

provider "aws" {
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_metadata_api_check     = true

  # LocalStack does not store the tags of alarms.
  default_tags {
    tags = {}
  }
}

# LocalStack has no saved queries.
resource "aws_cloudwatch_query_definition" "all" {
  for_each = {}
}
"""


def require_terraform() -> None:
    """Skip a test without Terraform; in CI, fail it."""
    if shutil.which("terraform"):
        return
    if os.environ.get("CI"):
        pytest.fail("CI must test the Terraform configuration, and there is no terraform command")
    pytest.skip("needs the terraform command")


class TerraformRoot:
    """A copy of a checkout's ``terraform/`` with a local state, whose provider talks to a stack's LocalStack."""

    def __init__(
        self,
        folder: Path,
        stack: Stack,
        checkout: Path = ROOT,
        override: str = OVERRIDE,
        variables: Mapping[str, str] = VARIABLES,
    ) -> None:
        unwanted = shutil.ignore_patterns(".terraform*", "*.tfstate*", "*.tfvars")
        shutil.copytree(checkout / "terraform", folder / "terraform", ignore=unwanted)
        shutil.copytree(checkout / "workflows", folder / "workflows")
        self.folder = folder / "terraform"
        (self.folder / "test_override.tf").write_text(override)
        # In a file, Terraform accepts variables that the configuration does not declare.
        (self.folder / "test.auto.tfvars.json").write_text(json.dumps(variables))
        self._stack = stack
        self.run("init", "-input=false")

    def environment(self) -> dict[str, str]:
        """Return terraform's environment, without the caller's credentials and variables."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_VAR_"))}
        return {**clean, "AWS_ENDPOINT_URL": f"http://{self._stack.address('localstack', 4566)}", "NO_COLOR": "1"}

    def run(self, *command: str, fails: bool = False) -> subprocess.CompletedProcess[str]:
        """Run terraform. An error fails the test unless ``fails`` is set."""
        done = subprocess.run(
            ["terraform", *command],
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert fails or done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done

    def apply(self, **changes: str) -> None:
        """Apply the configuration with changed variables."""
        changed = [f"-var={name}={value}" for name, value in changes.items()]
        self.run("apply", "-input=false", "-auto-approve", *changed)

    def destroy(self) -> None:
        """Destroy all resources."""
        self.run("destroy", "-input=false", "-auto-approve")

    def take_state_of(self, other: "TerraformRoot") -> None:
        """Copy the state of another root."""
        shutil.copy(other.folder / "terraform.tfstate", self.folder)

    def changes(self, *arguments: str) -> str:
        """Plan, and return the plan; empty without changes."""
        done = self.run("plan", "-input=false", "-detailed-exitcode", "-out=changes.tfplan", *arguments, fails=True)
        assert done.returncode in (0, 2), done.stdout[-3000:] + done.stderr[-3000:]
        return self.run("show", "-no-color", "changes.tfplan").stdout if done.returncode else ""

    def resources(self) -> dict[str, dict[str, Any]]:
        """Return the values of the resources in the state, by address."""
        state = json.loads(self.run("show", "-json").stdout).get("values", {}).get("root_module", {})
        return {each["address"]: each["values"] for each in state.get("resources", []) if each["mode"] == "managed"}

    def output(self, name: str) -> str:
        """Return an output."""
        return self.run("output", "-raw", name).stdout


class Deployed:
    """The system that Terraform deployed, with the interface of other test systems."""

    def __init__(self, root: TerraformRoot, stack: Stack) -> None:
        self.root, self.stack = root, stack
        self.names, self.client = stack.names, stack.client
        self.warehouse = ""  # it has the simulated one
        self._gateway_url = root.output("api_gateway_url")

    @property
    def settings(self) -> Settings:
        """The settings that Terraform gave the function."""
        return self.stack.settings

    def api(self) -> httpx.AsyncClient:
        """Create a client of the API. It uses the path of Terraform's URL, and LocalStack as the host."""
        url = httpx.URL(self._gateway_url)
        host = f"{url.host.partition('.')[0]}.execute-api.localhost:4566"
        base = f"http://{self.stack.address('localstack', 4566)}{url.path}"
        return httpx.AsyncClient(base_url=base, headers={"Host": host}, timeout=60)
