"""Secrets in Secrets Manager."""

from service.aws.clients import Clients


def read_secret_text(clients: Clients, arn: str) -> str:
    """Read the present text of a secret; empty if it holds binary data.

    Args:
        clients: the AWS clients.
        arn: the ARN of the secret.

    Raises:
        Unavailable: it cannot be read, or nobody has stored a value in it.
    """
    text: str = clients.secretsmanager.get_secret_value(SecretId=arn).get("SecretString", "")
    return text
