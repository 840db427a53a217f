"""Permissions to invoke the function's alias."""

import json

from service.provisioning.deployment import Deployment
from service.provisioning.names import ALIAS


def allow_invoke(deployment: Deployment, statement: str, service: str, source_arn: str) -> None:
    """Allow a service to invoke the alias for one resource, unless it is allowed already."""
    functions, name = deployment.client("lambda"), deployment.names.function
    try:
        policy = json.loads(functions.get_policy(FunctionName=name, Qualifier=ALIAS)["Policy"])
    except functions.exceptions.ResourceNotFoundException:
        policy = {"Statement": []}
    if statement not in [each["Sid"] for each in policy["Statement"]]:
        functions.add_permission(
            FunctionName=name,
            Qualifier=ALIAS,
            StatementId=statement,
            Action="lambda:InvokeFunction",
            Principal=service,
            SourceArn=source_arn,
        )
