"""How requests to the API prove who sends them."""

import os
import re
from collections.abc import Callable, Generator
from typing import Any

import httpx

from service.cli.errors import CliError, ExitCode

SERVICE = "execute-api"
_SIGNED_HEADERS = ("content-type", "idempotency-key", "prefer", "x-api-key")


def headers(api_key: str | None, token: str | None) -> dict[str, str]:
    """The headers that carry an API key and a token of a user pool; none of what is not given.

    Raises:
        CliError: no header can carry one. The message does not quote it.
    """
    given = (
        ("X-Api-Key", api_key, 256, "API key", "DOFS_API_KEY or --api-key"),
        ("Authorization", token, 8192, "token", "DOFS_TOKEN or --token"),
    )
    for _, value, longest, what, where in given:
        if value and not re.fullmatch(f"[!-~]{{1,{longest}}}", value):
            raise CliError(ExitCode.USAGE, f"The {what} holds characters that no header can carry: check {where}.")
    return {name: value for name, value, *_ in given if value}


class SigV4(httpx.Auth):
    """Signs each request for API Gateway with AWS's Signature Version 4.

    ``credentials`` is asked for every request, so that those that expire are refreshed.
    """

    requires_request_body = True

    def __init__(self, credentials: Callable[[], Any], region: str) -> None:
        self._credentials = credentials
        self._region = region

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest

        signed = AWSRequest(
            method=request.method,
            url=str(request.url),
            data=request.content,
            headers={name: request.headers[name] for name in _SIGNED_HEADERS if name in request.headers},
        )
        SigV4Auth(self._credentials(), SERVICE, self._region).add_auth(signed)
        for name, value in signed.headers.items():
            request.headers[name] = value
        yield request


def sigv4(url: str, region: str | None) -> SigV4:
    """Sign with the IAM credentials of the environment.

    Args:
        url: the API's, whose host name tells the region when nothing else does.
        region: the region; None for the environment's.

    Raises:
        CliError: there are no credentials, or no region.
    """
    import botocore.session
    from botocore.exceptions import BotoCoreError

    try:
        session = botocore.session.get_session()
        credentials = session.get_credentials()
        found = region or _region_of(url) or environment_region() or session.get_config_variable("region")
    except BotoCoreError as error:
        raise CliError(ExitCode.NOT_AUTHORIZED, f"The AWS credentials cannot be read: {error}") from None
    if credentials is None:
        raise CliError(
            ExitCode.NOT_AUTHORIZED,
            "There are no AWS credentials to sign with: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and its secret.",
        )
    if not found:
        raise CliError(ExitCode.USAGE, "Signing needs a region: give --region, or set AWS_REGION.")
    return SigV4(credentials.get_frozen_credentials, found)


def environment_region() -> str | None:
    """The region of ``AWS_REGION``, which all of AWS's tools read but boto3."""
    return os.environ.get("AWS_REGION") or None


def _region_of(url: str) -> str | None:
    host = httpx.URL(url).host
    match = re.fullmatch(r"[^.]+\.execute-api\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?", host)
    return match[1] if match else None
