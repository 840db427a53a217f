"""The smoke test of a deployment: its credentials, and the rollback after its failure."""

import pytest


@pytest.mark.parametrize("step", [["--yes"], ["apply"]], ids=str)
def test_a_failed_smoke_test_rolls_the_alias_back(step, checkout):
    checkout.deploy("image")
    checkout.deploy("plan")
    (checkout.folder / "live").write_text("6\n")
    done = checkout.deploy(*step, SMOKE_FAILS="1")
    assert done.returncode == 1
    assert "version 7 was rolled back" in done.stderr
    assert (checkout.folder / "live").read_text() == "6\n"
    assert "curl" not in done.stdout


def test_the_first_version_cannot_be_rolled_back(checkout):
    done = checkout.deploy(SMOKE_FAILS="1")
    assert done.returncode == 1
    assert "there is no version to roll back to" in done.stderr
    assert not checkout.calls("aws lambda update-alias")


def test_an_unchanged_function_is_not_rolled_back(checkout):
    (checkout.folder / "live").write_text("7\n")
    done = checkout.deploy(SMOKE_FAILS="1")
    assert done.returncode == 1
    assert "still has version 7" in done.stderr
    assert not checkout.calls("aws lambda update-alias")


@pytest.mark.parametrize(
    ("fails", "said"),
    [
        ("early", "make a new plan"),
        ("late", 'live points at the untested version 7; to roll back: make rollback ARGS="--version 6"'),
    ],
)
def test_a_failed_apply_is_not_smoke_tested_and_reports_the_alias(fails, said, checkout):
    (checkout.folder / "live").write_text("6\n")
    done = checkout.deploy(APPLY_FAILS=fails)
    assert done.returncode == 1
    assert said in done.stderr
    assert not checkout.calls("dofs")
    assert not checkout.calls("aws lambda update-alias")


def test_a_version_of_another_deployment_is_not_rolled_back(checkout):
    (checkout.folder / "live").write_text("6\n")
    done = checkout.deploy(SMOKE_FAILS="1", MEANWHILE="8")
    assert done.returncode == 1
    assert "live points at version 8 of another deployment" in done.stderr
    assert (checkout.folder / "live").read_text() == "8\n"


def test_without_a_gateway_url_no_order_is_sent(checkout):
    (checkout.folder / "live").write_text("6\n")
    done = checkout.deploy(NO_URL="1")
    assert done.returncode == 1
    assert "version 7 was rolled back" in done.stderr
    assert not checkout.calls("dofs")


def test_without_a_deployment_a_rollback_is_refused(checkout):
    assert "nothing is deployed yet" in checkout.deploy("rollback").stderr


def test_the_smoke_test_sends_no_credentials_of_another_deployment(checkout):
    assert checkout.deploy("smoke", AUTH="iam", DOFS_TOKEN="eyJ", DOFS_API_KEY="0ther").returncode == 0
    assert {"https://abc/dev ", "no token"} < {*checkout.calls()}


@pytest.mark.parametrize(
    ("auth", "call", "key"),
    [("none", "dofs smoke", ""), ("api_key", "dofs smoke", "k3y"), ("iam", "dofs --sigv4 smoke", "")],
)
def test_the_smoke_test_authenticates_as_configured(auth, call, key, checkout):
    assert checkout.deploy("smoke", AUTH=auth).returncode == 0
    assert call in checkout.calls()
    assert f"https://abc/dev {key}" in checkout.calls()


def test_the_smoke_test_has_the_given_timeout(checkout):
    assert checkout.deploy("smoke", "--smoke-timeout", "90s").returncode == 0
    assert "dofs smoke --timeout 90s" in checkout.calls()


def test_with_cognito_a_missing_token_is_reported_first(checkout):
    (checkout.root / "terraform" / "terraform.tfvars").write_text('api_auth = "cognito"\n')
    assert "DOFS_TOKEN" in checkout.deploy().stderr
    assert not checkout.calls()
    assert checkout.deploy(DOFS_TOKEN="eyJ").returncode == 0
    assert checkout.deploy("--no-smoke").returncode == 0
    assert checkout.calls().count("dofs smoke") == 1


def test_a_pipeline_without_a_token_reports_the_skipped_smoke_test(checkout):
    (checkout.root / "terraform" / "terraform.tfvars").write_text('api_auth = "cognito"\n')
    checkout.deploy("image")
    checkout.deploy("plan")
    done = checkout.deploy("apply")
    assert done.returncode == 0, done.stderr
    assert "SKIPPING THE SMOKE TEST" in done.stderr
    assert checkout.applied()
    assert "dofs smoke" not in checkout.calls()


@pytest.mark.parametrize(("live", "before"), [("12", "11"), ("10", "9"), ("9", "2")])
def test_a_rollback_goes_to_the_previous_version_number(live, before, checkout):
    (checkout.folder / "live").write_text(live)
    assert checkout.deploy("rollback").returncode == 0
    assert (checkout.folder / "live").read_text().strip() == before


def test_a_rollback_goes_to_the_given_version(checkout):
    (checkout.folder / "live").write_text("2")
    assert "there is no version before it" in checkout.deploy("rollback").stderr
    assert checkout.deploy("rollback", "--version", "10").returncode == 0
    assert (checkout.folder / "live").read_text().strip() == "10"
