"""The builds of the CodePipeline: each buildspec is one, calls what there is, in order, and stops where a call fails.

AWS's own image has 5 GB, so another one runs the phases, as CodeBuild says that it does: in one shell, a command after
another, until one fails. The tools that would reach AWS are stand-ins that take notes; make, the Makefile and what it
runs of terraform/ are real.
"""

import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from requirements.packages import base_image
from tests.compose.stack import ROOT, require_docker

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
"""The variables of each project; terraform/tests/pipeline.tftest.hcl has the same."""
GIVEN = {"AWS_REGION": "ap-south-1", "COMMIT": COMMIT, "EXECUTION": "e1"}
"""What CodeBuild sets, and what the pipeline's stage does."""


def commands(buildspec: dict[str, Any]) -> list[str]:
    return [each for phase in PHASES for each in buildspec["phases"].get(phase, {}).get("commands", [])]


@pytest.mark.parametrize("build", BUILDSPECS)
def test_it_is_a_buildspec_whose_failure_is_one(build):
    buildspec = BUILDSPECS[build]
    assert buildspec["version"] == 0.2
    assert buildspec.keys() == {"version", "env", "phases"}, "an artifact would carry what only the state bucket holds"
    assert buildspec["env"]["shell"] == "bash"
    assert all(isinstance(value, str) for value in buildspec["env"].get("variables", {}).values())
    assert buildspec["phases"].keys() <= {"install", "build"}, "a post_build runs after a build that has failed"
    for phase in buildspec["phases"].values():
        assert phase.keys() <= {"runtime-versions", "commands"}, "on-failure and finally go on where it has failed"
    for command in commands(buildspec):
        assert isinstance(command, str)
        assert "\n" not in command, "of several lines, the last alone would say whether they failed"
        assert "|" not in command.replace("||", ""), "a pipe fails with its last command alone"
        checked = subprocess.run(["bash", "-n", "-c", command], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr


def test_each_file_is_a_projects_and_each_project_has_its_file():
    named = re.findall(r'buildspec += "terraform/buildspecs/([a-z]+)\.yml"', (ROOT / "terraform/builds.tf").read_text())
    assert sorted(named) == sorted(BUILDSPECS) == sorted(PROJECTS)


def test_each_target_that_is_made_is_in_the_makefile():
    makefile = (ROOT / "Makefile").read_text()
    made = {build: re.findall(r"\bmake ([a-z-]+)", " ".join(commands(spec))) for build, spec in BUILDSPECS.items()}
    assert all(made.values())
    for target in {target for targets in made.values() for target in targets}:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"make {target}"


@pytest.mark.parametrize("build", BUILDSPECS)
def test_each_variable_that_it_uses_is_set(build):
    used = set(re.findall(r"\$\{?([A-Z_]+)\b(?!:-)", " ".join(commands(BUILDSPECS[build]))))
    own = BUILDSPECS[build]["env"].get("variables", {}).keys()
    made = set(re.findall(r"\b([A-Z]+)=\$\(", " ".join(commands(BUILDSPECS[build]))))
    assert used <= own | PROJECTS[build].keys() | GIVEN.keys() | made


def test_terraform_is_installed_only_as_what_was_pinned():
    script = (FOLDER / "install-terraform").read_text()
    assert re.search(r"^version=1\.11\.\d+ sha256=[0-9a-f]{64}$", script, re.MULTILINE)
    assert script.index("sha256sum --check") < script.index("unzip")


STAND_IN = """#!/bin/bash
# Notes how it was called, indented if not by the buildspec itself; fails if that is what is to fail.
name=${0##*/}
echo "${WITHIN:+  }$name $*" >>/tmp/calls
case "$name $*" in "${FAILS:-nothing}"*) exit 1 ;; esac
[ "$name" != "${REAL:-}" ] || exec "/usr/bin/$name" "$@"
case "$name $*" in
  "make check") ;;
  make*) WITHIN=yes exec /tools/host/loader --library-path /tools/host /tools/host/make "$@" ;;
  *get-login-password*) echo secret ;;
  *imageTag=*) if [ "${PUSHED:-}" ] || [ -e /tmp/pushed ]; then echo "$DIGEST"; else exit 254; fi ;;
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
    """What a build has come to."""

    code: int
    calls: list[str]
    settings: list[str]
    log: str

    @property
    def own(self) -> list[str]:
        """The calls of the buildspec, without those of what it calls."""
        return [call for call in self.calls if not call.startswith(" ")]

    def called(self, start: str) -> list[str]:
        return [call.strip() for call in self.calls if call.strip().startswith(start)]


class CodeBuild:
    """A container as a build gets one: the source, the variables, and the tools of CodeBuild's image as stand-ins."""

    def __init__(self, folder: Path) -> None:
        self.tools, self.repository = folder / "tools", folder / "repository"
        left_out = shutil.ignore_patterns(".terraform*", "*.tfstate*", "terraform.tfvars", "backend.conf", "tests")
        shutil.copytree(ROOT / "terraform", self.repository / "terraform", ignore=left_out)
        for file in ("Makefile", "requirements/dev.txt", "service/__init__.py"):
            (self.repository / file).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / file, self.repository / file)
        (self.tools / "bin").mkdir(parents=True)
        for name in TOOLS:
            (self.tools / "bin" / name).write_text(STAND_IN)
            (self.tools / "bin" / name).chmod(0o755)
        self._take_make(self.tools / "host")
        self.image = ":".join(base_image())

    @staticmethod
    def _take_make(folder: Path) -> None:
        """This machine's make with its libraries, as the image has none, and no network to get it."""
        make = shutil.which("make")
        assert make
        folder.mkdir()
        shutil.copy(make, folder / "make")
        linked = subprocess.run(["ldd", make], capture_output=True, text=True, check=True).stdout
        for library in re.findall(r"(/\S+)", linked):
            shutil.copy(library, folder / ("loader" if "/ld-" in library else Path(library).name))

    def run(self, build: str, **environ: str) -> Build:
        """Run the phases of a buildspec: one shell, a command after another, until one fails."""
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


@pytest.fixture(scope="module")
def codebuild(tmp_path_factory: pytest.TempPathFactory) -> CodeBuild:
    require_docker()
    return CodeBuild(tmp_path_factory.mktemp("codebuild"))


ARCHIVE = "https://releases.hashicorp.com/terraform/1.11.4/terraform_1.11.4_linux_amd64.zip"
INSTALLED = [f"curl -fsSL --retry 3 -o .* {ARCHIVE}", "sha256sum --check --quiet", "unzip -oq .* -d /usr/local/bin"]
SETTLED = [r"aws s3 cp s3://dofs-terraform-state-123456789012/dofs/dev\.tfvars -", "make deploy-settings"]
CALLS = {
    "test": [*INSTALLED, "git init --quiet", r"git add \.", "make check"],
    "image": [
        *INSTALLED,
        "make deploy-settings",
        f"make deploy-image ARGS=--revision {COMMIT} --platform linux/arm64 --repository {REPOSITORY}",
    ],
    "plan": [*INSTALLED, *SETTLED, f"make deploy-plan ARGS=--revision {COMMIT} --run e1 --repository {REPOSITORY}"],
    "apply": [*INSTALLED, *SETTLED, f"make deploy-apply ARGS=--revision {COMMIT} --run e1"],
}


@pytest.mark.docker
@pytest.mark.parametrize("build", CALLS)
def test_it_calls_one_after_another_and_nothing_after_what_fails(codebuild, build):
    whole = codebuild.run(build, PUSHED="yes")
    assert whole.code == 0, whole.log
    assert len(whole.own) == len(CALLS[build]), whole.own
    for call, expected in zip(whole.own, CALLS[build], strict=True):
        assert re.fullmatch(expected, call)
    for number, call in enumerate(whole.own):
        failed = codebuild.run(build, PUSHED="yes", FAILS=" ".join(call.split()[:2]))
        assert failed.code != 0, f"{call} failed, and the build did not"
        assert len(failed.own) == number + 1, f"after {call} had failed: {failed.own[number + 1 :]}"


@pytest.mark.docker
def test_an_archive_that_is_not_what_was_pinned_is_not_installed(codebuild):
    exchanged = codebuild.run("test", REAL="sha256sum")
    assert exchanged.code != 0
    assert exchanged.own[-1].startswith("sha256sum")


@pytest.mark.docker
def test_an_image_is_built_for_the_commit_and_pushed_once(codebuild):
    first = codebuild.run("image")
    assert first.code == 0, first.log
    assert len(first.called("docker build --platform linux/arm64")) == 1
    assert first.called("docker push") == [f"docker push --quiet {REPOSITORY}:{COMMIT}-arm64"]
    assert f"{REPOSITORY}@{DIGEST}" in first.log
    again = codebuild.run("image", PUSHED="yes")
    assert again.code == 0, again.log
    assert not again.called("docker")
    assert not first.called("terraform") + first.called("aws s3"), "which its role may not"


@pytest.mark.docker
def test_what_is_planned_is_this_deployment_whatever_the_settings_say(codebuild):
    planned = codebuild.run("plan", PUSHED="yes")
    assert {'aws_region = "ap-south-1"', 'environment = "dev"', 'project_name = "dofs"'} < set(planned.settings)
    assert 'api_auth = "api_key"' in planned.settings
    assert not [line for line in planned.settings if "another" in line or "prod" in line or "eu-west-1" in line]
    (plan,) = planned.called("terraform plan")
    assert f"image_uri={REPOSITORY}@{DIGEST}" in plan
    assert planned.called("with ") == ["with -var=deploy_cicd_pipeline=true"], "the pipeline would take itself away"
    assert planned.called("aws s3 cp --quiet")[0].endswith(
        f"s3://dofs-terraform-state-123456789012/dofs/plans/dev-{COMMIT}-e1.tfplan"
    )
    assert not planned.called("terraform apply")


@pytest.mark.docker
@pytest.mark.parametrize("fails", ["terraform init", "terraform plan"])
def test_a_plan_that_fails_is_not_kept(codebuild, fails):
    failed = codebuild.run("plan", PUSHED="yes", FAILS=fails)
    assert failed.code != 0
    assert not failed.called("aws s3 cp --quiet")


@pytest.mark.docker
def test_without_the_commits_image_nothing_is_planned(codebuild):
    missing = codebuild.run("plan")
    assert missing.code != 0
    assert not missing.called("terraform plan")


@pytest.mark.docker
def test_what_is_applied_is_the_plan_that_was_kept_and_an_order_goes_through(codebuild):
    applied = codebuild.run("apply")
    assert applied.code == 0, applied.log
    (fetched,) = applied.called("aws s3 cp --quiet")
    kept, file = fetched.split()[-2:]
    assert kept == f"s3://dofs-terraform-state-123456789012/dofs/plans/dev-{COMMIT}-e1.tfplan"
    assert applied.called("terraform apply") == [f"terraform apply -input=false -lock-timeout=5m {file}"]
    assert applied.called("dofs") == ["dofs smoke"]
    assert not applied.called("terraform plan") + applied.called("docker") + applied.called("aws lambda update-alias")


@pytest.mark.docker
def test_an_order_that_does_not_get_through_fails_the_stage(codebuild):
    lost = codebuild.run("apply", FAILS="dofs smoke")
    assert lost.code != 0
    assert lost.called("terraform apply")


@pytest.mark.docker
def test_with_a_user_pool_no_order_is_sent(codebuild):
    unseen = codebuild.run("apply", SETTINGS=SETTINGS.replace("api_key", "cognito"))
    assert unseen.code == 0, unseen.log
    assert unseen.called("terraform apply")
    assert not unseen.called("dofs")
