"""The steps of a pipeline: each needs the result of the step before."""

import shutil

import pytest

from tests.terraform.checkout import DIGEST, REPOSITORY


def test_image_plan_and_apply_make_a_whole_deployment(checkout):
    image = checkout.deploy("image")
    assert image.stdout == f"{REPOSITORY}@{DIGEST}\n", image.stderr
    assert checkout.calls("docker push")
    planned = checkout.deploy("plan")
    assert planned.returncode == 0, planned.stderr
    assert not checkout.applied()
    revision = checkout.git("rev-parse", "HEAD").strip()
    (kept,) = checkout.calls("aws s3")
    assert kept.split()[-3] == f"s3://states/dofs/plans/dev-{revision}.tfplan"
    done = checkout.deploy("apply", answer="")
    assert done.returncode == 0, done.stderr
    assert checkout.applied()
    assert "dofs smoke" in checkout.calls()
    assert len(checkout.calls("docker build")) == len(checkout.calls("terraform plan")) == 1


def test_a_run_applies_the_plan_of_the_same_run(checkout):
    checkout.deploy("image")
    assert checkout.deploy("plan", "--run", "17").returncode == 0
    assert "run the step plan first" in checkout.deploy("apply", "--run", "18").stderr
    assert not checkout.applied()
    assert checkout.deploy("apply", "--run", "17").returncode == 0
    assert checkout.applied()


def test_without_git_the_commit_is_an_option(checkout):
    shutil.rmtree(checkout.root / ".git")
    (checkout.folder / "pushed").touch()
    assert "give --revision" in checkout.deploy("plan").stderr
    assert checkout.deploy("plan", "--revision", "c0ffee").returncode == 0
    assert checkout.calls("aws s3")[0].split()[-3] == "s3://states/dofs/plans/dev-c0ffee.tfplan"


def test_a_commit_that_is_not_checked_out_is_not_built(checkout):
    assert "--revision is c0ffee" in checkout.deploy("image", "--revision", "c0ffee").stderr
    assert not checkout.calls("docker build")


def test_a_plan_needs_an_image_and_apply_needs_a_plan(checkout):
    assert "run the step image first" in checkout.deploy("plan").stderr
    assert "run the step plan first" in checkout.deploy("apply").stderr
    assert not checkout.calls("terraform plan")
    assert not checkout.applied()


def test_the_platform_follows_the_terraform_variable(checkout):
    (checkout.root / "terraform" / "terraform.tfvars").write_text('lambda_architecture = "arm64"\n')
    assert checkout.deploy("image").returncode == 0
    (build,) = checkout.calls("docker build")
    assert "--platform linux/arm64" in build


def test_the_repository_is_found_in_ecr_by_the_project_name(checkout):
    done = checkout.deploy("image", REPOSITORY="", ECR_NAME=REPOSITORY)
    assert done.stdout == f"{REPOSITORY}@{DIGEST}\n", done.stderr


@pytest.mark.parametrize("step", ["plan", "apply"])
def test_without_a_state_bucket_nothing_is_planned(checkout, step):
    checkout.deploy("image")
    (checkout.root / "terraform" / "backend.conf").write_text('region = "ap-south-1"\n')
    done = checkout.deploy(step)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "deploy: terraform/backend.conf names no bucket"
    assert not checkout.calls("terraform plan")
    assert not checkout.calls("aws s3")
