"""`make deploy`: the order of its steps, and its refusals."""

import re
import shutil
import subprocess

import pytest

from tests.terraform.checkout import DIGEST, NO_OUTPUTS, REPOSITORY, SCRIPT, STEPS
from tests.terraform.root import require_terraform


def test_a_deployment_builds_pushes_plans_asks_and_applies(checkout):
    done = checkout.deploy()
    assert done.returncode == 0, done.stderr
    revision = checkout.git("rev-parse", "HEAD").strip()
    build = next(call for call in checkout.calls("docker build"))
    assert f"--tag {REPOSITORY}:{revision}-amd64" in build
    assert "--platform linux/amd64 --provenance=false --sbom=false" in build
    assert f"REVISION={revision}" in build
    plan = next(call for call in checkout.calls("terraform plan"))
    assert f"image_uri={REPOSITORY}@{DIGEST}" in plan
    applying = next(call for call in checkout.calls("terraform apply"))
    assert applying.split()[-1] == plan.partition("-out=")[2]
    order = [" ".join(call.split()[:2]) for call in checkout.calls()]
    wanted = ["docker build", "docker login", "docker push", "terraform plan", "terraform apply", "dofs smoke"]
    assert [call for call in order if call in wanted] == wanted
    assert "curl" in done.stdout


def test_each_environment_has_its_own_state_in_its_region(checkout):
    (checkout.root / "terraform" / "terraform.tfvars").write_text(
        'environment  = "staging"\nproject_name = "shop"\naws_region   = "eu-west-1"\n'
    )
    assert checkout.deploy().returncode == 0
    (init,) = checkout.calls("terraform init")
    wanted = "-reconfigure -input=false -backend-config=backend.conf -backend-config=key=shop/staging.tfstate"
    assert init == f"terraform init {wanted}"
    assert {call.rpartition(" in ")[2] for call in checkout.calls("aws")} == {"eu-west-1"}


def test_plan_and_destroy_use_the_deployment_of_the_state(checkout):
    (checkout.root / "terraform" / "terraform.tfvars").write_text('project_name = "shop"\n')
    checkout.deploy(TF_VAR_environment="prod")
    checkout.deploy("destroy", TF_VAR_environment="prod")
    chosen = "-var environment=dev -var project_name=shop -var aws_region=ap-south-1"
    (planning,) = checkout.calls("terraform plan")
    (destroying,) = checkout.calls("terraform destroy")
    assert chosen in planning
    assert chosen in destroying


def test_each_platform_has_its_own_image(checkout):
    checkout.deploy()
    (checkout.folder / "calls").unlink()
    (checkout.folder / "pushed").unlink()
    assert checkout.deploy("--platform", "linux/arm64").returncode == 0
    (build,) = checkout.calls("docker build")
    assert "--platform linux/arm64" in build
    assert "-arm64 " in build


def test_an_error_of_ecr_ends_the_deployment_without_a_build(checkout):
    done = checkout.deploy(EXPIRED="ExpiredTokenException")
    assert done.returncode == 1
    assert "ExpiredTokenException" in done.stderr
    assert not checkout.calls("docker")


def test_a_failed_login_ends_the_deployment(checkout):
    assert checkout.deploy(LOGIN_FAILS="1").returncode != 0
    assert not checkout.calls("docker push")
    assert not checkout.applied()


def test_a_deployment_without_outputs_can_be_destroyed(checkout):
    assert checkout.deploy("destroy", NO_STATE=NO_OUTPUTS).returncode == 0
    (destroying,) = checkout.calls("terraform destroy")
    assert f"image_uri=000000000000.dkr.ecr.ap-south-1.amazonaws.com/none@sha256:{'0' * 64}" in destroying


def test_a_pushed_image_is_not_built_again(checkout):
    checkout.deploy()
    (checkout.folder / "calls").unlink()
    assert checkout.deploy().returncode == 0
    assert not checkout.calls("docker build")
    assert not checkout.calls("docker push")
    assert checkout.applied()


@pytest.mark.parametrize("answer", ["no\n", "y\n", "\n", ""])
def test_only_yes_applies_the_plan(checkout, answer):
    done = checkout.deploy(answer=answer)
    assert done.returncode != 0
    assert "nothing was changed" in done.stderr
    assert not checkout.applied()


def test_the_option_yes_skips_the_question(checkout):
    assert checkout.deploy("--yes", answer="").returncode == 0
    assert checkout.applied()


def test_uncommitted_changes_are_refused(checkout):
    (checkout.root / "new").touch()
    done = checkout.deploy()
    assert "uncommitted changes" in done.stderr
    assert not checkout.calls("docker build")
    assert not checkout.applied()


def test_an_image_that_is_not_in_ecr_is_refused(checkout):
    done = checkout.deploy("--image", f"{REPOSITORY}@{DIGEST}", NOT_IN_ECR="1")
    assert "is not in ECR" in done.stderr
    assert not checkout.applied()


def test_an_image_by_tag_is_refused(checkout):
    done = checkout.deploy("--image", f"{REPOSITORY}:latest")
    assert "is no image by digest" in done.stderr
    assert not checkout.applied()


def test_a_given_image_is_not_built(checkout):
    (checkout.root / "new").touch()  # a given image allows uncommitted changes
    assert checkout.deploy("--image", f"{REPOSITORY}@{DIGEST}").returncode == 0
    assert not checkout.calls("docker")
    assert checkout.applied()


def test_an_image_on_a_substitute_base_is_not_published(checkout):
    done = checkout.deploy(STAND_IN="true")
    assert "must not be published" in done.stderr
    assert not checkout.calls("docker push")
    assert not checkout.applied()


def test_a_plan_that_fails_is_not_applied(checkout):
    assert checkout.deploy(PLAN_FAILS="1").returncode != 0
    assert not checkout.applied()


def test_a_missing_repository_is_reported_with_its_remedy(checkout):
    said = checkout.deploy(REPOSITORY="", AWS_SAYS="Unable to locate credentials").stderr
    assert "terraform/bootstrap" in said
    assert "Unable to locate credentials" in said


@pytest.mark.parametrize("file", ["terraform.tfvars", "backend.conf"])
def test_a_missing_file_is_reported_with_its_example(checkout, file):
    (checkout.root / "terraform" / file).unlink()
    done = checkout.deploy()
    assert f"terraform/{file}.example" in done.stderr
    assert not checkout.calls()
    assert (SCRIPT.parents[1] / f"{file}.example").exists()


def test_a_missing_tool_is_reported(checkout):
    (checkout.tools / "terraform").unlink()
    for tool in ("bash", "dirname", "git", "cat"):
        (checkout.tools / tool).symlink_to(shutil.which(tool) or tool)
    done = subprocess.run(
        [shutil.which("bash") or "bash", "terraform/scripts/deploy.sh"],
        cwd=checkout.root,
        env={"PATH": str(checkout.tools)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "terraform is not installed" in done.stderr


def test_help_names_every_option(checkout):
    done = checkout.deploy("--help")
    assert done.returncode == 0
    options = (
        "image",
        "platform",
        "repository",
        "revision",
        "run",
        "version",
        "yes",
        "no-smoke",
        "smoke-timeout",
        "help",
    )
    for option in (*STEPS, *(f"--{each}" for each in options), "--help"):
        assert f"\n  {option} " in done.stdout
    assert not checkout.calls()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--imgae"], "unknown option --imgae"),
        (["--image"], "--image needs a value"),
        (["plam"], "unknown step plam"),
        (["--smoke-timeout", "soon"], "needs a duration"),
    ],
)
def test_a_wrong_option_is_reported(checkout, arguments, named):
    done = checkout.deploy(*arguments)
    assert done.returncode != 0
    assert named in done.stderr


def test_an_invalid_smoke_timeout_is_refused_first(checkout):
    done = checkout.deploy("--smoke-timeout", "soon")
    assert done.returncode != 0
    assert "--smoke-timeout needs a duration" in done.stderr
    assert not checkout.calls()


def test_destroy_uses_the_deployed_image_and_the_question_of_terraform(checkout):
    assert checkout.deploy("destroy").returncode == 0
    (destroying,) = checkout.calls("terraform destroy")
    assert destroying.endswith(f" -var image_uri={REPOSITORY}@{DIGEST}")
    assert not checkout.calls("docker")


def test_the_scripts_use_no_syntax_beyond_bash_3_2():
    """macOS has bash 3.2, in which an empty array is an unset variable; it has neither maps nor mapfile."""
    for script in (SCRIPT, SCRIPT.parent / "write-tfvars.sh"):
        assert not re.search(r"=\(\)|-A |mapfile|readarray|\$\{\w+(,,|\^\^|@)", script.read_text())


def test_terraform_output_succeeds_with_a_warning_without_a_state(tmp_path):
    require_terraform()
    command = ["terraform", "output", "-no-color", "-raw", "ecr_repository_url"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert NO_OUTPUTS in done.stdout
