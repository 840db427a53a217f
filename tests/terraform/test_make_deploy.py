"""The make targets of a deployment on LocalStack: a version that processes no order is rolled back."""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.compose.stack import ROOT
from tests.terraform.root import VARIABLES, Deployed

pytestmark = pytest.mark.docker

# The state of this root is a local file, and the gateway has LocalStack's address instead of AWS's.
TERRAFORM = """#!/bin/bash
case "$*" in
  init*) exec {terraform} init -input=false ;;
  "output -raw api_gateway_url")
    id=$({terraform} output -raw api_gateway_url | sed -E 's|^https://([a-z0-9]+)\\..*|\\1|')
    printf %s "$AWS_ENDPOINT_URL/_aws/execute-api/$id/dev"
    ;;
  *) exec {terraform} "$@" ;;
esac
"""
LATENCY = "DOFS_FULFILLMENT_LATENCY"
UNUSABLE = "soon"
"""A value of this setting that the function refuses, so that each invocation fails at once."""

AWS = '#!/bin/bash\nPYTHONPATH={root} exec {python} -m tests.terraform.aws_cli "$@"\n'


def image(digit: int) -> str:
    return VARIABLES["image_uri"].replace("0" * 64, str(digit) * 64)


class Pipeline:
    """The deployed root with a Makefile in its parent directory, as in a checkout."""

    def __init__(self, deployed: Deployed, tools: Path) -> None:
        self._deployed, self._root, self._tools = deployed, deployed.root.folder.parent, tools
        shutil.copy(ROOT / "Makefile", self._root)
        shutil.copytree(ROOT / "requirements", self._root / "requirements")
        (self._root / ".venv").symlink_to(ROOT / ".venv")
        settings = {name: value for name, value in VARIABLES.items() if name != "image_uri"}
        (deployed.root.folder / "terraform.tfvars").write_text(
            "".join(f'{name} = "{value}"\n' for name, value in settings.items())
        )
        (deployed.root.folder / "backend.conf").write_text('bucket = "states"\n')
        real = shlex.quote(shutil.which("terraform") or "terraform")
        root, python = shlex.quote(str(ROOT)), shlex.quote(sys.executable)
        for name, text in (
            ("terraform", TERRAFORM.format(terraform=real)),
            ("aws", AWS.format(root=root, python=python)),
        ):
            (tools / name).write_text(text)
            (tools / name).chmod(0o755)

    def make(self, target: str, arguments: str = "") -> subprocess.CompletedProcess[str]:
        """Run a target of the Makefile."""
        environment = self._deployed.root.environment()
        environment |= {"PATH": f"{self._tools}:{environment['PATH']}", "BUCKETS": str(self._tools / "buckets")}
        return subprocess.run(
            ["make", "--no-print-directory", target, f"ARGS={arguments}"],
            cwd=self._root,
            env=environment,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    def live(self) -> str:
        """Read the version of the alias."""
        found = self._deployed.client("lambda").get_alias(FunctionName=self._deployed.names.function, Name="live")
        version: str = found["FunctionVersion"]
        return version


@pytest.fixture(scope="module")
def pipeline(deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    return Pipeline(deployed, tmp_path_factory.mktemp("tools"))


def test_make_deploy_moves_the_alias_to_a_new_version_and_sends_one_order(deployed, pipeline):
    before = pipeline.live()
    done = pipeline.make("deploy", f"--yes --image {image(2)}")
    assert done.returncode == 0, done.stderr[-3000:]
    assert "The warehouse answered order" in done.stdout
    assert int(pipeline.live()) > int(before)
    assert pipeline.live() == deployed.root.output("function_version")
    function = ("-target=aws_lambda_alias.live", f"-var=image_uri={image(2)}")  # test_apply tests the other resources
    assert deployed.root.changes(*function) == ""


def test_a_plan_changes_nothing_and_a_version_that_processes_no_order_is_rolled_back(deployed, pipeline):
    before = pipeline.live()
    planned = pipeline.make("deploy-plan", f"--revision c0ffee --image {image(3)}")
    assert planned.returncode == 0, planned.stderr[-3000:]
    assert pipeline.live() == before
    deployed.stack.up("lambda", **{LATENCY: UNUSABLE})
    try:
        done = pipeline.make("deploy-apply", "--revision c0ffee --smoke-timeout 5s")
    finally:
        deployed.stack.up("lambda", **{LATENCY: "0"})
    assert done.returncode != 0
    assert "Apply complete" in done.stdout
    assert "The test order was not accepted" in done.stderr
    assert f"version {int(before) + 1} was rolled back" in done.stderr
    assert pipeline.live() == before
    again = pipeline.make("smoke")
    assert again.returncode == 0, again.stderr[-3000:]


def test_make_rollback_returns_to_the_previous_version(pipeline):
    live = pipeline.live()
    done = pipeline.make("rollback")
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(pipeline.live()) < int(live)
    assert pipeline.make("rollback", f"--version {live}").returncode == 0
    assert pipeline.live() == live
