"""`make deploy-settings` writes the files of a deployment from the variables of a pipeline."""

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "terraform" / "scripts" / "write-tfvars.sh"
GIVEN = {"TF_STATE_BUCKET": "states", "NOTIFICATION_EMAIL": "orders@example.com"}


@pytest.fixture
def run(tmp_path):
    (tmp_path / "scripts").mkdir()
    shutil.copy(SCRIPT, tmp_path / "scripts")

    def run(*arguments, **variables):
        command = ["bash", "scripts/write-tfvars.sh", *arguments]
        environment = {"PATH": "/usr/bin:/bin", **variables}
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    run.folder = tmp_path
    run.lines = lambda file: [line for line in (tmp_path / file).read_text().splitlines() if not line.startswith("#")]
    return run


def test_two_variables_suffice(run):
    assert run(**GIVEN).returncode == 0
    assert run.lines("terraform.tfvars") == ['notification_email = "orders@example.com"']
    assert run.lines("backend.conf") == [
        'bucket = "states"',
        'region = "ap-south-1"',
        "encrypt = true",
        "use_lockfile = true",
    ]


def test_a_variable_overrides_the_same_one_in_tfvars(run):
    further = 'environment = "dev"\napi_auth = "api_key"\n\ncors_origins = [\n  "https://shop.example",\n]\n'
    more = {"AWS_REGION": "eu-west-1", "ENVIRONMENT": "staging", "PROJECT_NAME": "shop", "TFVARS": further}
    assert run(**GIVEN, **more, TF_STATE_LOCK_TABLE="locks").returncode == 0
    assert run.lines("terraform.tfvars") == [
        'api_auth = "api_key"',
        "cors_origins = [",
        '  "https://shop.example",',
        "]",
        'aws_region = "eu-west-1"',
        'environment = "staging"',
        'project_name = "shop"',
        'notification_email = "orders@example.com"',
    ]
    assert 'region = "eu-west-1"' in run.lines("backend.conf")
    assert 'dynamodb_table = "locks"' in run.lines("backend.conf")


def test_the_state_uses_the_region_given_in_tfvars(run):
    assert run(**GIVEN, TFVARS='aws_region = "eu-north-1"').returncode == 0
    assert 'region = "eu-north-1"' in run.lines("backend.conf")


@pytest.mark.parametrize("name", GIVEN)
def test_a_missing_variable_is_reported_and_nothing_is_written(name, run):
    done = run(**{other: value for other, value in GIVEN.items() if other != name})
    assert done.returncode == 1
    assert f"{name} is not set" in done.stderr
    assert not (run.folder / "terraform.tfvars").exists()


@pytest.mark.parametrize("name", ["PROJECT_NAME", "NOTIFICATION_EMAIL", "TF_STATE_BUCKET", "TF_STATE_LOCK_TABLE"])
@pytest.mark.parametrize("value", ['a"\nb = "c', "${file()}", "%{if true}", "a\\"])
def test_a_value_cannot_inject_lines_and_is_not_shown(name, value, run):
    done = run(**{**GIVEN, name: value})
    assert done.returncode == 1
    assert name in done.stderr.upper()
    assert value not in done.stderr
    assert not (run.folder / "terraform.tfvars").exists()


def test_windows_line_endings_are_accepted(run):
    further = 'aws_region = "eu-north-1"\r\napi_auth = "iam"\r\nproject_name = "other"\r\n'
    assert run(**GIVEN, PROJECT_NAME="shop", TFVARS=further).returncode == 0
    lines = [line.strip() for line in run.lines("terraform.tfvars")]
    assert 'project_name = "shop"' in lines
    assert 'project_name = "other"' not in lines
    assert 'region = "eu-north-1"' in run.lines("backend.conf")


def test_files_of_version_0_1_0_are_replaced(run):
    (run.folder / "backend.conf").write_text("# Written by terraform/settings from environment variables.\n")
    assert run(**GIVEN).returncode == 0
    assert 'bucket = "states"' in run.lines("backend.conf")


def test_only_generated_files_are_replaced(run):
    assert run(**GIVEN).returncode == 0
    assert run(**GIVEN).returncode == 0
    (run.folder / "backend.conf").write_text('bucket = "mine"\n')
    done = run(**GIVEN)
    assert "terraform/backend.conf exists" in done.stderr
    assert run.lines("backend.conf") == ['bucket = "mine"']


def test_help_names_every_variable(run):
    said = run("--help").stdout
    for name in (*GIVEN, "AWS_REGION", "ENVIRONMENT", "PROJECT_NAME", "TFVARS", "TF_STATE_LOCK_TABLE"):
        assert f"\n  {name} " in said
