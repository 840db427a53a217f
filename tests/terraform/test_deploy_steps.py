"""The steps of a pipeline: each does its part, and wants the one before."""

import shutil

import pytest

from tests.terraform.world import DIGEST, REPOSITORY


def test_image_plan_and_apply_make_a_whole_deployment(world):
    image = world.deploy("image")
    assert image.stdout == f"{REPOSITORY}@{DIGEST}\n", image.stderr
    assert world.calls("docker push")
    planned = world.deploy("plan")
    assert planned.returncode == 0, planned.stderr
    assert not world.applied()
    revision = world.git("rev-parse", "HEAD").strip()
    (kept,) = world.calls("aws s3")
    assert kept.split()[-3] == f"s3://states/dofs/plans/dev-{revision}.tfplan"
    done = world.deploy("apply", answer="")
    assert done.returncode == 0, done.stderr
    assert world.applied()
    assert "dofs smoke" in world.calls()
    assert len(world.calls("docker build")) == len(world.calls("terraform plan")) == 1


def test_a_run_applies_the_plan_of_the_same_run(world):
    world.deploy("image")
    assert world.deploy("plan", "--run", "17").returncode == 0
    assert "run the step plan first" in world.deploy("apply", "--run", "18").stderr
    assert not world.applied()
    assert world.deploy("apply", "--run", "17").returncode == 0
    assert world.applied()


def test_without_git_the_commit_is_an_option(world):
    shutil.rmtree(world.root / ".git")
    (world.folder / "pushed").touch()
    assert "give --revision" in world.deploy("plan").stderr
    assert world.deploy("plan", "--revision", "c0ffee").returncode == 0
    assert world.calls("aws s3")[0].split()[-3] == "s3://states/dofs/plans/dev-c0ffee.tfplan"


def test_a_commit_that_is_not_checked_out_is_not_built(world):
    assert "--revision is c0ffee" in world.deploy("image", "--revision", "c0ffee").stderr
    assert not world.calls("docker build")


def test_a_plan_needs_an_image_and_apply_needs_a_plan(world):
    assert "run the step image first" in world.deploy("plan").stderr
    assert "run the step plan first" in world.deploy("apply").stderr
    assert not world.calls("terraform plan")
    assert not world.applied()


def test_the_platform_follows_the_terraform_variable(world):
    (world.root / "terraform" / "terraform.tfvars").write_text('lambda_architecture = "arm64"\n')
    assert world.deploy("image").returncode == 0
    (build,) = world.calls("docker build")
    assert "--platform linux/arm64" in build


def test_the_repository_is_found_in_ecr_by_the_project_name(world):
    done = world.deploy("image", REPOSITORY="", ECR_NAME=REPOSITORY)
    assert done.stdout == f"{REPOSITORY}@{DIGEST}\n", done.stderr


@pytest.mark.parametrize("step", ["plan", "apply"])
def test_without_a_state_bucket_nothing_is_planned(world, step):
    world.deploy("image")
    (world.root / "terraform" / "backend.conf").write_text('region = "ap-south-1"\n')
    done = world.deploy(step)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "deploy: terraform/backend.conf names no bucket"
    assert not world.calls("terraform plan")
    assert not world.calls("aws s3")
