"""Runs a build of the CodePipeline in a container.

AWS's image has 5 GB, so a smaller one runs the phases as CodeBuild documents: in one shell, command after command,
until one fails. Tools that would reach AWS are fakes that record their calls. make, the Makefile and the scripts of
terraform/ are real.
"""

import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.compose.stack import ROOT
from tools.packages import base_image

FOLDER = ROOT / "terraform" / "buildspecs"
BUILDSPECS: dict[str, dict[str, Any]] = {
    file.stem: yaml.safe_load(file.read_text()) for file in sorted(FOLDER.glob("*.yml"))
}
PHASES = ("install", "pre_build", "build", "post_build")

COMMIT = "c0ffee" + "0" * 34
DIGEST = "sha256:" + "a" * 64
REPOSITORY = "123456789012.dkr.ecr.ap-south-1.amazonaws.com/dofs"
DEPLOYMENT = {
    "ENVIRONMENT": "dev",
    "PROJECT_NAME": "dofs",
    "TF_STATE_BUCKET": "dofs-terraform-state-123456789012",
}
PROJECTS = {
    "test": {},
    "image": DEPLOYMENT
    | {"NOTIFICATION_EMAIL": "orders@example.com", "PLATFORM": "linux/arm64", "REPOSITORY": REPOSITORY},
    "plan": DEPLOYMENT | {"REPOSITORY": REPOSITORY},
    "apply": DEPLOYMENT,
}
"""The variables of each project, as in terraform/tests/pipeline.tftest.hcl."""
GIVEN = {"AWS_REGION": "ap-south-1", "COMMIT": COMMIT, "EXECUTION": "e1"}
"""Variables that CodeBuild and the pipeline's stage set."""


def commands(buildspec: dict[str, Any]) -> list[str]:
    return [each for phase in PHASES for each in buildspec["phases"].get(phase, {}).get("commands", [])]


FAKE_TOOL = """#!/bin/bash
# Records its call, indented unless the buildspec itself made it; fails if FAILS names the call.
name=${0##*/}
echo "${WITHIN:+  }$name $*" >>/tmp/calls
case "$name $*" in "${FAILS:-nothing}"*) exit 1 ;; esac
[ "$name" != "${REAL:-}" ] || exec "/usr/bin/$name" "$@"
case "$name $*" in
  "make check") ;;
  make*) WITHIN=yes exec /tools/host/loader --library-path /tools/host /tools/host/make "$@" ;;
  *get-login-password*) echo secret ;;
  *imageTag=*) if [ "${PUSHED:-}" ] || [ -e /tmp/pushed ]; then echo "$DIGEST"; else
    echo "An error occurred (ImageNotFoundException)" >&2; exit 254; fi ;;
  docker\\ login*) cat >/dev/null ;;
  docker\\ push*) touch /tmp/pushed ;;
  aws*get-alias*) echo 6 ;;
  aws*.tfvars*) printf '%s\\n' "$SETTINGS" ;;
  terraform\\ plan*) echo "  with $TF_CLI_ARGS_plan" >>/tmp/calls ;;
  terraform\\ output*api_auth) echo none ;;
  git\\ init*|git\\ add*) ;;
  git*) exit 128 ;;
  terraform\\ output*) echo "the-${*: -1}" ;;
  sha256sum*) sed 's/^/  of /' >>/tmp/calls ;;
esac
"""
TOOLS = ("aws", "curl", "docker", "git", "make", "sha256sum", "terraform", "unzip")
DRIVER = """
cp -r /repository/. /source && cd /source
mkdir -p .venv/bin && cp /tools/bin/aws .venv/bin/dofs && touch .venv/installed /tmp/calls
PATH=/tools/bin:$PATH bash /tools/build >&2
code=$?
cat /tmp/calls
echo "--- $code"
cat terraform/terraform.tfvars 2>/dev/null
exit 0
"""
SETTINGS = """
environment = "prod"
project_name = "another"
aws_region = "eu-west-1"
notification_email = "orders@example.com"
api_auth = "api_key"
deploy_cicd_pipeline = false
"""


@dataclass
class Build:
    """The result of a build."""

    code: int
    calls: list[str]
    settings: list[str]
    log: str

    @property
    def own(self) -> list[str]:
        """The calls that the buildspec makes itself."""
        return [call for call in self.calls if not call.startswith(" ")]

    def calls_of(self, start: str) -> list[str]:
        return [call.strip() for call in self.calls if call.strip().startswith(start)]


class CodeBuild:
    """A container for builds, with the source, the variables, and fakes of the tools in CodeBuild's image."""

    def __init__(self, folder: Path) -> None:
        self.tools, self.repository = folder / "tools", folder / "repository"
        left_out = shutil.ignore_patterns(".terraform*", "*.tfstate*", "terraform.tfvars", "backend.conf", "tests")
        shutil.copytree(ROOT / "terraform", self.repository / "terraform", ignore=left_out)
        for file in ("Makefile", "requirements/dev.txt", "service/__init__.py"):
            (self.repository / file).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / file, self.repository / file)
        (self.tools / "bin").mkdir(parents=True)
        for name in TOOLS:
            (self.tools / "bin" / name).write_text(FAKE_TOOL)
            (self.tools / "bin" / name).chmod(0o755)
        self._take_make(self.tools / "host")
        self.image = ":".join(base_image())

    @staticmethod
    def _take_make(folder: Path) -> None:
        """Copy the local make with its libraries, because the image has neither make nor a network."""
        make = shutil.which("make")
        assert make
        folder.mkdir()
        shutil.copy(make, folder / "make")
        linked = subprocess.run(["ldd", make], capture_output=True, text=True, check=True).stdout
        for library in re.findall(r"(/\S+)", linked):
            shutil.copy(library, folder / ("loader" if "/ld-" in library else Path(library).name))

    def run(self, build: str, **environ: str) -> Build:
        """Run the phases of a buildspec in one shell until a command fails."""
        buildspec = BUILDSPECS[build]
        (self.tools / "build").write_text(
            "\n".join(f"eval {shlex.quote(command)} || exit" for command in commands(buildspec))
        )
        variables = GIVEN | PROJECTS[build] | buildspec["env"].get("variables", {})
        variables |= {"DIGEST": DIGEST, "SETTINGS": SETTINGS, **environ}
        done = subprocess.run(
            [
                *("docker", "run", "--rm", "--network", "none", "--read-only", "--cap-drop", "ALL"),
                *("--tmpfs", "/source:exec", "--tmpfs", "/tmp:exec"),  # noqa: S108
                *("--volume", f"{self.repository}:/repository:ro", "--volume", f"{self.tools}:/tools:ro"),
                *(part for name, value in variables.items() for part in ("--env", f"{name}={value}")),
                *("--entrypoint", "bash", self.image, "-c", DRIVER),
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        calls, _, rest = done.stdout.partition("--- ")
        code, _, settings = rest.partition("\n")
        return Build(int(code), calls.splitlines(), settings.splitlines(), done.stderr)
