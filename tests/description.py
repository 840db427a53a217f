"""What a deployment consists of, by what its AWS endpoint says, in a form in which two deployments can be compared."""

import json
from typing import Any

from service.settings import Settings
from tests.system import Running, url

_OWN = ("CLOUD", "AWS_ENDPOINT_URL", "QUEUE_URL", "DEAD_LETTER_QUEUE_URL", "STATE_MACHINE_ARN", "LOG_FORMAT")
OWN = {f"DOFS_{name}" for name in _OWN}
"""Where a cloud is and what its account is called; all other settings can be the same."""


def neutral(describe: Any, system: Running) -> Any:
    """A description without the account's number and the queue's address, in which any two deployments differ."""
    text = json.dumps(describe(system)).replace(system.names.account, "ACCOUNT")
    addresses = {system.settings.queue_url, url(system, system.names.queue)}
    for address in addresses:
        text = text.replace(address.replace(system.names.account, "ACCOUNT"), "QUEUE")
    return json.loads(text)


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
    settings = Settings.load(found["Environment"]["Variables"]).environment_variables()
    alias = functions.get_alias(FunctionName=name, Name="live")
    compared = ("FunctionName", "PackageType", "Timeout", "MemorySize", "Role")
    return {each: found[each] for each in compared} | {
        "settings": {each: value for each, value in settings.items() if each not in OWN},
        "alias": alias["FunctionVersion"].isdecimal(),
    }


def mapping(system: Running) -> Any:
    (found,) = system.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    function = found["FunctionArn"].removeprefix(system.names.function_arn)  # moto resolves the alias to its version
    compared = ("EventSourceArn", "BatchSize", "FunctionResponseTypes", "ScalingConfig")
    return {each: found[each] for each in compared} | {"qualified": function in (":live", ":1")}


def schedule(system: Running) -> Any:
    events, name = system.client("events"), system.names.rule
    rule, targets = events.describe_rule(Name=name), events.list_targets_by_rule(Rule=name)["Targets"]
    return (
        rule["ScheduleExpression"],
        rule["State"],
        [(each["Id"], each["Arn"], json.loads(each["Input"])) for each in targets],
    )


DESCRIPTIONS = (tables, queues, state_machine, function, mapping, schedule)
