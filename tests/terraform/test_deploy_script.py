"""`make deploy` and its steps: their order, and what they refuse. The tools they call are stand-ins that take notes."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.terraform.root import require_terraform

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "terraform" / "deploy"
DIGEST = "sha256:" + "a" * 64
REPOSITORY = "123456789012.dkr.ecr.ap-south-1.amazonaws.com/dofs"

NO_OUTPUTS = "Warning: No outputs found"
"""What Terraform prints, and calls a success, where there is no state."""

TOOLS = {
    "aws": """
case "$*" in
  *get-login-password*) echo secret ;;
  *imageTag=*) [ -e "$WORLD/pushed" ] && [ -z "${EXPIRED:-}" ] && echo "$DIGEST" && exit
    echo "An error occurred (${EXPIRED:-ImageNotFoundException})" >&2; exit 254 ;;
  *imageDigest=*) [ -z "${NOT_IN_ECR:-}" ] || exit 254 ;;
  *describe-repositories*) [ -n "${ECR_NAME:-}" ] && echo "$ECR_NAME" || exit 254 ;;
  *get-alias*) cat "$WORLD/live" 2>/dev/null || exit 254 ;;
  *update-alias*) echo "${@: -1}" >"$WORLD/live" ;;
  *list-versions*) printf '$LATEST\t9\t10\t12\t11\t2\n' ;;
  "s3 cp --quiet s3://"*) cp "$WORLD/${4##*/}" "$5" ;;
  "s3 cp --quiet "*) cp "$4" "$WORLD/${5##*/}" ;;
esac
""",
    "docker": """
case "$1 $2" in
  push*) touch "$WORLD/pushed" ;;
  "image inspect") echo "${STAND_IN:-}" ;;
  login*) cat >/dev/null; [ -z "${LOGIN_FAILS:-}" ] || exit 1 ;;
esac
""",
    "terraform": """
case "$*" in
  *ecr_repository_url*) printf %s "${REPOSITORY:-$NO_OUTPUTS}" ;;
  *image_uri) printf %s "${NO_STATE:-$REPOSITORY@$DIGEST}" ;;
  *try_it*) printf %s 'curl …' ;;
  *api_auth) printf %s "${AUTH:-none}" ;;
  *api_key) printf %s k3y ;;
  *gateway_url) [ -z "${NO_URL:-}" ] || exit 1; printf %s https://abc/dev ;;
  *function_name) if [ -e "$WORLD/live" ]; then printf %s dofs-orders-dev; else echo "$NO_OUTPUTS"; fi ;;
  plan*) [ -z "${PLAN_FAILS:-}" ] || exit 1; last=${@: -1}; echo planned >"${last#-out=}" ;;
  apply*)
    [ "${APPLY_FAILS:-}" != early ] || exit 1
    echo "${NEXT:-7}" >"$WORLD/live"
    [ "${APPLY_FAILS:-}" != late ] || exit 1
    ;;
esac
""",
    "dofs": """
echo "$DOFS_API_URL ${DOFS_API_KEY:-}" >>"$WORLD/calls"
echo "${DOFS_TOKEN:-no token}" >>"$WORLD/calls"
[ -z "${MEANWHILE:-}" ] || echo "$MEANWHILE" >"$WORLD/live"
[ -z "${SMOKE_FAILS:-}" ] || exit 1
""",
}


STEPS = ("image", "plan", "apply", "smoke", "rollback", "destroy")


class World:
    """A repository with the script in it, and tools that note how they were called."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.tools = folder, folder / "tools"
        (folder / "repository" / "terraform").mkdir(parents=True)
        self.tools.mkdir()
        for name, body in TOOLS.items():
            tool, note = self.tools / name, f"{name} $*" + (" in $AWS_REGION" if name == "aws" else "")
            tool.write_text(f'#!/bin/bash\necho "{note}" >>"$WORLD/calls"\n{body}')
            tool.chmod(0o755)
        self.root = folder / "repository"
        shutil.copy(SCRIPT, self.root / "terraform" / "deploy")
        shutil.copy(ROOT / "Makefile", self.root)
        (self.root / ".venv" / "bin").mkdir(parents=True)
        shutil.move(self.tools / "dofs", self.root / ".venv" / "bin")
        (self.root / ".gitignore").write_text(".venv\nterraform.tfvars\nbackend.conf\n")
        (self.root / "terraform" / "terraform.tfvars").touch()
        (self.root / "terraform" / "backend.conf").write_text('bucket       = "states"\n')
        self.git("init", "--quiet")
        self.git("add", ".")
        self.git("-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "--quiet", "-m", "first")

    def git(self, *command: str) -> str:
        return subprocess.run(["git", *command], cwd=self.root, capture_output=True, text=True, check=True).stdout

    def deploy(self, *arguments: str, answer: str = "yes\n", **environ: str) -> subprocess.CompletedProcess[str]:
        path = f"{self.tools}:{os.environ['PATH']}"
        given = {
            "WORLD": str(self.folder),
            "DIGEST": DIGEST,
            "REPOSITORY": REPOSITORY,
            "NO_OUTPUTS": NO_OUTPUTS,
            **environ,
        }
        return subprocess.run(
            ["bash", "terraform/deploy", *arguments],
            cwd=self.root,
            env={"HOME": str(self.folder), "PATH": path} | given,
            input=answer,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def calls(self, tool: str = "") -> list[str]:
        file = self.folder / "calls"
        return [line for line in file.read_text().splitlines() if line.startswith(tool)] if file.exists() else []


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def applied(world: World) -> bool:
    return any(call.startswith("terraform apply") for call in world.calls())


def test_it_builds_pushes_plans_by_digest_asks_and_applies_that_plan(world):
    done = world.deploy()
    assert done.returncode == 0, done.stderr
    revision = world.git("rev-parse", "HEAD").strip()
    build = next(call for call in world.calls("docker build"))
    assert f"--tag {REPOSITORY}:{revision}-amd64" in build
    assert "--platform linux/amd64 --provenance=false --sbom=false" in build
    assert f"REVISION={revision}" in build
    plan = next(call for call in world.calls("terraform plan"))
    assert f"image_uri={REPOSITORY}@{DIGEST}" in plan
    applying = next(call for call in world.calls("terraform apply"))
    assert applying.split()[-1] == plan.partition("-out=")[2]
    order = [" ".join(call.split()[:2]) for call in world.calls()]
    wanted = ["docker build", "docker login", "docker push", "terraform plan", "terraform apply", "dofs smoke"]
    assert [call for call in order if call in wanted] == wanted
    assert "curl" in done.stdout


def test_each_environment_has_a_state_of_its_own_in_its_region(world):
    (world.root / "terraform" / "terraform.tfvars").write_text(
        'environment  = "staging"\nproject_name = "shop"\naws_region   = "eu-west-1"\n'
    )
    assert world.deploy().returncode == 0
    (init,) = world.calls("terraform init")
    wanted = "-reconfigure -input=false -backend-config=backend.conf -backend-config=key=shop/staging.tfstate"
    assert init == f"terraform init {wanted}"
    assert {call.rpartition(" in ")[2] for call in world.calls("aws")} == {"eu-west-1"}


def test_what_is_planned_and_destroyed_is_what_the_state_is_of_whatever_else_is_set(world):
    (world.root / "terraform" / "terraform.tfvars").write_text('project_name = "shop"\n')
    world.deploy(TF_VAR_environment="prod")
    world.deploy("destroy", TF_VAR_environment="prod")
    chosen = "-var environment=dev -var project_name=shop -var aws_region=ap-south-1"
    (planning,) = world.calls("terraform plan")
    (destroying,) = world.calls("terraform destroy")
    assert chosen in planning
    assert chosen in destroying


def test_another_platform_is_another_image(world):
    world.deploy()
    (world.folder / "calls").unlink()
    (world.folder / "pushed").unlink()
    assert world.deploy("--platform", "linux/arm64").returncode == 0
    (build,) = world.calls("docker build")
    assert "--platform linux/arm64" in build
    assert "-arm64 " in build


def test_that_ecr_cannot_be_asked_is_no_reason_to_build(world):
    done = world.deploy(EXPIRED="ExpiredTokenException")
    assert done.returncode == 1
    assert "ExpiredTokenException" in done.stderr
    assert not world.calls("docker")


def test_a_login_that_fails_ends_it(world):
    assert world.deploy(LOGIN_FAILS="1").returncode != 0
    assert not world.calls("docker push")
    assert not applied(world)


def test_a_deployment_that_got_nowhere_can_be_destroyed(world):
    assert world.deploy("destroy", NO_STATE=NO_OUTPUTS).returncode == 0
    (destroying,) = world.calls("terraform destroy")
    assert f"image_uri=000000000000.dkr.ecr.ap-south-1.amazonaws.com/none@sha256:{'0' * 64}" in destroying


def test_what_was_pushed_for_a_commit_is_not_built_again(world):
    world.deploy()
    (world.folder / "calls").unlink()
    assert world.deploy().returncode == 0
    assert not world.calls("docker build")
    assert not world.calls("docker push")
    assert applied(world)


@pytest.mark.parametrize("answer", ["no\n", "y\n", "\n", ""])
def test_nothing_but_yes_applies(world, answer):
    done = world.deploy(answer=answer)
    assert done.returncode != 0
    assert "nothing was changed" in done.stderr
    assert not applied(world)


def test_it_does_not_ask_when_told_so(world):
    assert world.deploy("--yes", answer="").returncode == 0
    assert applied(world)


def test_changes_that_are_not_committed_are_refused(world):
    (world.root / "new").touch()
    done = world.deploy()
    assert "not committed" in done.stderr
    assert not world.calls("docker build")
    assert not applied(world)


def test_an_image_that_is_not_in_ecr_is_refused(world):
    done = world.deploy("--image", f"{REPOSITORY}@{DIGEST}", NOT_IN_ECR="1")
    assert "is not in ECR" in done.stderr
    assert not applied(world)


def test_an_image_by_tag_is_refused(world):
    done = world.deploy("--image", f"{REPOSITORY}:latest")
    assert "no image by its digest" in done.stderr
    assert not applied(world)


def test_an_image_that_is_given_is_not_built(world):
    (world.root / "new").touch()  # no matter: nothing of here is deployed
    assert world.deploy("--image", f"{REPOSITORY}@{DIGEST}").returncode == 0
    assert not world.calls("docker")
    assert applied(world)


def test_an_image_on_a_stand_in_is_not_published(world):
    done = world.deploy(STAND_IN="true")
    assert "must not be published" in done.stderr
    assert not world.calls("docker push")
    assert not applied(world)


def test_a_plan_that_fails_is_not_applied(world):
    assert world.deploy(PLAN_FAILS="1").returncode != 0
    assert not applied(world)


def test_without_a_repository_it_says_where_to_get_one(world):
    assert "terraform/bootstrap" in world.deploy(REPOSITORY="").stderr


@pytest.mark.parametrize("file", ["terraform.tfvars", "backend.conf"])
def test_a_missing_file_is_named_with_its_example(world, file):
    (world.root / "terraform" / file).unlink()
    done = world.deploy()
    assert f"terraform/{file}.example" in done.stderr
    assert not world.calls()
    assert (SCRIPT.parent / f"{file}.example").exists()


def test_a_missing_tool_is_named(world):
    (world.tools / "terraform").unlink()
    for tool in ("bash", "dirname", "git", "cat"):
        (world.tools / tool).symlink_to(shutil.which(tool) or tool)
    done = subprocess.run(
        [shutil.which("bash") or "bash", "terraform/deploy"],
        cwd=world.root,
        env={"PATH": str(world.tools)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "terraform is not installed" in done.stderr


def test_help_names_every_option(world):
    done = world.deploy("--help")
    assert done.returncode == 0
    options = ("image", "platform", "repository", "revision", "run", "version", "yes", "no-smoke", "help")
    for option in (*STEPS, *(f"--{each}" for each in options)):
        assert f"\n  {option} " in done.stdout
    assert not world.calls()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [(["--imgae"], "option --imgae"), (["--image"], "--image needs a value"), (["plam"], "step plam")],
)
def test_a_wrong_option_is_named(world, arguments, named):
    done = world.deploy(*arguments)
    assert done.returncode != 0
    assert named in done.stderr


def test_destroying_names_the_image_that_is_deployed_and_leaves_the_asking_to_terraform(world):
    assert world.deploy("destroy").returncode == 0
    (destroying,) = world.calls("terraform destroy")
    assert destroying.endswith(f" -var image_uri={REPOSITORY}@{DIGEST}")
    assert not world.calls("docker")


def test_the_steps_of_a_pipeline_are_the_whole(world):
    image = world.deploy("image")
    assert image.stdout == f"{REPOSITORY}@{DIGEST}\n", image.stderr
    assert world.calls("docker push")
    planned = world.deploy("plan")
    assert planned.returncode == 0, planned.stderr
    assert not applied(world)
    revision = world.git("rev-parse", "HEAD").strip()
    (kept,) = world.calls("aws s3")
    assert kept.split()[-3] == f"s3://states/dofs/plans/dev-{revision}.tfplan"
    done = world.deploy("apply", answer="")
    assert done.returncode == 0, done.stderr
    assert applied(world)
    assert "dofs smoke" in world.calls()
    assert len(world.calls("docker build")) == len(world.calls("terraform plan")) == 1


def test_a_run_applies_the_plan_that_it_made_itself(world):
    world.deploy("image")
    assert world.deploy("plan", "--run", "17").returncode == 0
    assert "run the step plan first" in world.deploy("apply", "--run", "18").stderr
    assert not applied(world)
    assert world.deploy("apply", "--run", "17").returncode == 0
    assert applied(world)


def test_where_no_git_is_the_commit_is_given(world):
    shutil.rmtree(world.root / ".git")
    (world.folder / "pushed").touch()
    assert "give --revision" in world.deploy("plan").stderr
    assert world.deploy("plan", "--revision", "c0ffee").returncode == 0
    assert world.calls("aws s3")[0].split()[-3] == "s3://states/dofs/plans/dev-c0ffee.tfplan"


def test_a_commit_that_is_not_checked_out_is_not_built_from_what_is(world):
    assert "is checked out, and not c0ffee" in world.deploy("image", "--revision", "c0ffee").stderr
    assert not world.calls("docker build")


def test_a_plan_wants_an_image_and_an_application_a_plan(world):
    assert "run the step image first" in world.deploy("plan").stderr
    assert "run the step plan first" in world.deploy("apply").stderr
    assert not world.calls("terraform plan")
    assert not applied(world)


def test_the_platform_is_the_one_that_terraform_is_told(world):
    (world.root / "terraform" / "terraform.tfvars").write_text('lambda_architecture = "arm64"\n')
    assert world.deploy("image").returncode == 0
    (build,) = world.calls("docker build")
    assert "--platform linux/arm64" in build


def test_the_repository_is_found_by_the_projects_name_where_bootstrap_was_applied_elsewhere(world):
    done = world.deploy("image", REPOSITORY="", ECR_NAME=REPOSITORY)
    assert done.stdout == f"{REPOSITORY}@{DIGEST}\n", done.stderr


@pytest.mark.parametrize("step", [["--yes"], ["apply"]], ids=str)
def test_when_its_order_does_not_get_through_the_alias_is_pointed_back(step, world):
    world.deploy("image")
    world.deploy("plan")
    (world.folder / "live").write_text("6\n")
    done = world.deploy(*step, SMOKE_FAILS="1")
    assert done.returncode == 1
    assert "version 7 was taken back" in done.stderr
    assert (world.folder / "live").read_text() == "6\n"
    assert "curl" not in done.stdout


def test_of_the_first_version_nothing_can_be_taken_back(world):
    done = world.deploy(SMOKE_FAILS="1")
    assert done.returncode == 1
    assert "there is none to go back to" in done.stderr
    assert not world.calls("aws lambda update-alias")


def test_when_the_function_is_the_same_as_before_it_is_not_to_blame(world):
    (world.folder / "live").write_text("7\n")
    done = world.deploy(SMOKE_FAILS="1")
    assert done.returncode == 1
    assert "version 7 as before" in done.stderr
    assert not world.calls("aws lambda update-alias")


@pytest.mark.parametrize(
    ("fails", "said"),
    [("early", "plan anew"), ("late", 'Live is version 7, untried; back: make rollback ARGS="--version 6"')],
)
def test_an_application_that_fails_is_not_smoke_tested_and_tells_whether_the_alias_was_moved(fails, said, world):
    (world.folder / "live").write_text("6\n")
    done = world.deploy(APPLY_FAILS=fails)
    assert done.returncode == 1
    assert said in done.stderr
    assert not world.calls("dofs")
    assert not world.calls("aws lambda update-alias")


def test_a_version_that_somebody_else_has_made_live_meanwhile_is_not_taken_back(world):
    (world.folder / "live").write_text("6\n")
    done = world.deploy(SMOKE_FAILS="1", MEANWHILE="8")
    assert done.returncode == 1
    assert "Somebody else has made version 8 live" in done.stderr
    assert (world.folder / "live").read_text() == "8\n"


def test_no_order_is_sent_to_this_machine_where_the_url_is_not_known(world):
    (world.folder / "live").write_text("6\n")
    done = world.deploy(NO_URL="1")
    assert done.returncode == 1
    assert "version 7 was taken back" in done.stderr
    assert not world.calls("dofs")


def test_without_a_deployment_there_is_nothing_to_send_an_order_to_or_to_roll_back(world):
    assert "nothing is deployed yet" in world.deploy("rollback").stderr


def test_the_scripts_run_in_the_bash_of_a_mac():
    """In bash 3.2, which macOS has, an empty array is an unset variable, and there are no maps and no mapfile."""
    for script in (SCRIPT, SCRIPT.parent / "settings"):
        assert not re.search(r"=\(\)|-A |mapfile|readarray|\$\{\w+(,,|\^\^|@)", script.read_text())


def test_where_there_is_no_state_terraform_warns_and_calls_it_a_success(tmp_path):
    require_terraform()
    command = ["terraform", "output", "-no-color", "-raw", "ecr_repository_url"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert NO_OUTPUTS in done.stdout


def test_the_order_bears_nothing_that_is_for_another_deployment(world):
    assert world.deploy("smoke", AUTH="iam", DOFS_TOKEN="eyJ", DOFS_API_KEY="0ther").returncode == 0
    assert {"https://abc/dev ", "no token"} < {*world.calls()}


@pytest.mark.parametrize(
    ("auth", "call", "key"),
    [("none", "dofs smoke", ""), ("api_key", "dofs smoke", "k3y"), ("iam", "dofs --sigv4 smoke", "")],
)
def test_the_order_has_what_its_caller_needs(auth, call, key, world):
    assert world.deploy("smoke", AUTH=auth).returncode == 0
    assert call in world.calls()
    assert f"https://abc/dev {key}" in world.calls()


def test_where_users_are_known_by_tokens_one_is_asked_for_before_anything_is_changed(world):
    (world.root / "terraform" / "terraform.tfvars").write_text('api_auth = "cognito"\n')
    assert "DOFS_TOKEN" in world.deploy().stderr
    assert not world.calls()
    assert world.deploy(DOFS_TOKEN="eyJ").returncode == 0
    assert world.deploy("--no-smoke").returncode == 0
    assert world.calls().count("dofs smoke") == 1


def test_a_pipeline_that_has_no_token_says_that_no_order_was_sent(world):
    (world.root / "terraform" / "terraform.tfvars").write_text('api_auth = "cognito"\n')
    world.deploy("image")
    world.deploy("plan")
    done = world.deploy("apply")
    assert done.returncode == 0, done.stderr
    assert "NO ORDER WILL BE SENT THROUGH" in done.stderr
    assert applied(world)
    assert "dofs smoke" not in world.calls()


@pytest.mark.parametrize(("live", "before"), [("12", "11"), ("10", "9"), ("9", "2")])
def test_a_rollback_goes_to_the_version_before_by_number(live, before, world):
    (world.folder / "live").write_text(live)
    assert world.deploy("rollback").returncode == 0
    assert (world.folder / "live").read_text().strip() == before


def test_a_rollback_goes_where_it_is_told_and_nowhere_if_there_is_nothing(world):
    (world.folder / "live").write_text("2")
    assert "there is none before it" in world.deploy("rollback").stderr
    assert world.deploy("rollback", "--version", "10").returncode == 0
    assert (world.folder / "live").read_text().strip() == "10"
