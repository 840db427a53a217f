"""The AWS endpoint answers programs on this machine, and nobody else."""

import socket

import httpx
import pytest

from service.embedded.endpoint import AwsEndpoint, PortTaken
from tests.embedded.support import running_cloud
from tests.polling import PATIENCE

LIST_QUEUES = {
    "X-Amz-Target": "AmazonSQS.ListQueues",
    "Content-Type": "application/x-amz-json-1.0",
    "Authorization": "AWS4-HMAC-SHA256 Credential=x/20260101/ap-south-1/sqs/aws4_request, SignedHeaders=h, Signature=s",
}


@pytest.fixture(scope="module")
def url():
    with running_cloud() as cloud:
        yield cloud.endpoint.url


def test_the_endpoint_listens_on_loopback_only(url):
    assert url.startswith("http://127.0.0.1:")


def test_requests_of_programs_are_accepted(url):
    answer = httpx.post(url, headers=LIST_QUEUES, content="{}", timeout=PATIENCE)
    assert answer.status_code == 200
    assert len(answer.json()["QueueUrls"]) == 2


@pytest.mark.parametrize("header", [{"Origin": "https://evil.example"}, {"Host": "evil.example"}, {"Host": ""}])
def test_requests_of_web_pages_are_refused(url, header):
    answer = httpx.post(url, headers={**LIST_QUEUES, **header}, content="{}", timeout=PATIENCE)
    assert answer.status_code == 403


def test_an_occupied_port_is_reported_with_its_setting():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=f"port {port} is taken.*DOFS_EMBEDDED_AWS_PORT"):
            AwsEndpoint(port)
