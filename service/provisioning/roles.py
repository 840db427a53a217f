"""The roles that the function and the state machine run as. Emulators do not enforce them; they ask that they exist."""

import json

from service.provisioning.deployment import Deployment


def create_role(deployment: Deployment, name: str, service: str) -> str:
    """Create a role that a service may assume, if it is not there yet.

    Returns:
        Its ARN.
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
