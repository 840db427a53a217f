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
    "lambda_timeout": "6",
    "sqs_visibility_timeout": "36",
    "dlq_alert_threshold": "1",
}
"""An image that nobody pulls, as LocalStack's invocations go to the containers; timings that let a test end."""

OVERRIDE = """
terraform {
  backend "local" {}
}

provider "aws" {
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_metadata_api_check     = true

  # LocalStack forgets the tags of alarms.
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
    """Skip where there is no Terraform; in CI there has to be."""
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
        # In a file, as one that a configuration does not know is no error there.
        (self.folder / "test.auto.tfvars.json").write_text(json.dumps(variables))
        self._stack = stack
        self.run("init", "-input=false")

    def environment(self) -> dict[str, str]:
        """What terraform is run with: nobody's credentials or variables."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_VAR_"))}
        return {**clean, "AWS_ENDPOINT_URL": f"http://{self._stack.address('localstack', 4566)}", "NO_COLOR": "1"}

    def run(self, *command: str, fails: bool = False) -> subprocess.CompletedProcess[str]:
        """Run terraform; unless it may fail, it must not."""
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
        """Apply the configuration, with other values for some variables."""
        changed = [f"-var={name}={value}" for name, value in changes.items()]
        self.run("apply", "-input=false", "-auto-approve", *changed)

    def destroy(self) -> None:
        """Destroy all of it."""
        self.run("destroy", "-input=false", "-auto-approve")

    def follow(self, other: "TerraformRoot") -> None:
        """Take over what another root has deployed."""
        shutil.copy(other.folder / "terraform.tfstate", self.folder)

    def changes(self, *arguments: str) -> str:
        """What a plan would change; empty if nothing."""
        done = self.run("plan", "-input=false", "-detailed-exitcode", "-out=changes.tfplan", *arguments, fails=True)
        assert done.returncode in (0, 2), done.stdout[-3000:] + done.stderr[-3000:]
        return self.run("show", "-no-color", "changes.tfplan").stdout if done.returncode else ""

    def resources(self) -> dict[str, dict[str, Any]]:
        """The resources of the state, their values by their addresses."""
        state = json.loads(self.run("show", "-json").stdout).get("values", {}).get("root_module", {})
        return {each["address"]: each["values"] for each in state.get("resources", []) if each["mode"] == "managed"}

    def output(self, name: str) -> str:
        """One output."""
        return self.run("output", "-raw", name).stdout


class Deployed:
    """The system that Terraform deployed, seen as any other."""

    def __init__(self, root: TerraformRoot, stack: Stack) -> None:
        self.root, self.stack = root, stack
        self.names, self.client = stack.names, stack.client
        self._gateway_url = root.output("api_gateway_url")

    @property
    def settings(self) -> Settings:
        """Those that Terraform gave the function."""
        return self.stack.settings

    def api(self) -> httpx.AsyncClient:
        """A client of the API behind the URL of the output, with LocalStack as the host."""
        url = httpx.URL(self._gateway_url)
        host = f"{url.host.partition('.')[0]}.execute-api.localhost:4566"
        base = f"http://{self.stack.address('localstack', 4566)}{url.path}"
        return httpx.AsyncClient(base_url=base, headers={"Host": host}, timeout=60)
