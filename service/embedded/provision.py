"""Creates the resources of a deployment in an emulator."""

import io
import json
import zipfile
from typing import Any

from service.embedded import resources
from service.embedded.resources import Names
from service.settings import Settings

ROLE_FOR = {"function_role": "lambda.amazonaws.com", "workflow_role": "states.amazonaws.com"}


def provision(client: Any, names: Names, settings: Settings) -> None:
    """Create every resource.

    Args:
        client: makes a boto3 client of the service that it is given.
        names: what the resources are called.
        settings: those that the function is to run with; they name the same resources.
    """
    _tables(client("dynamodb"), settings)
    _queues(client("sqs"), names, settings)
    roles = {role: _role(client("iam"), getattr(names, role), service) for role, service in ROLE_FOR.items()}
    _function(client("lambda"), names, settings, roles["function_role"])
    _workflow(client("stepfunctions"), names, settings, roles["workflow_role"])
    _schedule(client("events"), names)


def _tables(dynamodb: Any, settings: Settings) -> None:
    dynamodb.create_table(**resources.orders_table(settings.orders_table))
    dynamodb.create_table(**resources.failed_orders_table(settings.failed_orders_table))


def _queues(sqs: Any, names: Names, settings: Settings) -> None:
    sqs.create_queue(QueueName=names.dead_letter_queue, Attributes=resources.dead_letter_queue_attributes())
    dead_letter_queue = names.queue_arn(names.dead_letter_queue)
    sqs.create_queue(QueueName=names.queue, Attributes=resources.queue_attributes(settings, dead_letter_queue))


def _role(iam: Any, name: str, service: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy)["Role"]["Arn"]
    return arn


def _function(functions: Any, names: Names, settings: Settings, role: str) -> None:
    functions.create_function(
        FunctionName=names.function,
        Runtime="python3.13",
        Handler="service.handler.handler",
        Code={"ZipFile": _placeholder()},
        Role=role,
        Timeout=settings.function_timeout,
        MemorySize=256,
        Environment={"Variables": settings.environment_variables()},
    )
    functions.create_event_source_mapping(
        EventSourceArn=names.queue_arn(names.queue),
        FunctionName=names.function,
        BatchSize=resources.BATCH_SIZE,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )


def _workflow(stepfunctions: Any, names: Names, settings: Settings, role: str) -> None:
    stepfunctions.create_state_machine(
        name=names.state_machine,
        definition=resources.workflow_definition(names.function_arn, settings.queue_url),
        roleArn=role,
        type="STANDARD",
    )


def _schedule(events: Any, names: Names) -> None:
    events.put_rule(Name=names.rule, ScheduleExpression="rate(1 minute)", State="ENABLED")
    events.put_targets(
        Rule=names.rule,
        Targets=[{"Id": "reconcile", "Arn": names.function_arn, "Input": json.dumps(resources.RECONCILE_EVENT)}],
    )


def _placeholder() -> bytes:
    """An archive that the emulator stores and never runs: the function is this process."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        package.writestr("README", "The embedded cloud runs service.handler in its own process.\n")
    return archive.getvalue()
