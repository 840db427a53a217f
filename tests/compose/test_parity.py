"""The embedded cloud and compose create the same resources, as their AWS endpoints describe them."""

import json

import pytest

from service.settings import Settings
from tests.description import DESCRIPTIONS, OWN, neutral
from tests.embedded.support import running_cloud
from tests.system import url

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def both(stack):
    """The stack, and an embedded cloud with the same settings."""
    shared = {
        name.removeprefix("DOFS_").lower(): value
        for name, value in stack.function_environment().items()
        if name not in OWN and value
    }
    with running_cloud(**shared) as cloud:
        yield stack, cloud


@pytest.mark.parametrize("describe", DESCRIPTIONS)
def test_compose_and_the_embedded_cloud_create_the_same_resources(both, describe):
    on_compose, embedded = (neutral(describe, system) for system in both)
    assert on_compose == embedded


def test_the_dead_letter_queue_accepts_messages_only_from_the_fulfillment_queue(stack):
    """Only on compose: moto does not store this attribute."""
    dead = url(stack, stack.names.dead_letter_queue)
    answer = stack.client("sqs").get_queue_attributes(QueueUrl=dead, AttributeNames=["RedriveAllowPolicy"])
    assert json.loads(answer["Attributes"]["RedriveAllowPolicy"]) == {
        "redrivePermission": "byQueue",
        "sourceQueueArns": [stack.names.queue_arn(stack.names.queue)],
    }


def test_the_function_and_its_containers_have_the_same_environment(stack):
    printed = stack.compose("exec", "lambda", "python", "-c", "import json, os; print(json.dumps(dict(os.environ)))")
    containers = {name: value for name, value in json.loads(printed).items() if name.startswith("DOFS_")}
    assert Settings.load(containers) == stack.settings
    assert json.loads(printed)["AWS_LAMBDA_FUNCTION_TIMEOUT"] == str(stack.settings.function_timeout)
