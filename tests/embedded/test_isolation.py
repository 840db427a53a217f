"""The embedded cloud reaches nothing outside, and reads no credential of the user."""

import os

import boto3
import pytest
from botocore.config import Config

from service.embedded.cloud import EmbeddedCloud, embedded_settings
from service.embedded.isolation import WouldReachAws, isolated
from tests.embedded.support import running_cloud

ONCE = Config(retries={"total_max_attempts": 1})


def test_a_request_that_the_emulator_does_not_answer_is_not_sent():
    with isolated("ap-south-1"):
        sqs = boto3.session.Session().client("sqs", region_name="ap-south-1", config=ONCE)
        with pytest.raises(WouldReachAws, match=r"sqs\.ap-south-1\.amazonaws\.com"):
            sqs.list_queues()


def test_an_endpoint_on_another_machine_is_not_reached_from_a_running_cloud():
    with running_cloud() as cloud:
        elsewhere = boto3.session.Session().client(
            "sqs", region_name=cloud.settings.region, endpoint_url="http://192.0.2.1:4566", config=ONCE
        )
        with pytest.raises(WouldReachAws, match=r"192\.0\.2\.1"):
            elsewhere.list_queues()


def test_a_client_of_a_cloud_that_has_stopped_reaches_nothing_either():
    """A batch that is in hand at the end must not find its way to AWS, where the names it uses may be real."""
    with running_cloud() as cloud:
        cloud.system.store.ready()
    with pytest.raises(WouldReachAws):
        cloud.system.store.ready()


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"])
def test_it_does_not_start_when_the_environment_directs_calls_elsewhere(monkeypatch, variable):
    monkeypatch.setenv(variable, "https://dynamodb.ap-south-1.amazonaws.com")
    with pytest.raises(WouldReachAws, match=variable):
        EmbeddedCloud(embedded_settings({"DOFS_EMBEDDED_AWS_PORT": "0"})).start()


def test_an_endpoint_on_this_machine_is_ignored(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with running_cloud() as cloud:
        cloud.system.store.ready()


def test_credentials_and_profiles_of_the_environment_are_not_used_and_come_back(monkeypatch, tmp_path):
    profile = tmp_path / "config"
    profile.write_text("[profile mine]\nregion = eu-west-1\n")
    theirs = {
        "AWS_ACCESS_KEY_ID": "AKIAREAL",
        "AWS_SECRET_ACCESS_KEY": "real",
        "AWS_SESSION_TOKEN": "real",
        "AWS_PROFILE": "mine",
        "AWS_CONFIG_FILE": str(profile),
    }
    for name, value in theirs.items():
        monkeypatch.setenv(name, value)
    with running_cloud() as cloud:
        cloud.system.store.ready()
        credentials = boto3.session.Session().get_credentials()
        assert credentials is not None
        assert credentials.access_key != "AKIAREAL"
        assert credentials.token is None
        assert "AWS_PROFILE" not in os.environ
    assert {name: os.environ[name] for name in theirs} == theirs
