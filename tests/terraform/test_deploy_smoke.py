"""The order at the end of a deployment: what it is sent with, and when a version is taken back."""

import pytest


@pytest.mark.parametrize("step", [["--yes"], ["apply"]], ids=str)
def test_a_failed_smoke_test_rolls_the_alias_back(step, world):
    world.deploy("image")
    world.deploy("plan")
    (world.folder / "live").write_text("6\n")
    done = world.deploy(*step, SMOKE_FAILS="1")
    assert done.returncode == 1
    assert "version 7 was rolled back" in done.stderr
    assert (world.folder / "live").read_text() == "6\n"
    assert "curl" not in done.stdout


def test_the_first_version_cannot_be_rolled_back(world):
    done = world.deploy(SMOKE_FAILS="1")
    assert done.returncode == 1
    assert "there is no version to roll back to" in done.stderr
    assert not world.calls("aws lambda update-alias")


def test_an_unchanged_function_is_not_rolled_back(world):
    (world.folder / "live").write_text("7\n")
    done = world.deploy(SMOKE_FAILS="1")
    assert done.returncode == 1
    assert "still has version 7" in done.stderr
    assert not world.calls("aws lambda update-alias")


@pytest.mark.parametrize(
    ("fails", "said"),
    [
        ("early", "make a new plan"),
        ("late", 'live points at the untested version 7; to roll back: make rollback ARGS="--version 6"'),
    ],
)
def test_a_failed_apply_is_not_smoke_tested_and_reports_the_alias(fails, said, world):
    (world.folder / "live").write_text("6\n")
    done = world.deploy(APPLY_FAILS=fails)
    assert done.returncode == 1
    assert said in done.stderr
    assert not world.calls("dofs")
    assert not world.calls("aws lambda update-alias")


def test_a_version_of_another_deployment_is_not_rolled_back(world):
    (world.folder / "live").write_text("6\n")
    done = world.deploy(SMOKE_FAILS="1", MEANWHILE="8")
    assert done.returncode == 1
    assert "live points at version 8 of another deployment" in done.stderr
    assert (world.folder / "live").read_text() == "8\n"


def test_without_a_gateway_url_no_order_is_sent(world):
    (world.folder / "live").write_text("6\n")
    done = world.deploy(NO_URL="1")
    assert done.returncode == 1
    assert "version 7 was rolled back" in done.stderr
    assert not world.calls("dofs")


def test_without_a_deployment_a_rollback_is_refused(world):
    assert "nothing is deployed yet" in world.deploy("rollback").stderr


def test_the_smoke_test_sends_no_credentials_of_another_deployment(world):
    assert world.deploy("smoke", AUTH="iam", DOFS_TOKEN="eyJ", DOFS_API_KEY="0ther").returncode == 0
    assert {"https://abc/dev ", "no token"} < {*world.calls()}


@pytest.mark.parametrize(
    ("auth", "call", "key"),
    [("none", "dofs smoke", ""), ("api_key", "dofs smoke", "k3y"), ("iam", "dofs --sigv4 smoke", "")],
)
def test_the_smoke_test_authenticates_as_configured(auth, call, key, world):
    assert world.deploy("smoke", AUTH=auth).returncode == 0
    assert call in world.calls()
    assert f"https://abc/dev {key}" in world.calls()


def test_the_smoke_test_has_the_given_timeout(world):
    assert world.deploy("smoke", "--smoke-timeout", "90s").returncode == 0
    assert "dofs smoke --timeout 90s" in world.calls()


def test_with_cognito_a_missing_token_is_reported_first(world):
    (world.root / "terraform" / "terraform.tfvars").write_text('api_auth = "cognito"\n')
    assert "DOFS_TOKEN" in world.deploy().stderr
    assert not world.calls()
    assert world.deploy(DOFS_TOKEN="eyJ").returncode == 0
    assert world.deploy("--no-smoke").returncode == 0
    assert world.calls().count("dofs smoke") == 1


def test_a_pipeline_without_a_token_reports_the_skipped_smoke_test(world):
    (world.root / "terraform" / "terraform.tfvars").write_text('api_auth = "cognito"\n')
    world.deploy("image")
    world.deploy("plan")
    done = world.deploy("apply")
    assert done.returncode == 0, done.stderr
    assert "SKIPPING THE SMOKE TEST" in done.stderr
    assert world.applied()
    assert "dofs smoke" not in world.calls()


@pytest.mark.parametrize(("live", "before"), [("12", "11"), ("10", "9"), ("9", "2")])
def test_a_rollback_goes_to_the_previous_version_number(live, before, world):
    (world.folder / "live").write_text(live)
    assert world.deploy("rollback").returncode == 0
    assert (world.folder / "live").read_text().strip() == before


def test_a_rollback_goes_to_the_given_version(world):
    (world.folder / "live").write_text("2")
    assert "there is no version before it" in world.deploy("rollback").stderr
    assert world.deploy("rollback", "--version", "10").returncode == 0
    assert (world.folder / "live").read_text().strip() == "10"
