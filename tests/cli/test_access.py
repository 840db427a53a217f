"""The credentials of `dofs`, and the URL of the API."""

import os
from datetime import datetime

import botocore.auth
import httpx
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from service.cli import auth
from service.cli.errors import CliError
from tests.cli.commands import run
from tests.cli.stub import Answer, stub

LIST = Answer(200, {"orders": [], "next_cursor": None})
ACCESS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token"}


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch):
    for name in [name for name in os.environ if name.startswith(("AWS_", "DOFS_"))]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def test_the_url_and_the_api_key_come_from_the_environment_and_the_key_is_not_printed(monkeypatch):
    with stub(lambda _: Answer(403, {"message": "Forbidden"})) as server:
        monkeypatch.setenv("DOFS_API_URL", f"{server.url}/dev")
        monkeypatch.setenv("DOFS_API_KEY", "k3y-of-mine")
        ran = run("list", "--status", "FAILED")
    assert ran.code == 4
    [request] = server.received
    assert request.path == "/dev/orders?status=FAILED&limit=20"
    assert request.headers["x-api-key"] == "k3y-of-mine"
    assert "k3y-of-mine" not in ran.out + ran.err + run("--help").out


def test_an_api_key_that_is_not_a_valid_header_is_refused_and_not_printed():
    for key in ("k3y\nwith a line", "k3y-ü", "k3y " * 100):
        ran = run("--api-key", key, "stats")
        assert (ran.code, "k3y" in ran.err) == (2, False)


def test_a_user_pools_token_is_sent_unchanged_and_not_printed(monkeypatch):
    monkeypatch.setenv("DOFS_TOKEN", "eyJhbGciOi.J9.x")
    with stub(lambda _: Answer(401, {"message": "Unauthorized"})) as server:
        ran = run("--api", server.url, "list", "--status", "FAILED")
        signed = run("--api", server.url, "--sigv4", "list", "--status", "FAILED")
    [request] = server.received
    assert request.headers["authorization"] == "eyJhbGciOi.J9.x"
    assert (ran.code, signed.code) == (4, 2)
    assert "eyJ" not in ran.out + ran.err + signed.err + run("--help").out
    assert run("--token", "two words", "stats").code == 2


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:8000",
        "ftp://host",
        "http://",
        "http://host?x=1",
        "http://host/#a",
        "http://[",
        "http://h:x",
        "http://h\x1b",
    ],
)
def test_an_invalid_url_is_refused(url):
    ran = run("--api", url, "stats")
    assert (ran.code, ran.err) == (2, "dofs: --api takes a URL such as http://127.0.0.1:8000 or https://host/dev.\n")


def test_a_password_in_the_url_is_refused_and_not_printed():
    ran = run("--api", "http://me:secret@host", "stats")
    assert (ran.code, "secret" in ran.err) == (2, False)


@pytest.mark.parametrize(
    "command", [("list", "--status", "FAILED"), ("cancel", "ord_1:2"), ("redrive", "ord_1", "--note", "ünïcode 'x'")]
)
def test_requests_are_signed_as_botocore_signs_them(command, monkeypatch):
    for name, value in ACCESS.items():
        monkeypatch.setenv(name, value)
    answer = {"orders": [], "results": [], "next_cursor": None}
    with stub(lambda _: Answer(200, answer)) as server:
        ran = run("--api", f"{server.url}/dev", "--sigv4", "--region", "eu-west-1", *command)
    assert ran.code == 0, ran.err
    [request] = server.received
    at = datetime.strptime(request.headers["x-amz-date"] + "+0000", "%Y%m%dT%H%M%SZ%z")
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_, **__: at.replace(tzinfo=None))
    again = AWSRequest(request.method, server.url + request.path, data=request.body)
    if "content-type" in request.headers:
        again.headers["Content-Type"] = request.headers["content-type"]
    credentials = Credentials(ACCESS["AWS_ACCESS_KEY_ID"], ACCESS["AWS_SECRET_ACCESS_KEY"], ACCESS["AWS_SESSION_TOKEN"])
    botocore.auth.SigV4Auth(credentials, "execute-api", "eu-west-1").add_auth(again)
    assert request.headers["authorization"] == again.headers["Authorization"]
    assert request.headers["x-amz-security-token"] == "token"
    assert "/eu-west-1/execute-api/aws4_request" in request.headers["authorization"]


def test_the_region_is_that_of_the_option_or_of_the_host_or_of_the_environment(monkeypatch):
    for name, value in ACCESS.items():
        monkeypatch.setenv(name, value)

    def region(url, given=None):
        request = httpx.Request("GET", url)
        next(auth.create_sigv4(url, given).auth_flow(request))
        return request.headers["authorization"].split("/")[2]

    host = "https://abc.execute-api.ap-south-1.amazonaws.com/dev"
    with pytest.raises(CliError, match="needs a region"):
        region("http://127.0.0.1:8000")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    assert region("http://127.0.0.1:8000") == "us-west-2"
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    assert region("http://127.0.0.1:8000") == "us-east-1"
    assert region(host) == "ap-south-1"
    assert region(host, "eu-west-1") == "eu-west-1"


def test_missing_credentials_for_a_signature_are_an_error():
    ran = run("--sigv4", "--region", "eu-west-1", "stats")
    assert (ran.code, ran.out) == (4, "")
    assert "There are no AWS credentials to sign with" in ran.err


def test_with_aws_missing_credentials_and_regions_are_errors(monkeypatch):
    assert "give --region" in run("--aws", "stats").err
    ran = run("--aws", "--region", "eu-west-1", "stats")
    assert (ran.code, ran.err) == (
        4,
        "dofs: There are no AWS credentials (Unable to locate credentials): set AWS_PROFILE.\n",
    )
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert run("--aws", "--region", "eu-west-1", "stats").code == 3
