"""The builds of the CodePipeline run their commands in order, and stop at the first failure."""

import re

import pytest

from tests.compose.stack import require_docker
from tests.pipelines.codebuild import COMMIT, DIGEST, REPOSITORY, SETTINGS, CodeBuild

pytestmark = pytest.mark.docker

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


@pytest.fixture(scope="module")
def codebuild(tmp_path_factory: pytest.TempPathFactory) -> CodeBuild:
    require_docker()
    return CodeBuild(tmp_path_factory.mktemp("codebuild"))


@pytest.mark.parametrize("build", CALLS)
def test_a_build_stops_at_its_first_failed_command(codebuild, build):
    whole = codebuild.run(build, PUSHED="yes")
    assert whole.code == 0, whole.log
    assert len(whole.own) == len(CALLS[build]), whole.own
    for call, expected in zip(whole.own, CALLS[build], strict=True):
        assert re.fullmatch(expected, call)
    for number, call in enumerate(whole.own):
        failed = codebuild.run(build, PUSHED="yes", FAILS=" ".join(call.split()[:2]))
        assert failed.code != 0, f"the build passed although {call} failed"
        assert len(failed.own) == number + 1, f"commands after the failed {call}: {failed.own[number + 1 :]}"


def test_an_archive_with_another_checksum_is_not_installed(codebuild):
    exchanged = codebuild.run("test", REAL="sha256sum")
    assert exchanged.code != 0
    assert exchanged.own[-1].startswith("sha256sum")


def test_an_image_is_built_for_the_commit_and_pushed_once(codebuild):
    first = codebuild.run("image")
    assert first.code == 0, first.log
    assert len(first.calls_of("docker build --platform linux/arm64")) == 1
    assert first.calls_of("docker push") == [f"docker push --quiet {REPOSITORY}:{COMMIT}-arm64"]
    assert f"{REPOSITORY}@{DIGEST}" in first.log
    again = codebuild.run("image", PUSHED="yes")
    assert again.code == 0, again.log
    assert not again.calls_of("docker")
    assert not first.calls_of("terraform") + first.calls_of("aws s3"), "its role has no permission for these"


def test_the_project_decides_the_planned_deployment(codebuild):
    planned = codebuild.run("plan", PUSHED="yes")
    assert {'aws_region = "ap-south-1"', 'environment = "dev"', 'project_name = "dofs"'} < set(planned.settings)
    assert 'api_auth = "api_key"' in planned.settings
    assert not [line for line in planned.settings if "another" in line or "prod" in line or "eu-west-1" in line]
    (plan,) = planned.calls_of("terraform plan")
    assert f"image_uri={REPOSITORY}@{DIGEST}" in plan
    assert planned.calls_of("with ") == ["with -var=deploy_cicd_pipeline=true"], "the plan would delete the pipeline"
    assert planned.calls_of("aws s3 cp --quiet")[0].endswith(
        f"s3://dofs-terraform-state-123456789012/dofs/plans/dev-{COMMIT}-e1.tfplan"
    )
    assert not planned.calls_of("terraform apply")


@pytest.mark.parametrize("fails", ["terraform init", "terraform plan"])
def test_a_failed_plan_is_not_stored(codebuild, fails):
    failed = codebuild.run("plan", PUSHED="yes", FAILS=fails)
    assert failed.code != 0
    assert not failed.calls_of("aws s3 cp --quiet")


def test_without_the_image_of_the_commit_nothing_is_planned(codebuild):
    missing = codebuild.run("plan")
    assert missing.code != 0
    assert not missing.calls_of("terraform plan")


def test_the_stored_plan_is_applied_and_smoke_tested(codebuild):
    applied = codebuild.run("apply")
    assert applied.code == 0, applied.log
    (fetched,) = applied.calls_of("aws s3 cp --quiet")
    kept, file = fetched.split()[-2:]
    assert kept == f"s3://dofs-terraform-state-123456789012/dofs/plans/dev-{COMMIT}-e1.tfplan"
    assert applied.calls_of("terraform apply") == [f"terraform apply -input=false -lock-timeout=5m {file}"]
    assert applied.calls_of("dofs") == ["dofs smoke"]
    assert (
        not applied.calls_of("terraform plan")
        + applied.calls_of("docker")
        + applied.calls_of("aws lambda update-alias")
    )


def test_a_failed_smoke_test_fails_the_stage(codebuild):
    lost = codebuild.run("apply", FAILS="dofs smoke")
    assert lost.code != 0
    assert lost.calls_of("terraform apply")


def test_with_a_user_pool_no_smoke_test_runs(codebuild):
    unseen = codebuild.run("apply", SETTINGS=SETTINGS.replace("api_key", "cognito"))
    assert unseen.code == 0, unseen.log
    assert unseen.calls_of("terraform apply")
    assert not unseen.calls_of("dofs")
