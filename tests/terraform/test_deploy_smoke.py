"""The order at the end of a deployment: what it is sent with, and when a version is taken back."""

import pytest


@pytest.mark.parametrize("step", [["--yes"], ["apply"]], ids=str)
def test_when_its_order_does_not_get_through_the_alias_is_pointed_back(step, world):
    world.deploy("image")
    world.deploy("plan")
    (world.folder / "live").write_text("6\n")
    done = world.deploy(*step, SMOKE_FAILS="1")
    assert done.returncode == 1
    assert "version 7 was rolled back" in done.stderr
    assert (world.folder / "live").read_text() == "6\n"
    assert "curl" not in done.stdout


def test_of_the_first_version_nothing_can_be_taken_back(world):
    done = world.deploy(SMOKE_FAILS="1")
    assert done.returncode == 1
    assert "there is no version to roll back to" in done.stderr
    assert not world.calls("aws lambda update-alias")


def test_when_the_function_is_the_same_as_before_it_is_not_to_blame(world):
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
    assert "live points at version 8 of another deployment" in done.stderr
    assert (world.folder / "live").read_text() == "8\n"


def test_no_order_is_sent_to_this_machine_where_the_url_is_not_known(world):
    (world.folder / "live").write_text("6\n")
    done = world.deploy(NO_URL="1")
    assert done.returncode == 1
    assert "version 7 was rolled back" in done.stderr
    assert not world.calls("dofs")


def test_without_a_deployment_there_is_nothing_to_send_an_order_to_or_to_roll_back(world):
    assert "nothing is deployed yet" in world.deploy("rollback").stderr


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


def test_the_order_is_awaited_as_long_as_the_caller_says(world):
    assert world.deploy("smoke", "--smoke-timeout", "90s").returncode == 0
    assert "dofs smoke --timeout 90s" in world.calls()


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
    assert "SKIPPING THE SMOKE TEST" in done.stderr
    assert world.applied()
    assert "dofs smoke" not in world.calls()


@pytest.mark.parametrize(("live", "before"), [("12", "11"), ("10", "9"), ("9", "2")])
def test_a_rollback_goes_to_the_version_before_by_number(live, before, world):
    (world.folder / "live").write_text(live)
    assert world.deploy("rollback").returncode == 0
    assert (world.folder / "live").read_text().strip() == before


def test_a_rollback_goes_where_it_is_told_and_nowhere_if_there_is_nothing(world):
    (world.folder / "live").write_text("2")
    assert "there is no version before it" in world.deploy("rollback").stderr
    assert world.deploy("rollback", "--version", "10").returncode == 0
    assert (world.folder / "live").read_text().strip() == "10"
