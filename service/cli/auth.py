"""Authentication of requests to the API: an API key, a user pool's token, or AWS Signature Version 4."""

import os
import re
from collections.abc import Callable, Generator
from typing import Any

import httpx

from service.cli.errors import CliError, ExitCode

SERVICE = "execute-api"
_SIGNED_HEADERS = ("content-type", "idempotency-key", "prefer", "x-api-key")


def credential_headers(api_key: str | None, token: str | None) -> dict[str, str]:
    """Return the headers for the API key and the token that are given.

    Raises:
        CliError: a header cannot contain the key or the token. The message does not quote it.
    """
    credentials = (
        ("X-Api-Key", api_key, 256, "API key", "DOFS_API_KEY or --api-key"),
        ("Authorization", token, 8192, "token", "DOFS_TOKEN or --token"),
    )
    for _, value, longest, noun, source in credentials:
        if value and not re.fullmatch(f"[!-~]{{1,{longest}}}", value):
            raise CliError(
                ExitCode.USAGE, f"The {noun} is too long, or has characters that no header may contain: check {source}."
            )
    return {name: value for name, value, *_ in credentials if value}


class SigV4(httpx.Auth):
    """Signs each request for API Gateway with AWS Signature Version 4.

    ``get_credentials`` is called for every request, so that credentials that expire are refreshed.
    """

    requires_request_body = True

    def __init__(self, get_credentials: Callable[[], Any], region: str) -> None:
        self._get_credentials = get_credentials
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
        SigV4Auth(self._get_credentials(), SERVICE, self._region).add_auth(signed)
        for name, value in signed.headers.items():
            request.headers[name] = value
        yield request


def create_sigv4(url: str, region_option: str | None) -> SigV4:
    """Create a signer with the AWS credentials of the environment.

    Args:
        url: the URL of the API.
        region_option: the region, if the user gave one. Otherwise the region is that of the URL's host name, or else
            that of the environment.

    Raises:
        CliError: there are no credentials, or no region.
    """
    import botocore.session
    from botocore.exceptions import BotoCoreError

    try:
        session = botocore.session.get_session()
        credentials = session.get_credentials()
        region = region_option or _region_of(url) or environment_region() or session.get_config_variable("region")
    except BotoCoreError as error:
        raise CliError(ExitCode.NOT_AUTHORIZED, f"The AWS credentials cannot be read: {error}") from None
    if credentials is None:
        raise CliError(
            ExitCode.NOT_AUTHORIZED,
            "There are no AWS credentials to sign with: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and its secret.",
        )
    if not region:
        raise CliError(ExitCode.USAGE, "Signing needs a region: give --region, or set AWS_REGION.")
    return SigV4(credentials.get_frozen_credentials, region)


def environment_region() -> str | None:
    """Return the value of ``AWS_REGION``. The AWS CLI and other SDKs read it, but boto3 does not."""
    return os.environ.get("AWS_REGION") or None


def _region_of(url: str) -> str | None:
    host = httpx.URL(url).host
    match = re.fullmatch(r"[^.]+\.execute-api\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?", host)
    return match[1] if match else None
