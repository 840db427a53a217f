"""The roles of the function and of the state machine. Emulators require roles but do not enforce them."""

import json

from service.provisioning.deployment import Deployment


def create_role(deployment: Deployment, name: str, service: str) -> str:
    """Create a role that a service can assume, unless it exists.

    Returns:
        The ARN of the role.
    """
    iam = deployment.client("iam")
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    try:
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy)
    except iam.exceptions.EntityAlreadyExistsException:
        role = iam.get_role(RoleName=name)
    arn: str = role["Role"]["Arn"]
    return arn
