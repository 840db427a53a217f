"""The embedded cloud and compose create the same resources, by what their AWS endpoints say of them."""

import json
from typing import Any

import pytest

from service.settings import Settings
from tests.embedded.support import running_cloud
from tests.system import Running, url

pytestmark = pytest.mark.docker

OWN = {"DOFS_CLOUD", "DOFS_AWS_ENDPOINT_URL", "DOFS_QUEUE_URL", "DOFS_STATE_MACHINE_ARN"}
"""Where a cloud is and what its account is called; all other settings can be the same."""


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


def tables(system: Running) -> Any:
    found = {}
    for name in (system.settings.orders_table, system.settings.failed_orders_table):
        table = system.client("dynamodb").describe_table(TableName=name)["Table"]
        indexes = table["GlobalSecondaryIndexes"]
        found[name] = {
            "attributes": sorted(json.dumps(each, sort_keys=True) for each in table["AttributeDefinitions"]),
            "key": table["KeySchema"],
            "billing": table["BillingModeSummary"]["BillingMode"],
            "indexes": {each["IndexName"]: (each["KeySchema"], each["Projection"]) for each in indexes},
        }
    return found


def queues(system: Running) -> Any:
    compared = ("VisibilityTimeout", "MessageRetentionPeriod", "SqsManagedSseEnabled", "RedrivePolicy")
    found = {}
    for name in (system.names.queue, system.names.dead_letter_queue):
        answer = system.client("sqs").get_queue_attributes(QueueUrl=url(system, name), AttributeNames=["All"])
        found[name] = {each: value for each, value in answer["Attributes"].items() if each in compared}
        if "RedrivePolicy" in found[name]:
            found[name]["RedrivePolicy"] = json.loads(found[name]["RedrivePolicy"])
    return found


def state_machine(system: Running) -> Any:
    found = system.client("stepfunctions").describe_state_machine(stateMachineArn=system.names.state_machine_arn)
    return {"definition": json.loads(found["definition"]), "type": found["type"], "role": found["roleArn"]}


def function(system: Running) -> Any:
    functions, name = system.client("lambda"), system.names.function
    found = functions.get_function_configuration(FunctionName=name)
    variables = {each: value for each, value in found["Environment"]["Variables"].items() if each not in OWN}
    alias = functions.get_alias(FunctionName=name, Name="live")
    compared = ("FunctionName", "PackageType", "Timeout", "MemorySize", "Role")
    return {each: found[each] for each in compared} | {"variables": variables, "alias": alias["FunctionVersion"]}


def mapping(system: Running) -> Any:
    (found,) = system.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    function = found["FunctionArn"].removeprefix(system.names.function_arn)  # moto resolves the alias to its version
    compared = ("EventSourceArn", "BatchSize", "FunctionResponseTypes")
    return {each: found[each] for each in compared} | {"qualified": function in (":live", ":1")}


def schedule(system: Running) -> Any:
    events, name = system.client("events"), system.names.rule
    rule, targets = events.describe_rule(Name=name), events.list_targets_by_rule(Rule=name)["Targets"]
    return rule["ScheduleExpression"], rule["State"], [(each["Id"], each["Arn"], each["Input"]) for each in targets]


@pytest.mark.parametrize("describe", [tables, queues, state_machine, function, mapping, schedule])
def test_both_create_the_same(both, describe):
    def neutral(system: Running) -> Any:
        text = json.dumps(describe(system)).replace(system.names.account, "ACCOUNT")
        return json.loads(text.replace(system.settings.queue_url.replace(system.names.account, "ACCOUNT"), "QUEUE"))

    on_compose, embedded = (neutral(system) for system in both)
    assert on_compose == embedded


def test_on_compose_the_dead_letter_queue_takes_messages_of_the_one_queue_only(stack):
    """moto keeps no such attribute."""
    dead = url(stack, stack.names.dead_letter_queue)
    answer = stack.client("sqs").get_queue_attributes(QueueUrl=dead, AttributeNames=["RedriveAllowPolicy"])
    assert json.loads(answer["Attributes"]["RedriveAllowPolicy"]) == {
        "redrivePermission": "byQueue",
        "sourceQueueArns": [stack.names.queue_arn(stack.names.queue)],
    }


def test_the_function_has_the_environment_that_its_containers_have(stack):
    printed = stack.compose("exec", "lambda", "python", "-c", "import json, os; print(json.dumps(dict(os.environ)))")
    containers = {name: value for name, value in json.loads(printed).items() if name.startswith("DOFS_")}
    assert Settings.load(containers) == stack.settings
    assert json.loads(printed)["AWS_LAMBDA_FUNCTION_TIMEOUT"] == str(stack.settings.function_timeout)
