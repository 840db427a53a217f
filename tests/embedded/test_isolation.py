"""The embedded cloud sends no request outside, and reads no credentials of the user."""

import os

import boto3
import pytest
from botocore.config import Config

from service.embedded.cloud import EmbeddedCloud, embedded_settings
from service.embedded.isolation import WouldReachAws, isolate
from tests.embedded.support import running_cloud

ONCE = Config(retries={"total_max_attempts": 1})


def test_an_unsupported_request_is_not_sent_to_aws():
    with isolate("ap-south-1"):
        sqs = boto3.session.Session().client("sqs", region_name="ap-south-1", config=ONCE)
        with pytest.raises(WouldReachAws, match=r"sqs\.ap-south-1\.amazonaws\.com"):
            sqs.list_queues()


def test_a_running_cloud_reaches_no_remote_endpoint():
    with running_cloud() as cloud:
        elsewhere = boto3.session.Session().client(
            "sqs", region_name=cloud.settings.region, endpoint_url="http://192.0.2.1:4566", config=ONCE
        )
        with pytest.raises(WouldReachAws, match=r"192\.0\.2\.1"):
            elsewhere.list_queues()


def test_a_client_of_a_stopped_cloud_reaches_nothing():
    """A batch that outlives the cloud must not send requests to AWS, where its resource names may exist."""
    with running_cloud() as cloud:
        cloud.system.store.ready()
    with pytest.raises(WouldReachAws):
        cloud.system.store.ready()


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"])
def test_the_cloud_does_not_start_with_a_remote_endpoint_in_the_environment(monkeypatch, variable):
    monkeypatch.setenv(variable, "https://dynamodb.ap-south-1.amazonaws.com")
    with pytest.raises(WouldReachAws, match=variable):
        EmbeddedCloud(embedded_settings({"DOFS_EMBEDDED_AWS_PORT": "0"})).start()


def test_a_local_endpoint_in_the_environment_is_ignored(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with running_cloud() as cloud:
        cloud.system.store.ready()


def test_credentials_of_the_environment_are_unused_and_restored(monkeypatch, tmp_path):
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
