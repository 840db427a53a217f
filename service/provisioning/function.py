"""The Lambda function, its alias, and its event source mapping."""

from typing import Any

from service.provisioning.deployment import Deployment
from service.provisioning.names import ALIAS
from service.provisioning.roles import create_role

IMAGE = "dofs:latest"  # not pulled: the embedded cloud and compose run the code themselves
MEMORY = 256  # MB
BATCH_SIZE = 10
MAX_CONCURRENCY = 5  # parallel batches; leaves concurrency for the API during a backlog


def create_function(deployment: Deployment) -> None:
    """Create or update the function, and point its alias at a version with the present settings."""
    functions, name = deployment.client("lambda"), deployment.names.function
    role = create_role(deployment, deployment.names.function_role, "lambda.amazonaws.com")
    configuration = function_configuration(deployment, role)
    live = _live_configuration(functions, name)
    if live and all(live.get(part) == value for part, value in configuration.items()):
        return
    try:
        functions.create_function(**configuration, PackageType="Image", Code={"ImageUri": IMAGE})
        functions.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    except functions.exceptions.ResourceConflictException:
        functions.update_function_configuration(**configuration)
        functions.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    version = functions.publish_version(FunctionName=name)["Version"]
    point = functions.update_alias if live else functions.create_alias
    point(FunctionName=name, Name=ALIAS, FunctionVersion=version)


def connect_queue(deployment: Deployment) -> None:
    """Create or update the event source mapping from the queue to the function's alias."""
    functions, mapping = deployment.client("lambda"), event_source_mapping(deployment)
    source = mapping["EventSourceArn"]
    found = functions.list_event_source_mappings(EventSourceArn=source)["EventSourceMappings"]
    if not found:
        functions.create_event_source_mapping(**mapping)
    elif any(found[0].get(name) != value for name, value in mapping.items() if name != "FunctionName"):
        changed = {name: value for name, value in mapping.items() if name != "EventSourceArn"}
        functions.update_event_source_mapping(UUID=found[0]["UUID"], **changed)


def function_configuration(deployment: Deployment, role: str) -> dict[str, Any]:
    """Return the function's configuration for ``CreateFunction`` and ``UpdateFunctionConfiguration``."""
    return {
        "FunctionName": deployment.names.function,
        "Role": role,
        "Timeout": deployment.settings.function_timeout,
        "MemorySize": MEMORY,
        "Environment": {"Variables": deployment.settings.environment_variables()},
    }


def event_source_mapping(deployment: Deployment) -> dict[str, Any]:
    """Return the parameters of ``CreateEventSourceMapping``."""
    names = deployment.names
    return {
        "EventSourceArn": names.queue_arn(names.queue),
        "FunctionName": names.alias_arn,
        "BatchSize": BATCH_SIZE,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": MAX_CONCURRENCY},
    }


def _live_configuration(functions: Any, name: str) -> dict[str, Any] | None:
    """Return the configuration of the alias's version; None if the alias does not exist."""
    try:
        version = functions.get_alias(FunctionName=name, Name=ALIAS)["FunctionVersion"]
    except functions.exceptions.ResourceNotFoundException:
        return None
    live: dict[str, Any] = functions.get_function_configuration(FunctionName=name, Qualifier=version)
    return live
