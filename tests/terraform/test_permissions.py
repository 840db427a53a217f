"""The policies allow each AWS call that the system makes, and no action that it does not call."""

import json
from fnmatch import fnmatchcase

import pytest

from service.provisioning.names import Names
from tests.terraform.policies import parse_document, parse_function_policy
from tests.terraform.recorded_calls import record_calls

pytestmark = pytest.mark.anyio

NAMES = Names("dev", "123456789012", "ap-south-1")
POLICY = parse_function_policy(NAMES)
CALLED_BY_AWS = {
    "TakeMessages": {"sqs:ReceiveMessage", "sqs:DeleteMessage"},  # the event source mapping, with the function's role
    "Logs": {"logs:CreateLogStream", "logs:PutLogEvents"},  # the Lambda runtime
    "Traces": {"xray:PutTraceSegments", "xray:PutTelemetryRecords"},  # the Lambda runtime, with enable_tracing
    "Key": {"kms:Decrypt", "kms:GenerateDataKey"},  # DynamoDB and SQS for the function, with kms_key_arn
}
"""Statements whose actions AWS calls with the function's role."""


@pytest.fixture(scope="module")
async def calls():
    return await record_calls()


async def test_each_call_is_allowed_by_the_functions_policy(calls):
    assert CALLED_BY_AWS.keys() <= POLICY.keys()
    assert {call for call in calls if not any(each.allows(*call) for each in POLICY.values())} == set()


async def test_each_allowed_action_is_called_on_its_resource(calls):
    for sid, statement in POLICY.items():
        called = {action for action, resource in calls if statement.allows(action, resource)}
        assert statement.actions == (CALLED_BY_AWS.get(sid) or called), sid


def test_the_functions_policy_allows_nothing_on_other_resources():
    for action, resource in (
        ("dynamodb:PutItem", "arn:aws:dynamodb:ap-south-1:123456789012:table/others"),
        ("dynamodb:Scan", "arn:aws:dynamodb:ap-south-1:123456789012:table/dofs-orders-dev"),
        ("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:ap-south-1:123456789012:secret:others"),
        ("sqs:SendMessage", NAMES.queue_arn(NAMES.dead_letter_queue)),
        ("sqs:PurgeQueue", NAMES.queue_arn(NAMES.dead_letter_queue)),
    ):
        assert not any(each.allows(action, resource) for each in POLICY.values())


@pytest.mark.docker
def test_the_deployed_policy_has_the_actions_and_resources_of_the_file(deployed):
    there = parse_document(deployed.root.resources()["aws_iam_policy.function"]["policy"])
    file = parse_function_policy(deployed.names)
    assert there.keys() == file.keys() - {"WarehouseSecret", "Traces", "Key"}
    for sid in there.keys() - {"Logs"}:
        assert there[sid].actions == file[sid].actions
        (pattern,) = file[sid].resources
        assert all(fnmatchcase(resource, pattern) for resource in there[sid].resources)


@pytest.mark.docker
def test_the_workflows_policy_allows_each_task_of_its_definition(deployed):
    resources = deployed.root.resources()
    definition = json.loads(resources["aws_sfn_state_machine.orders"]["definition"])
    policy = parse_document(resources["aws_iam_role_policy.workflow"]["policy"]).values()
    tasks = [state for state in definition["States"].values() if state["Type"] == "Task"]
    assert tasks
    for task in tasks:
        if task["Resource"].endswith("lambda:invoke"):
            call = ("lambda:InvokeFunction", task["Parameters"]["FunctionName"])
        else:
            assert task["Resource"].endswith("sqs:sendMessage")
            call = ("sqs:SendMessage", deployed.names.queue_arn(task["Parameters"]["QueueUrl"].rpartition("/")[2]))
        assert any(each.allows(*call) for each in policy)
